import Foundation
import SwiftProtobuf
import TensorFlowProtos
import VectorSupport

@testable import Checkpoints

/// A bundle of float32 tensors that a test writes.
struct TrialBundle {
    let tensors: [(name: String, values: [Float])]

    /// Writes the bundle, and calls a function with its prefix.
    func withFiles(_ body: (String) throws -> Void) throws {
        var data: [UInt8] = []
        let header = BundleHeaderProto.with { $0.numShards = 1 }
        var entries: [([UInt8], [UInt8])] = [([], try header.serializedBytes())]
        for (name, values) in tensors {
            let bytes = values.withUnsafeBytes { Array($0) }
            let entry = BundleEntryProto.with { entry in
                entry.dtype = 1
                entry.shape.dim = [.with { $0.size = Int64(values.count) }]
                entry.offset = Int64(data.count)
                entry.size = Int64(bytes.count)
                entry.crc32C = bytes.withUnsafeBytes { Checksum.masked(of: $0) }
            }
            entries.append((Array(name.utf8), try entry.serializedBytes()))
            data += bytes
        }
        // The names in a table are sorted.
        entries.sort { $0.0.lexicographicallyPrecedes($1.0) }
        try Fixtures.withCopy(of: Fixtures.path("checkpoints/renamed")) { copy in
            try Fixtures.write(TableBuilder().table(entries), to: copy + "/m.index")
            try Fixtures.write(data, to: Self.data(copy + "/m"))
            try body(copy + "/m")
        }
    }

    /// The file with the tensors' bytes.
    static func data(_ prefix: String) -> String { prefix + ".data-00000-of-00001" }

    /// Changes a byte of the file with the tensors' bytes.
    static func damage(_ prefix: String, at offset: Int) throws {
        var bytes = try Fixtures.bytes(data(prefix))
        bytes[offset] ^= 0x10
        try Fixtures.write(bytes, to: data(prefix))
    }
}
