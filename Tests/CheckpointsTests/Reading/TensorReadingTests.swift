import Synchronization
import Tensors
import Testing
import Threads
import VectorSupport

@testable import Checkpoints

/// Tensors that several threads read and verify at once.
@Suite("Reading by several threads")
struct TensorReadingTests {
    private static let helpers = SpareProcessors(processors: 4)

    /// Tensors of sizes around that of a part, which is 512 KiB, in the order of the file. The names are not sorted.
    private static let bundle: TrialBundle = {
        let counts = [
            ("f", 3), ("b", 0), ("e", 131_071), ("c", 131_072), ("a", 131_073), ("g", 1_000_003), ("d", 1),
            ("h", 700_000),
        ]
        return TrialBundle(
            tensors: counts.enumerated().map { number, tensor in
                (tensor.0, (0..<tensor.1).map { Float(($0 * 31 + number) % 65_537) })
            })
    }()

    private static func offset(of name: String) -> Int {
        bundle.tensors.prefix { $0.name != name }.reduce(0) { $0 + $1.values.count * 4 }
    }

    private func reader(_ prefix: String, isOnDemand: Bool, helpers: Bool = true) throws -> CheckpointReader {
        try CheckpointReader(prefix: prefix).loaded(
            ReadingOptions(isOnDemand: isOnDemand, helpers: helpers ? Self.helpers : nil))
    }

    @Test("all threads together read what one reads", arguments: [false, true])
    func reading(isOnDemand: Bool) throws {
        try Self.bundle.withFiles { prefix in
            let reader = try reader(prefix, isOnDemand: isOnDemand)
            for (name, values) in Self.bundle.tensors {
                #expect(try reader.tensor(named: name).scalars(as: Float.self) == values, "\(name)")
            }
            try reader.verifyRest()
        }
    }

