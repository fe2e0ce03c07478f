internal import Execution
internal import Operations

/// Decides which thread runs a task, and when.
package final class Scheduler: Sendable {
    /// What becomes of a task.
    package enum Submission: Sendable {
        /// It is answered.
        case done
        /// It waits, or is run by another thread, which calls ``InferenceTask/finish()``.
        case queued
        /// There is no room in the model's queue; the task was not touched.
        case refused
    }

    package init() {}

    /// Runs a task, or puts it into its model's queue.
    package func submit(_ task: any InferenceTask, to queue: ModelQueue) -> Submission {
        guard task.prepare(), let callable = task.callable else { return .done }
        task.withFeeds { feeds in
            do throws(CompileError) {
                try callable.run(feeds, deadline: task.deadline) { task.deliver($0) }
            } catch { task.fail(ModelError(error)) }
        }
        return .done
    }
}

/// The tasks that wait for a model.
package final class ModelQueue: Sendable {
    package init() {}
}
