internal import Foundation
internal import SwiftProtobuf

/// A file of recorded runs.
public struct VectorFamily: Sendable, CustomStringConvertible {
    /// Its name without the suffix.
    public let name: String
    /// Its path.
    public let path: String

    /// Its name.
    public var description: String { name }

    /// The files of single ops.
    public static let ops = files(in: "ops", suffix: ".vectors")
    /// The files of graphs.
    public static let graphs = files(in: "graphs", suffix: ".graphs")

    private static func files(in folder: String, suffix: String) -> [VectorFamily] {
        let folder = Fixtures.path(folder)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(suffix) }.sorted().map {
            VectorFamily(name: String($0.dropLast(suffix.count)), path: "\(folder)/\($0)")
        }
    }
}

/// Reads a file of recorded runs.
public enum VectorFile {
    /// The problem with a file.
    public struct Damaged: Error {}

    /// All records of a file of single ops.
    public static func read(_ path: String) throws -> [OpVector] { try records(path) }

    /// All records of a file of graphs.
    public static func readGraphs(_ path: String) throws -> [GraphVector] { try records(path) }

    private static func records<Record: Message>(_ path: String) throws -> [Record] {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        var records: [Record] = []
        var position = data.startIndex
        while position < data.endIndex {
            var length = 0
            var shift = 0
            while true {
                guard position < data.endIndex, shift < 35 else { throw Damaged() }
                let byte = data[position]
                position += 1
                length |= Int(byte & 127) << shift
                shift += 7
                if byte < 128 { break }
            }
            guard length <= data.endIndex - position else { throw Damaged() }
            records.append(try Record(serializedBytes: data[position..<position + length]))
            position += length
        }
        return records
    }
}
