import Foundation
import VectorSupport

/// The seeds of a fuzzer.
enum Seeds {
    /// The maximum size of a seed. Larger ones only slow the fuzzer down.
    private static let largestBytes = 64 << 10

    /// Writes a reader's seeds and dictionary.
    static func write(of reader: any FuzzReader.Type, to folder: String) throws {
        let place = "\(folder)/\(reader.name)"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        var count = 0
        for seed in Set(try reader.seeds()).sorted(by: { $0.lexicographicallyPrecedes($1) })
        where seed.count <= largestBytes {
            try Fixtures.write(seed, to: "\(place)/\(count)")
            count += 1
        }
        let words = reader.words.map { word in
            "\"" + word.map { "\\x" + String(Int($0) + 0x100, radix: 16).dropFirst() }.joined() + "\"\n"
        }
        try Fixtures.write(Array(words.joined().utf8), to: place + ".dict")
        print("\(reader.name): \(count) seeds, \(words.count) words")
    }

    /// The contents of the fixtures' files whose path `body` accepts.
    static func files(in folder: String = "", _ isWanted: (String) -> Bool) throws -> [[UInt8]] {
        let root = Fixtures.path(folder)
        let names = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
        return try names.sorted().filter(isWanted).map { try Fixtures.bytes("\(root)/\($0)") }
    }

    /// Text as words.
    static func words(_ texts: String...) -> [[UInt8]] { texts.map { Array($0.utf8) } }
}

/// Takes parts off the front of an input.
struct InputParts {
    private(set) var rest: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

    /// A number below `count`; 0 at the end.
    mutating func choice(_ count: Int) -> Int {
        guard let byte = rest.first, count > 0 else { return 0 }
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst())
        return Int(byte) % count
    }

    /// The bytes after a little-endian count of two bytes; fewer at the end.
    mutating func part() -> UnsafeRawBufferPointer {
        let count = choice(256) | choice(256) << 8
        defer { rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count)) }
        return UnsafeRawBufferPointer(rebasing: rest.prefix(count))
    }

    /// The form that ``part()`` reads.
    static func part(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8(truncatingIfNeeded: bytes.count), UInt8(truncatingIfNeeded: bytes.count >> 8)] + bytes
    }
}
