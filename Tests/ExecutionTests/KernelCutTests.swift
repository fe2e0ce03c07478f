import Execution
import Foundation
import GraphSupport
import Kernels
import Memory
import Operations
import SwiftProtobuf
import Synchronization
import TensorFlowProtos
import Tensors
import Testing
import Threads
import VectorSupport

/// Kernels that several threads compute together.
@Suite("Kernels that are cut")
struct KernelCutTests {
    @Test("Outputs are the same, bit for bit, whoever helps", arguments: KernelCutCase.all)
    func isExact(_ sample: KernelCutCase) throws {
        let callable = try callable(sample)
        let inputs = try sample.inputs.enumerated().map { try tensor(sample.dtype, $1, seed: UInt64($0)) }
        let alone = try callable.run(inputs).map(\.bytes)
        for processors in [2, 4] {
            let source = CountingSource(processors: processors)
            let together = try callable.run(inputs, helpers: source).map(\.bytes)
            #expect(together == alone, "\(processors) processors")
            #expect(source.borrowed > 0, "nobody was asked for help")
            #expect(source.spare.spareCount == processors - 1)
        }
    }

    /// With 17 rows or more, the outer axis is cut. With one, the folded axis is, or the columns.
    @Test(
        "A reduction is the same, bit for bit, wherever it is cut",
        arguments: ["Sum", "Mean", "Max", "Min", "EuclideanNorm"],
        [[200_003], [1 << 18], [60_001, 3], [100, 2001], [262_144, 1]])
    func isExactWhereverCut(_ op: String, _ shape: [Int]) throws {
        let input = try tensor(.float32, shape, seed: 7)
        let copies = 17
        let numbers = try #require(input.scalars(as: Float.self))
        let all = [[Float]](repeating: numbers, count: copies).flatMap { $0 }
        let repeated = try #require(Tensor(all, shape: [copies] + shape))
        func run(_ tensor: Tensor, axis: Int32) throws -> [UInt8] {
            let sample = KernelCutCase(
                op: op, inputs: [tensor.shape.dimensions],
                constants: [1: KernelCutCase.Constant([axis], shape: [1])])
            return try callable(sample).run([tensor])[0].bytes
        }
        let one = try run(input, axis: 0)
        #expect(try run(repeated, axis: 1) == [[UInt8]](repeating: one, count: copies).flatMap { $0 })
    }

    private func callable(_ sample: KernelCutCase) throws -> Callable {
        var graph = TestGraph()
        let type = Int32(sample.dtype.rawValue)
        var names = sample.inputs.enumerated().map { index, shape in
            graph.placeholder("x\(index)", type, shape.map { Int64($0) })
        }
        let feeds = names
        for (place, constant) in sample.constants.sorted(by: { $0.key < $1.key }) {
            let tensor = TensorProto.with { tensor in
                tensor.dtype = 3
                tensor.tensorShape.dim = constant.shape.map { size in .with { $0.size = Int64(size) } }
                tensor.intVal = constant.values
            }
            let name = graph.add(
                "Const", "c\(place)", types: ["dtype": 3], ["value": .with { $0.tensor = tensor }])
            names.insert(name, at: place)
        }
        var attributes = sample.numbers.mapValues { values in AttrValue.with { $0.list.i = values } }
        for (key, number) in sample.integers { attributes[key] = .with { $0.i = number } }
        for (key, text) in sample.texts { attributes[key] = .with { $0.s = Data(text.utf8) } }
        for (key, flag) in sample.flags { attributes[key] = .with { $0.b = flag } }
        graph.add(sample.op, "op", names, types: ["T": type], attributes)
        let fetches = (0..<sample.outputs).map { "op:\($0)" }
        return try graph.session(limitBytes: 1 << 30).callable(feeds.map { $0 + ":0" }, fetches)
    }

    private func tensor(_ dtype: DataType, _ shape: [Int], seed: UInt64) throws -> Tensor {
        var generator = SplitMix(state: seed)
        let count = shape.reduce(1, *)
        let numbers = (0..<count).map { _ in Float(generator.next() >> 40) / Float(1 << 23) + 0.001 }
        let made =
            switch dtype {
            case .int32: Tensor(numbers.map { Int32($0 * 100) + 1 }, shape: shape)
            case .float64: Tensor(numbers.map { Double($0) }, shape: shape)
            default: Tensor(numbers, shape: shape)
            }
        return try #require(made)
    }

    /// Notes whether anybody asked for help.
    final class CountingSource: HelperSource {
        let spare: SpareProcessors
        private let count = Atomic<Int>(0)

        init(processors: Int) { spare = SpareProcessors(processors: processors) }

        var team: Team { spare.team }
        var isWanted: Bool { false }
        var borrowed: Int { count.load(ordering: .relaxed) }

        func borrow(upTo wanted: Int) -> Int {
            let taken = spare.borrow(upTo: wanted)
            count.add(taken, ordering: .relaxed)
            return taken
        }

        func giveBack(_ number: Int) { spare.giveBack(number) }
    }
}

/// What the workers of one kernel share.
@Suite("Workers of a kernel")
struct KernelWorkerTests {
    /// A kernel of units that take a while.
    private func kernel(
        units: Int = 64, scratchBytesPerWorker: Int = 0, _ body: @escaping @Sendable (KernelFrame, Int) -> Void
    ) -> Kernel {
        let phase = Kernel.Phase(units: units, unitNanoseconds: 100_000) { frame, units, own in
            for unit in units {
                if scratchBytesPerWorker > 0 {
                    own.initializeMemory(as: UInt8.self, repeating: 1, count: scratchBytesPerWorker)
                }
                body(frame, unit)
                if frame.isOver(after: 1 << 20) { return }
            }
        }
        return Kernel("test", scratchBytesPerWorker: scratchBytesPerWorker, phases: [phase])
    }

