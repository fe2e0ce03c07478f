internal import Foundation
internal import SwiftProtobuf

/// Reads a file of recorded runs.
public enum VectorFile {
    /// What is wrong with a file.
    public struct Damaged: Error {}

    /// All records of a file.
    public static func read(_ path: String) throws -> [OpVector] {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        var records: [OpVector] = []
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
            records.append(try OpVector(serializedBytes: data[position..<position + length]))
            position += length
        }
        return records
    }
}