    @Test(
        "of several damaged tensors the first one in the file is named, however many threads read",
        arguments: [false, true])
    func damage(isOnDemand: Bool) throws {
        let names = ["f", "e", "a", "g", "h"]
        for (first, second) in zip(names, names.dropFirst()) {
            try Self.bundle.withFiles { prefix in
                try TrialBundle.damage(prefix, at: Self.offset(of: second) + 2)
                try TrialBundle.damage(prefix, at: Self.offset(of: first) + 1)
                var messages: Set<String> = []
                for helpers in [false, true] {
                    let error = #expect(throws: CheckpointError.self) {
                        let reader = try reader(prefix, isOnDemand: isOnDemand, helpers: helpers)
                        // Whatever is asked for first.
                        _ = try? reader.tensor(named: second)
                        try reader.verifyRest()
                    }
                    #expect(error?.kind == .corrupt)
                    #expect(
                        error?.reason.hasPrefix("tensor \"\(first)\" at \(Self.offset(of: first)): checksum") == true)
                    messages.insert(error?.description ?? "")
                }
                #expect(messages.count == 1)
            }
        }
    }

    @Test(
        "a damaged byte in any part of a large tensor is found, also at the end",
        arguments: [0, 524_287, 524_288, 4_000_011])
    func places(offset: Int) throws {
        try Self.bundle.withFiles { prefix in
            try TrialBundle.damage(prefix, at: Self.offset(of: "g") + offset)
            for isOnDemand in [false, true] {
                let error = #expect(throws: CheckpointError.self) {
                    try reader(prefix, isOnDemand: isOnDemand).verifyRest()
                }
                #expect(error?.reason.hasPrefix("tensor \"g\"") == true)
            }
        }
    }

    @Test("what was not asked for is verified without taking memory, and only once")
    func rest() throws {
        try Self.bundle.withFiles { prefix in
            let reader = try reader(prefix, isOnDemand: true)
            try reader.verifyRest()
            #expect(reader.residentBytes == 0)
            try TrialBundle.damage(prefix, at: Self.offset(of: "h"))
            try reader.verifyRest()
            #expect(throws: CheckpointError.self) { try reader.tensor(named: "h") }
        }
    }

    @Test("a file that was written before everything is verified is an error of its own")
    func changed() throws {
        try Self.bundle.withFiles { prefix in
            let reader = try reader(prefix, isOnDemand: true)
            for name in ["f", "g"] { _ = try reader.tensor(named: name) }
            // The same bytes, at another time.
            try Fixtures.write(try Fixtures.bytes(TrialBundle.data(prefix)), to: TrialBundle.data(prefix))
            let error = #expect(throws: CheckpointError.self) { try reader.verifyRest() }
            #expect(error?.kind == .changed)
        }
    }

    @Test(
        "a function takes parts that together are the tensor, and the tensor takes no memory",
        arguments: [4, 12, 400_000, 600_000])
    func parts(multiple: Int) throws {
        try Self.bundle.withFiles { prefix in
            let reader = try reader(prefix, isOnDemand: true)
            for (name, values) in Self.bundle.tensors where !values.isEmpty {
                let taken = Mutex<[Int: [UInt8]]>([:])
                let isTaken = try reader.readParts(of: name, multipleOf: multiple) { bytes, offset in
                    taken.withLock { $0[offset] = Array(bytes) }
                }
                #expect(isTaken)
                let parts = taken.withLock { $0 }.sorted { $0.key < $1.key }
                #expect(parts.flatMap(\.value) == values.withUnsafeBytes { Array($0) }, "\(name)")
                #expect(parts.dropLast().allSatisfy { $0.value.count % multiple == 0 })
            }
            #expect(reader.residentBytes == 0)
            let tensor = try reader.tensor(named: "e")
            #expect(try !reader.readParts(of: "e", multipleOf: 4) { _, _ in })
            #expect(tensor.scalars(as: Float.self) == Self.bundle.tensors[2].values)
        }
    }

    @Test("parts of a damaged tensor are an error")
    func damagedParts() throws {
        try Self.bundle.withFiles { prefix in
            try TrialBundle.damage(prefix, at: Self.offset(of: "g") + 3_000_000)
            let reader = try reader(prefix, isOnDemand: true)
            let error = #expect(throws: CheckpointError.self) {
                try reader.readParts(of: "g", multipleOf: 4) { _, _ in }
            }
            #expect(error?.kind == .corrupt)
            #expect(try reader.readParts(of: "h", multipleOf: 4) { _, _ in })
        }
    }

    @Test("progress counts each tensor once, and is reported no more often than wanted", arguments: [false, true])
    func progress(isOnDemand: Bool) throws {
        try Self.bundle.withFiles { prefix in
            let reports = Mutex<[(ReadingProgress.Count, ReadingProgress.Count)]>([])
            let progress = ReadingProgress(intervalNanoseconds: 0) { done, total in
                reports.withLock { $0.append((done, total)) }
            }
            let reader = try CheckpointReader(prefix: prefix).loaded(
                ReadingOptions(isOnDemand: isOnDemand, helpers: Self.helpers, progress: progress))
            for _ in 0..<2 { _ = try reader.tensor(named: "g") }
            _ = try reader.readParts(of: "h", multipleOf: 4) { _, _ in }
            try reader.verifyRest()
            _ = try reader.tensor(named: "h")
            let all = ReadingProgress.Count(
                tensors: 7, bytes: Self.bundle.tensors.reduce(0) { $0 + $1.values.count * 4 })
            let found = reports.withLock { $0 }
            #expect(found.allSatisfy { $0.1 == all && $0.0.bytes <= all.bytes && $0.0.tensors <= all.tensors })
            #expect(found.contains { $0.0 == all })
            let rare = ReadingProgress { _, _ in Issue.record("a short load needs no report") }
            _ = try CheckpointReader(prefix: prefix).loaded(ReadingOptions(progress: rare))
        }
    }
}
