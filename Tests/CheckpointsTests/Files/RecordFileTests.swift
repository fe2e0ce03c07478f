import Checkpoints
import Foundation
import Testing
import VectorSupport

/// TFRecord files: what TensorFlow wrote, and damages to it.
@Suite("Record files")
struct RecordFileTests {
    private static let path = Fixtures.path("serving/warmup_requests")

    private static func records(_ path: String) throws -> [[UInt8]] {
        var file = try RecordFile(path: path, maxBytes: 1 << 20)
        var records: [[UInt8]] = []
        while let record = try file.next() { records.append(record) }
        return records
    }

    private func withFile(_ bytes: [UInt8], _ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("records-\(UUID().uuidString)").path
        try Fixtures.write(bytes, to: path)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    @Test("records come in their order")
    func read() throws {
        #expect(try Self.records(Self.path).map(\.count) == [83, 108, 182, 169])
        try withFile([]) { path in
            let records = try Self.records(path)
            #expect(records.isEmpty)
        }
    }

    @Test("every truncation but at the end of a record is an error, and so is every changed byte")
    func damage() throws {
        let bytes = try Fixtures.bytes(Self.path)
        let ends = [0, 99, 223, 421, 606]
        #expect(bytes.count == ends.last)
        for count in 0..<bytes.count {
            try withFile(Array(bytes[..<count])) { path in
                let records = Result { try Self.records(path) }
                if let index = ends.firstIndex(of: count) {
                    #expect((try? records.get())?.count == index)
                } else {
                    #expect(throws: CheckpointError.self) { try records.get() }
                }
            }
            var changed = bytes
            changed[count] ^= 0x40
            try withFile(changed) { path in
                let records = Result { try Self.records(path) }
                #expect(throws: CheckpointError.self) { try records.get() }
            }
        }
    }

    @Test("what is wrong is said with its place")
    func words() throws {
        var bytes = try Fixtures.bytes(Self.path)
        bytes[99 + 20] ^= 1
        try withFile(bytes) { path in
            let error = #expect(throws: CheckpointError.self) { try Self.records(path) }
            #expect(error?.kind == .corrupt)
            #expect(error?.reason.hasPrefix("the content of the record at byte 99 has the checksum 0x") == true)
        }
        try withFile(Array(bytes[..<50])) { path in
            let error = #expect(throws: CheckpointError.self) { try Self.records(path) }
            #expect(error?.reason == "ends within the record at byte 0")
        }
        let error = #expect(throws: CheckpointError.self) { _ = try RecordFile(path: Self.path, maxBytes: 605) }
        #expect(error?.reason == "has 606 bytes; at most 605 are read")
    }
}
