import Execution
import Foundation
import Synchronization
import Testing
import Threads

@testable import Serving

@Suite("The scheduler")
struct SchedulerTests {
    /// Lets nothing be run on the thread that submits it.
    private static func configuration(executors: Int = 1) -> Scheduler.Configuration {
        var configuration = Scheduler.Configuration(executors: executors)
        configuration.longestInlineNanoseconds = 0
        configuration.reserveNanoseconds = .max
        return configuration
    }

    private static func queue(waiting: Int = 100) -> ModelQueue {
        var limits = ModelQueue.Limits()
        limits.waiting = waiting
        return ModelQueue(limits)
    }

    /// Holds an executor until the test opens it.
    private struct Gate {
        let entered = Permits()
        let opened = Permits()
        let task: TrialTask

        /// Submits a task to a queue of its own, and waits until an executor runs it.
        init(_ scheduler: Scheduler) {
            task = TrialTask("gate") { [entered, opened] _ in
                entered.signal()
                opened.wait()
                return true
            }
            #expect(scheduler.submit(task, to: ModelQueue()) == .queued)
            entered.wait()
        }

        func open() {
            opened.signal()
            task.finished.wait()
        }
    }

    @Test("tasks of a queue are run in their order, and all are answered")
    func order() {
        let scheduler = Scheduler(Self.configuration())
        let queue = Self.queue()
        let gate = Gate(scheduler)
        let seen = Locked<[String]>([])
        let tasks = (0..<20).map { number in
            TrialTask("\(number)") { task in
                seen.withLock { $0.append(task.name) }
                return true
            }
        }
        for task in tasks { #expect(scheduler.submit(task, to: queue) == .queued) }
        #expect(queue.waiting == 20)
        gate.open()
        for task in tasks { task.finished.wait() }
        #expect(seen.withLock { $0 } == tasks.map(\.name))
        #expect(tasks.allSatisfy { $0.now.isDelivered && $0.times.queue > 0 && $0.times.run > 0 })
        #expect(queue.waiting == 0)
        #expect(queue.running == 0)
        #expect(queue.statistics.executionCount == 20)
    }

    @Test("models take turns, whoever has more waiting")
    func fairness() {
        let scheduler = Scheduler(Self.configuration())
        let queues = ["a": Self.queue(), "b": Self.queue(), "c": Self.queue()]
        let gate = Gate(scheduler)
        let seen = Locked("")
        let tasks = ["a", "a", "a", "a", "b", "b", "c"].map { name in
            TrialTask(name) { task in
                seen.withLock { $0 += task.name }
                return true
            }
        }
        for task in tasks {
            if let queue = queues[task.name] { #expect(scheduler.submit(task, to: queue) == .queued) }
        }
        gate.open()
        for task in tasks { task.finished.wait() }
        #expect(seen.withLock { $0 } == "abcabaa")
    }

    @Test("what a queue has no room for is refused, and not touched")
    func bound() {
        let scheduler = Scheduler(Self.configuration())
        let queue = Self.queue(waiting: 2)
        let gate = Gate(scheduler)
        let tasks = (0..<2).map { TrialTask("\($0)") }
        for task in tasks { #expect(scheduler.submit(task, to: queue) == .queued) }
        let refused = TrialTask("refused")
        #expect(scheduler.submit(refused, to: queue) == .refused)
        #expect(queue.waiting == 2)
        #expect(scheduler.submit(TrialTask("other"), to: Self.queue(waiting: 1)) == .queued)
        gate.open()
        for task in tasks { task.finished.wait() }
        #expect(!refused.now.isPrepared && refused.now.error == nil)
    }

    @Test("a task whose time is over when its turn comes is not run")
    func lateTurn() {
        let scheduler = Scheduler(Self.configuration())
        let queue = Self.queue()
        let gate = Gate(scheduler)
        let late = TrialTask("late")
        late.deadline = Deadline(after: 0, from: 0)
        let punctual = TrialTask("punctual")
        punctual.deadline = Deadline(after: 600)
        for task in [late, punctual] { #expect(scheduler.submit(task, to: queue) == .queued) }
        gate.open()
        for task in [late, punctual] { task.finished.wait() }
        #expect(!late.now.isPrepared)
        #expect(late.now.error?.kind == .deadlineExceeded)
        #expect(punctual.now.isDelivered)
    }

    @Test("a task is answered when its time is over, while executors are busy with others")
    func timer() {
        let scheduler = Scheduler(Self.configuration())
        let queue = Self.queue()
        let gate = Gate(scheduler)
        let later = TrialTask("later")
        later.deadline = Deadline(after: 600)
        let tasks = [0.03, 0.01, 0.05].map { seconds in
            let task = TrialTask()
            task.deadline = Deadline(after: seconds)
            return task
        }
        for task in [later] + tasks { #expect(scheduler.submit(task, to: queue) == .queued) }
        // The executor is still held.
        for task in tasks {
            task.finished.wait()
            #expect(task.now.error?.kind == .deadlineExceeded)
            #expect(!task.now.isPrepared)
        }
        #expect(queue.waiting == 1)
        gate.open()
        later.finished.wait()
        #expect(later.now.isDelivered)
    }

    @Test("a task that nobody waits for any more is not run")
    func abandonment() {
        let scheduler = Scheduler(Self.configuration())
        let queue = Self.queue()
        let gate = Gate(scheduler)
        let task = TrialTask()
        #expect(scheduler.submit(task, to: queue) == .queued)
        task.abandonment?.raise()
        gate.open()
        task.finished.wait()
        #expect(!task.now.isPrepared)
        #expect(task.now.error?.kind == .cancelled)
    }

    @Test("tasks that nobody waits for make room for others")
    func room() {
        let scheduler = Scheduler(Self.configuration())
        let queue = Self.queue(waiting: 3)
        let gate = Gate(scheduler)
        let tasks = (0..<3).map { TrialTask("\($0)") }
        for task in tasks { #expect(scheduler.submit(task, to: queue) == .queued) }
        tasks[1].abandonment?.raise()
        let new = TrialTask("new")
        #expect(scheduler.submit(new, to: queue) == .queued)
        tasks[1].finished.wait()
        #expect(tasks[1].now.error?.kind == .cancelled)
        gate.open()
        for task in [tasks[0], tasks[2], new] {
            task.finished.wait()
            #expect(task.now.isDelivered)
        }
    }

    @Test("a request that cannot be read is answered, and not run")
    func unreadable() {
        let scheduler = Scheduler(Self.configuration())
        let task = TrialTask { _ in false }
        let queue = Self.queue()
        #expect(scheduler.submit(task, to: queue) == .queued)
        task.finished.wait()
        #expect(!task.now.isDelivered && task.now.error == nil)
        #expect(queue.statistics.executionCount == 0)
    }

    @Test("tasks that are known to be short are run by who submits them, others are not")
    func inline() {
        var configuration = Scheduler.Configuration(executors: 1)
        configuration.longestInlineNanoseconds = 10_000_000_000
        configuration.reserveNanoseconds = .max
        let scheduler = Scheduler(configuration)
        let queue = Self.queue()
        let first = TrialTask()
        #expect(scheduler.submit(first, to: queue) == .queued)
        first.finished.wait()
        let inline = Self.submitUntilInline {
            TrialTask()
        } to: {
            scheduler.submit($0, to: queue)
        }
        #expect(inline.now.isDelivered)
        let large = TrialTask()
        large.byteCount = 1 << 20
        #expect(scheduler.submit(large, to: queue) == .queued)
        large.finished.wait()
        let gate = Gate(scheduler)
        let waiting = TrialTask()
        #expect(scheduler.submit(waiting, to: queue) == .queued)
        gate.open()
        waiting.finished.wait()
    }

    /// Submits one task after another until one is done at once; before that an executor may not have given its slot back yet.
    private static func submitUntilInline(
        _ make: () -> TrialTask, to submit: (TrialTask) -> Scheduler.Submission
    ) -> TrialTask {
        while true {
            let task = make()
            guard submit(task) == .queued else { return task }
            task.finished.wait()
        }
    }

    @Test("never more run at once than there are executors, wherever they run", arguments: [1, 2, 3])
    func slots(executors: Int) {
        var configuration = Scheduler.Configuration(executors: executors)
        configuration.longestInlineNanoseconds = 10_000_000_000
        configuration.reserveNanoseconds = .max
        let scheduler = Scheduler(configuration)
        let queues = [Self.queue(waiting: 4000), Self.queue(waiting: 4000)]
        let shared = Concurrency()
        // From now on some are run by who submits them.
        _ = Self.submitUntilInline {
            TrialTask { _ in shared.pass() }
        } to: {
            scheduler.submit($0, to: queues[0])
        }
        DispatchQueue.concurrentPerform(iterations: 6) { thread in
            let tasks = (0..<2000).map { _ in TrialTask { _ in shared.pass() } }
            var queued: [TrialTask] = []
            for task in tasks {
                switch scheduler.submit(task, to: queues[thread % 2]) {
                case .done: break
                case .queued: queued.append(task)
                case .refused: Issue.record("refused")
                }
            }
            for task in queued { task.finished.wait() }
            #expect(tasks.allSatisfy { $0.now.isDelivered })
        }
        #expect(shared.most.load(ordering: .sequentiallyConsistent) <= executors)
    }

    /// Counts how many pass at once.
    private final class Concurrency: Sendable {
        let running = Atomic(0)
        let most = Atomic(0)

        func pass() -> Bool {
            let now = running.add(1, ordering: .sequentiallyConsistent).newValue
            most.max(now, ordering: .sequentiallyConsistent)
            sched_yield()
            running.subtract(1, ordering: .sequentiallyConsistent)
            return true
        }
    }

    @Test(
        "a model does not wait for long runs of another on all executors; that other's own tasks do", arguments: [1, 2])
    func reserve(executors: Int) {
        var configuration = Self.configuration(executors: executors)
        configuration.reserveNanoseconds = 1_000_000
        let scheduler = Scheduler(configuration)
        let busy = Self.queue()
        let entered = Permits()
        let opened = Permits()
        let long = (0..<executors + 1).map { _ in
            TrialTask { _ in
                entered.signal()
                opened.wait()
                return true
            }
        }
        for task in long { #expect(scheduler.submit(task, to: busy) == .queued) }
        for _ in 0..<executors { entered.wait() }
        let others = [Self.queue(), Self.queue()]
        for _ in 0..<20 {
            for queue in others {
                let task = TrialTask()
                #expect(scheduler.submit(task, to: queue) == .queued)
                task.finished.wait()
                #expect(task.now.isDelivered)
            }
        }
        #expect(busy.waiting == 1)
        for _ in long { opened.signal() }
        for task in long { task.finished.wait() }
    }

    @Test("of the tasks that are run beside long ones there is one at a time")
    func reserveIsBounded() {
        var configuration = Self.configuration(executors: 1)
        configuration.reserveNanoseconds = 1_000_000
        let scheduler = Scheduler(configuration)
        let gate = Gate(scheduler)
        let shared = Concurrency()
        let tasks = (0..<100).map { _ in TrialTask { _ in shared.pass() } }
        let queues = (0..<10).map { _ in Self.queue() }
        for (index, task) in tasks.enumerated() {
            #expect(scheduler.submit(task, to: queues[index % queues.count]) == .queued)
        }
        for task in tasks { task.finished.wait() }
        #expect(shared.most.load(ordering: .sequentiallyConsistent) == 1)
        gate.open()
    }

    @Test("a scheduler that ends runs what waits first")
    func end() {
        let tasks = (0..<10).map { TrialTask("\($0)") }
        do {
            let scheduler = Scheduler(Self.configuration(executors: 2))
            let queue = Self.queue()
            for task in tasks { #expect(scheduler.submit(task, to: queue) == .queued) }
        }
        #expect(tasks.allSatisfy { $0.now.isDelivered })
    }

    @Test("the time that a new task waits is told from what tasks cost")
    func wait() {
        let scheduler = Scheduler(Self.configuration())
        let queue = Self.queue()
        #expect(scheduler.waitingSeconds(of: queue) == 1)
        let gate = Gate(scheduler)
        queue.cost.note(nanoseconds: 2_000_000_000, byteCount: 10)
        for _ in 0..<3 { #expect(scheduler.submit(TrialTask(), to: queue) == .queued) }
        #expect(scheduler.waitingSeconds(of: queue) == 6)
        gate.open()
    }
}
