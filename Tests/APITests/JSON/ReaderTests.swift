import Foundation
import HTTPMessages
import Testing
import VectorSupport

@testable import API

/// Whether the processor has the instructions of our own reader.
private let isReaderThere: Bool = {
    let text = Array("[]".utf8) + [UInt8](repeating: 0, count: HTTPRequest.bodyPadding)
    return text.withUnsafeBytes { bytes in JSONParser()?.read(UnsafeRawBufferPointer(rebasing: bytes[..<2])) != nil }
}()

/// Our own reader of JSON beside simdjson, and its numbers beside those of the C library. Both are exact.
@Suite("The reader of JSON", .enabled(if: isReaderThere, "needs a processor with AVX2"))
struct ReaderTests {
    /// The first difference between two values; nil if there is none.
    private func difference(_ left: JSONValue, _ right: JSONValue) -> String? {
        guard left.kind == right.kind else { return "\(left.kind), \(right.kind) at \(left.index)" }
        guard left.index == right.index, left.extent == right.extent else { return "places at \(left.index)" }
        switch left.kind {
        case .int64, .uint64, .double: return left.uint64 == right.uint64 ? nil : "\(left.shown), \(right.shown)"
        case .string: return left.string.elementsEqual(right.string) ? nil : "\(left.text), \(right.text)"
        case .truth, .falsehood, .null: return nil
        case .list, .object:
            guard left.count == right.count else { return "\(left.count), \(right.count) elements" }
            var (one, other) = (left.first, right.first)
            while one.index < left.endIndex {
                if let difference = difference(one, other) { return difference }
                (one, other) = (one.next, other.next)
            }
            return nil
        }
    }

    /// Reads a text by both. simdjson must accept what our own reader accepts, and as the same.
    ///
    /// - Returns: Whether our own reader reads it.
    private func compare(_ text: [UInt8], _ own: JSONParser, _ other: JSONParser, padding: UInt8) throws -> Bool {
        let guarded = try #require(GuardedText(text, padding: padding))
        return withExtendedLifetime(guarded) {
            guard let root = own.read(guarded.text) else { return false }
            let shown = String(decoding: text, as: UTF8.self)
            do throws(RequestError) {
                let expected = try other.parse(guarded.text)
                #expect(!other.wasAmended, "\(shown)")
                if let difference = difference(root, expected) { Issue.record("\(shown): \(difference)") }
            } catch { Issue.record("\(shown): \(error.message)") }
            return true
        }
    }

    private func parsers() throws -> (own: JSONParser, other: JSONParser) {
        (try #require(JSONParser()), try #require(JSONParser(fewestReadBytes: .max)))
    }

    @Test("Random documents are the same as by simdjson", arguments: [1, 2, 3, 4] as [UInt64])
    func documents(seed: UInt64) throws {
        let (own, other) = try parsers()
        var random = RandomJSON(random: SplitMix(state: seed))
        var readCount = 0
        for _ in 0..<1500 {
            let text = Array(random.document().utf8)
            if try compare(text, own, other, padding: UInt8(ascii: "7")) { readCount += 1 }
        }
        // The others have floats that are too large or too small.
        #expect(readCount > 500, "\(readCount)")
    }

    @Test(
        "Changed and truncated documents are refused, or the same as by simdjson", arguments: [5, 6, 7, 8] as [UInt64])
    func mutations(seed: UInt64) throws {
        let (own, other) = try parsers()
        var random = RandomJSON(random: SplitMix(state: seed))
        var counts = (read: 0, left: 0)
        for _ in 0..<150 {
            let text = Array(random.document().utf8)
            for _ in 0..<12 {
                var changed = Mutation.apply(to: text, using: &random.random)
                if random.random.next() % 4 == 0 {
                    changed = Array(changed.prefix(Int(random.random.next() % UInt64(changed.count + 1))))
                }
                let padding = Array("7]}\",e.-[ ".utf8)[Int(random.random.next() % 10)]
                if try compare(changed, own, other, padding: padding) { counts.read += 1 } else { counts.left += 1 }
            }
        }
        #expect(counts.read > 50 && counts.left > 50, "\(counts)")
    }

    @Test("Each truncation of a list of numbers is refused, whatever follows", arguments: Array("0123,]}e.- \n".utf8))
    func truncations(padding: UInt8) throws {
        let (own, other) = try parsers()
        let text = Array(#"{"a":[[[0.25, -17.125],[1e3, 255]], [[123456789.123456789, -0.1], [7,8]]],"é\n":"b"}"#.utf8)
        for count in text.indices {
            #expect(try !compare(Array(text[..<count]), own, other, padding: padding), "\(count)")
        }
        #expect(try compare(text, own, other, padding: padding))
    }

    @Test("A malformed number is refused anywhere in a list")
    func malformedNumbers() throws {
        let (own, other) = try parsers()
        let malformed = [
            "01", "-", "-01", "1.", "1.e5", ".5", "-.5", "+5", "1e", "1e+", "00", "0.5.5", "1-1", "--1", "/1", "1/",
            "0x1",
            "1_0", "1..2", "1.2e3.4", "1e3e3", "NaN", "-Infinity", "Infinity", "1e400", "-1e400",
            "18446744073709551616",
            "-9223372036854775809", "99999999999999999999", "1,,2", "[1", "1]", "1 2",
            "0.1234567890123456789012345678e",
            "1234567890123456789012345678.e1",
        ]
        for number in malformed {
            for before in [0, 1, 20, 70] {
                for after in [0, 1, 20] {
                    let texts = Array(repeating: "1.5", count: before) + [number] + Array(repeating: "2", count: after)
                    let isRead = try compare(Array("[\(texts.joined(separator: ","))]".utf8), own, other, padding: 0x35)
                    #expect(!isRead, "\(number) after \(before), before \(after)")
                }
            }
        }
    }

    @Test("Lists of all lengths, in rows and in one, with all separators")
    func lengths() throws {
        let (own, other) = try parsers()
        var random = RandomJSON(random: SplitMix(state: 9))
        for comma in [",", ", ", ",  ", "\n,"] {
            for count in Array(0..<40) + [511, 512, 513, 3000] {
                for rowLength in [1, 3, max(1, count)] {
                    let rows = stride(from: 0, to: count, by: rowLength).map { start in
                        let row = (start..<min(start + rowLength, count)).map {
                            "\($0 % 7 == 0 ? "-" : "")\($0 % 100).\($0)5"
                        }
                        return "[\(row.joined(separator: comma))]"
                    }
                    for text in [
                        "[\(rows.joined(separator: comma))]",
                        "{\"a\":[\(rows.joined(separator: comma))],\"b\":\(random.number().count)}",
                    ] {
                        #expect(try compare(Array(text.utf8), own, other, padding: 0x20), "\(count) \(rowLength)")
                    }
                }
            }
        }
    }
}
