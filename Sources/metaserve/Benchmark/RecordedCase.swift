import ArgumentParser
import Foundation
import Serving
import Settings
import Tensors

/// A case of a `cases.json` beside a model: values of feeds, and names of fetches.
///
/// The file is a list of `{"feeds": {NAME: TENSOR}, "fetches": {NAME: TENSOR}}`. A TENSOR has `dtype`, `shape`, and `data`, a flat list,
/// or `npy`, the name of a file beside it.
struct RecordedCase {
    /// The feeds by name, sorted.
    let feeds: [(name: String, value: FeedSource)]
    /// The names of the tensors that were fetched, sorted.
    let fetches: [String]

    private struct Entry: Decodable {
        let feeds: [String: Recorded]
        let fetches: [String: Ignored]
    }

    private struct Recorded: Decodable {
        let shape: [Int]
        let data: [Element]?
        let npy: String?
    }

    private struct Ignored: Decodable {}

    /// An element of `data`.
    private struct Element: Decodable {
        let value: FeedValue

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let whole = try? container.decode(Int64.self) {
                value = FeedValue(whole)
            } else if let number = try? container.decode(Double.self) {
                value = FeedValue(number)
            } else if let truth = try? container.decode(Bool.self) {
                value = FeedValue(booleanLiteral: truth)
            } else {
                value = FeedValue(stringLiteral: try container.decode(String.self))
            }
        }
    }

    private static let maxBytes = 1 << 30

    /// Reads a case.
    ///
    /// - Parameters:
    ///   - number: Its place in the file, from 0.
    ///   - model: The path of the model. The file is in that folder, or beside that file.
    /// - Throws: `ValidationError` with the problem and the next step.
    init(_ number: Int, of model: String) throws {
        let folder = Self.folder(of: model)
        let path = folder + "/cases.json"
        let bytes: [UInt8]
        do throws(SettingsProblem) { bytes = try SmallFile.read(path, maxBytes: Self.maxBytes) } catch {
            throw ValidationError(
                "--case \(number): \(path) cannot be read: \(error.message). Leave out --case for random feeds, or give "
                    + "values with --feed NAME=VALUE")
        }
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        let entries: [Entry]
        do { entries = try decoder.decode([Entry].self, from: Data(Self.quotingNonFinite(bytes))) } catch {
            throw ValidationError(
                "\(path): expected a list of {\"feeds\": {NAME: {\"dtype\", \"shape\", \"data\" or \"npy\"}}, \"fetches\": "
                    + "{NAME: ...}}: \(Self.reason(error))")
        }
        guard entries.indices.contains(number) else {
            let range = entries.count > 1 ? "0 to \(entries.count - 1)" : entries.isEmpty ? "none" : "0"
            throw ValidationError("--case \(number): \(path) has the cases \(range)")
        }
        let entry = entries[number]
        fetches = entry.fetches.keys.sorted()
        feeds = try entry.feeds.sorted { $0.key < $1.key }.map { name, recorded in
            guard let shape = Shape(recorded.shape) else {
                throw ValidationError("\(path): \"\(name)\" has the shape \(recorded.shape), which no tensor has")
            }
            if let file = recorded.npy {
                return (name, .array(try FeedFile(path: folder + "/" + file, feed: name).bytes, path: file))
            }
            let elements = (recorded.data ?? []).map(\.value)
            guard elements.count == shape.elementCount else {
                throw ValidationError(
                    "\(path): \"\(name)\" has \(elements.count) elements; its shape \(shape) has \(shape.elementCount)")
            }
            return (name, .value(FeedValue(elements), shape))
        }
    }

    /// The folder at a path, or that of the file there.
    private static func folder(of path: String) -> String {
        guard SmallFile.isRegular(path) || !SmallFile.exists(path) else { return path }
        let parent = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        return parent.isEmpty ? (path.hasPrefix("/") ? "" : ".") : parent
    }

    /// Python writes bare NaN and Infinity, which JSON does not have.
    private static func quotingNonFinite(_ bytes: [UInt8]) -> [UInt8] {
        let words = ["-Infinity", "Infinity", "NaN"].map { Array($0.utf8) }
        let quote = UInt8(ascii: "\"")
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var isInString = false
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if !isInString, let word = words.first(where: { bytes[index...].starts(with: $0) }) {
                result += [quote] + word + [quote]
                index += word.count
                continue
            }
            if byte == quote { isInString.toggle() }
            result.append(byte)
            index += 1
            if isInString, byte == UInt8(ascii: "\\"), index < bytes.count {
                result.append(bytes[index])
                index += 1
            }
        }
        return result
    }

    private static func reason(_ error: any Error) -> String {
        let context: DecodingError.Context? =
            switch error as? DecodingError {
            case .dataCorrupted(let context), .keyNotFound(_, let context), .typeMismatch(_, let context),
                .valueNotFound(_, let context):
                context
            default: nil
            }
        guard let context else { return "\(error)" }
        let place = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? "\"\($0.stringValue)\"" }
        return (place.isEmpty ? "" : "at " + place.joined() + ": ") + context.debugDescription
    }
}

/// Where the value of a feed comes from, until its dtype is known.
enum FeedSource {
    /// Values, and the shape of the tensor if they are a flat list.
    case value(FeedValue, Shape?)
    /// The bytes of a `.npy` file, and its path for messages.
    case array([UInt8], path: String)
    /// A tensor, whose dtype is that of the input.
    case tensor(Tensor)
    /// Random numbers, or the usual value of a switch.
    case random(TensorDescription, Shape)

    /// Whether the values are random.
    var isRandom: Bool { if case .random(let input, _) = self { input.usualValue == nil } else { false } }

    /// Whether it is a switch that gets its usual value.
    var isUsual: Bool { if case .random(let input, _) = self { input.usualValue != nil } else { false } }
}
