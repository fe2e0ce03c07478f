import Foundation
import Glibc
import Tensors
import Testing
import VectorSupport

@testable import Checkpoints

@Suite("Weights that are given back to the system")
struct ReleasedWeightsTests {
    private static let pageBytes = Int(sysconf(Int32(_SC_PAGESIZE)))

    /// A checkpoint of two tensors of many pages, `a` and `b`.
    private func withCheckpoint(_ body: (String) throws -> Void) throws {
        let count = 64 * 1024
        try TrialBundle(tensors: [
            ("a", [Float](repeating: 1, count: count)), ("b", [Float](repeating: 2, count: count)),
        ]).withFiles(body)
    }

    private func first(_ reader: CheckpointReader, _ name: String) throws -> Float? {
        try reader.tensor(named: name).scalars(as: Float.self)?.last
    }

    @Test("what nobody uses is given back, and read again when somebody asks for it, though the files are deleted")
    func released() throws {
        try withCheckpoint { prefix in
            let reader = try CheckpointReader(prefix: prefix).loaded(ReadingOptions(isOnDemand: true))
            for ending in [".index", ".data-00000-of-00001"] {
                try FileManager.default.removeItem(atPath: prefix + ending)
            }
            // Nothing is read before somebody asks for it.
            #expect(reader.residentBytes == 0)
            let used = try reader.tensor(named: "a")
            #expect(reader.residentBytes == 256 << 10)
            #expect(used.scalars(as: Float.self)?.allSatisfy { $0 == 1 } == true)
            do {
                let other = try reader.tensor(named: "b")
                #expect(other.scalars(as: Float.self)?.allSatisfy { $0 == 2 } == true)
                #expect(reader.residentBytes == 512 << 10)
                reader.giveBackUnused()
                #expect(reader.residentBytes == 512 << 10)
            }
            // It goes with the last who uses it. The first and the last page may belong to another tensor too.
            #expect(reader.residentBytes <= (256 << 10) + 2 * Self.pageBytes)
            #expect(try first(reader, "b") == 2)
            #expect(used.scalars(as: Float.self)?.allSatisfy { $0 == 1 } == true)
        }
    }

    @Test("many threads that ask and give back see whole tensors only")
    func concurrent() throws {
        try withCheckpoint { prefix in
            let reader = try CheckpointReader(prefix: prefix).loaded(ReadingOptions(isOnDemand: true))
            DispatchQueue.concurrentPerform(iterations: 4) { thread in
                for round in 0..<50 {
                    let name = (thread + round) % 2 == 0 ? "a" : "b"
                    let expected: Float = name == "a" ? 1 : 2
                    let tensor = try? reader.tensor(named: name)
                    #expect(tensor?.scalars(as: Float.self)?.allSatisfy { $0 == expected } == true)
                    reader.giveBackUnused()
                }
            }
        }
    }

    @Test("a file that was written over meanwhile is an error, not other weights")
    func overwritten() throws {
        try withCheckpoint { prefix in
            let reader = try CheckpointReader(prefix: prefix).loaded(ReadingOptions(isOnDemand: true))
            reader.giveBackUnused()
            let handle = try #require(FileHandle(forUpdatingAtPath: prefix + ".data-00000-of-00001"))
            try handle.seek(toOffset: 1000)
            try handle.write(contentsOf: Data([7]))
            try handle.close()
            let error = #expect(throws: CheckpointError.self) { try reader.tensor(named: "a") }
            #expect(error?.kind == .corrupt)
            #expect(throws: CheckpointError.self) { try reader.tensor(named: "a") }
            #expect(try first(reader, "b") == 2)
        }
    }

    @Test("without open files everything stays")
    func closed() throws {
        try withCheckpoint { prefix in
            let reader = try CheckpointReader(prefix: prefix).loaded()
            reader.giveBackUnused()
            #expect(reader.residentBytes == 512 << 10)
            #expect(try first(reader, "a") == 1)
        }
    }
}
