import Glibc
import Kernels
import MemoryMeter
import OperationSupport
import Operations
import TensorFlowProtos
import Tensors
import Threads
import VectorSupport

/// Runs of ops with inputs that grow.
struct MemoryTrial {
    /// What a run may take; its inputs may take half of that.
    private let limitBytes: Int
    /// How many recorded runs of each op are tried.
    private let runsOfAnOp: Int
    /// What a run may take uncounted: what does not depend on the inputs.
    private static let slackBytes = 192 << 10
    /// What BLAS takes besides, for the parts of a product that threads share: as much for the smallest one.
    private static let productBytes = 544 << 10
    /// How long a run may take, and how long it may go on after that.
    private static let seconds = 0.25
    private static let graceSeconds = 0.25

    private var seen: [String: Int] = [:]
    private var refused: Set<String> = []
    private var runs = 0
    private var late = 0
    /// Runs that took more than they counted.
    private(set) var faults = 0

    /// - Parameters:
    ///   - limitBytes: What a run may take.
    ///   - runsOfAnOp: How many recorded runs of each op are tried.
    init(limitBytes: Int, runsOfAnOp: Int) {
        self.limitBytes = limitBytes
        self.runsOfAnOp = runsOfAnOp
    }

    private enum Outcome { case done, refused, failed }

    /// Grows one recorded run in all ways.
    mutating func run(_ vector: OpVector) {
        seen[vector.node.op, default: 0] += 1
        guard let count = seen[vector.node.op], count <= runsOfAnOp,
            let recorded = try? RecordedOp(vector)
        else { return }
        for growth in Growth.all(inputCount: recorded.inputs.count) {
            var times = 4
            while times < 1 << 40 {
                guard let (op, inputs) = grown(vector, recorded, growth, times) else { break }
                let name = "\(vector.node.op) \(vector.label), \(times) times the \(growth)"
                let outcome = run(op, inputs, name)
                if outcome == .refused { refused.insert(vector.node.op) }
                guard outcome == .done else { break }
                times *= 8
            }
        }
    }

    private func grown(
        _ vector: OpVector, _ recorded: RecordedOp, _ growth: Growth, _ times: Int
    ) -> (any Op, [Tensor])? {
        if growth == .attributes {
            var changed = false
            let other = try? RecordedOp(vector) { changed = Growth.grow(&$0, times: times) }
            guard changed, let other else { return nil }
            return (other.op, other.inputs)
        }
        let inputs = growth.applied(to: recorded.inputs, times: times, limitBytes: limitBytes / 2)
        return inputs.map { (recorded.op, $0) }
    }

    private mutating func run(_ op: any Op, _ inputs: [Tensor], _ name: String) -> Outcome {
        let account = RunAccount(limitBytes: limitBytes)
        let facts = inputs.map { TensorFact($0) }
        let start = MonotonicClock.nanoseconds
        account.limits = RunLimits(deadline: Deadline(after: Self.seconds, from: start))
        var outcome = Outcome.done
        meter_begin()
        do { _ = try op.evaluate(facts, account) } catch let error as OpError {
            outcome = error.kind == .resourceExhausted ? .refused : .failed
        } catch { outcome = .failed }
        let taken = meter_end()
        let seconds = Double(MonotonicClock.nanoseconds - start) / 1e9
        runs += 1
        let isProduct = name.contains("Conv") || name.contains("MatMul")
        if taken > account.peakBytes + Self.slackBytes + (isProduct ? Self.productBytes : 0) {
            faults += 1
            say("\(name): took \(taken) bytes, \(account.peakBytes) were counted (\(outcome))")
        }
        if seconds > Self.seconds + Self.graceSeconds {
            late += 1
            say("\(name): late, \(seconds) s (\(outcome))")
        }
        return outcome
    }

    /// Prints a line at once: the next run may end the program.
    private func say(_ line: String) {
        print(line)
        fflush(nil)
    }

    /// Prints what all runs came to.
    func printSums() {
        print(
            "\(runs) runs of \(seen.count) ops: \(refused.count) ops were refused memory, \(faults) runs took more than they counted, \(late) went on after their time"
        )
    }
}