    private func wait(microseconds: UInt64) {
        let end = MonotonicClock.nanoseconds + microseconds * 1000
        while MonotonicClock.nanoseconds < end {}
    }

    @Test("Of several faults that of the lowest unit is reported")
    func faults() {
        let kernel = kernel { frame, unit in
            self.wait(microseconds: UInt64(unit * 7 % 50))
            if [5, 6, 9, 40].contains(unit) { frame.report(.message("unit \(unit)")) }
        }
        for processors in [1, 2, 4] {
            let source = SpareProcessors(processors: processors)
            for _ in 0..<50 {
                let fault = #expect(throws: Fault.self) { try kernel.run([], [], helpers: source) {} }
                #expect(fault?.kind == .message("unit 5"))
            }
            #expect(source.spareCount == processors - 1)
        }
    }

    @Test("All workers stop when the run's time is over")
    func cancellation() {
        let flag = Flag()
        let count = 10_000
        let kernel = kernel(units: count) { [counter = Counter()] _, unit in
            counter.add()
            self.wait(microseconds: 100)
            if unit == 20 { flag.raise() }
            #expect(counter.value < count / 2)
        }
        let account = RunAccount()
        account.limits = RunLimits(abandonment: flag)
        let source = SpareProcessors(processors: 4)
        let fault = #expect(throws: Fault.self) { try kernel.run([], [], account, helpers: source) {} }
        #expect(fault?.kind == .timeOver)
        #expect(source.spareCount == 3)
    }

    final class Counter: Sendable {
        private let count = Atomic<Int>(0)

        var value: Int { count.load(ordering: .relaxed) }

        func add() { count.add(1, ordering: .relaxed) }
    }

    @Test("Strings of all workers are valid until the outputs have been taken")
    func strings() throws {
        let count = 400
        let kernel = kernel(units: count) { frame, unit in
            let output = frame.output(as: TensorString.self)
            let bytes = 1000 + unit
            guard let memory = frame.allocateString(byteCount: bytes) else { return }
            memory.initializeMemory(as: UInt8.self, repeating: UInt8(truncatingIfNeeded: unit), count: bytes)
            output[unit] = TensorString(start: UnsafePointer(memory.assumingMemoryBound(to: UInt8.self)), count: bytes)
        }
        let storage = try #require(TensorStorage(byteCount: count * MemoryLayout<TensorString>.stride))
        let account = RunAccount()
        try kernel.run([], [storage.baseAddress], account, helpers: SpareProcessors(processors: 4)) {
            let strings = storage.baseAddress.assumingMemoryBound(to: TensorString.self)
            for unit in 0..<count {
                #expect(strings[unit].count == 1000 + unit)
                #expect(strings[unit].bytes.allSatisfy { $0 == UInt8(truncatingIfNeeded: unit) })
            }
        }
        #expect(account.usedBytes >= count * 1000)
    }

    @Test("Memory of helpers is counted, and without it nobody helps")
    func memory() throws {
        let kernel = kernel(scratchBytesPerWorker: 1 << 20) { _, _ in self.wait(microseconds: 20) }
        let source = KernelCutTests.CountingSource(processors: 3)
        let small = RunAccount(limitBytes: 1 << 20)
        try kernel.run([], [], small, helpers: source) {}
        #expect(source.spare.spareCount == 2)

        let memory = MemoryAccount(limitBytes: 1 << 30)
        do {
            let account = RunAccount(memory: memory)
            let workers = KernelWorkers(account)
            #expect(workers.memoryBytes == 0)
            try kernel.run([], [], account, helpers: source, workers: workers) {}
            #expect(workers.memoryBytes == 2 << 20)
            #expect(memory.usedBytes >= 2 << 20)
        }
        #expect(memory.usedBytes == 0)
    }

    @Test("Many runs at once share the helpers, and give all of them back")
    func concurrentRuns() throws {
        let source = SpareProcessors(processors: 3)
        let kernel = kernel(units: 8) { frame, unit in
            self.wait(microseconds: 5)
            if unit == 7 { frame.report(.message("last")) }
        }
        let threads = try (0..<6).map { _ in
            try SystemThread {
                for _ in 0..<200 { try? kernel.run([], [], helpers: source) {} }
            }
        }
        for thread in threads { thread.join() }
        #expect(source.spareCount == 2)
    }

    @Test("A team runs the body here, and on no more helpers than asked for")
    func team() {
        let team = Team(size: 3)
        for helpers in [0, 1, 2, 3, 9] {
            let seen = Locked<[Int]>([])
            let begun = team.run(helpers: helpers) { worker in
                seen.withLock { $0.append(worker) }
                self.wait(microseconds: 300)
            }
            let workers = seen.withLock { $0.sorted() }
            #expect(workers.contains(0))
            #expect(workers.count == begun + 1)
            #expect(Set(workers).count == workers.count)
            #expect(workers.allSatisfy { $0 <= min(helpers, 3) })
        }
    }
}

extension Tensor {
    fileprivate var bytes: [UInt8] { withUnsafeBytes { Array($0) } }
}
