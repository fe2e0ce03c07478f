/// How long what is waited for.
package struct ReloadTiming: Hashable, Sendable {
    /// How long files must have stayed as they are before they are read.
    package var quiet = Duration.milliseconds(100)
    /// The same for files that were seen to grow or to change in place: somebody copies them.
    package var copyQuiet = Duration.seconds(1)
    /// How long a checkpoint without a meta graph waits for its own before it gets another of its folder.
    package var graphWait = Duration.seconds(10)
    /// When new versions come so fast that none is ever quiet, one is read after so long all the same.
    package var patience = Duration.seconds(1)
    /// How long something must be missing before that is said.
    package var notice = Duration.seconds(3)
    /// How long something must be gone before it counts as gone: a swap by two renames is no gap.
    package var grace = Duration.seconds(1)
    /// How long a `checkpoint` file may be gone, or name what is not there, before its folder is served without it: it is rewritten,
    /// checked out or copied.
    package var pointerWait = Duration.seconds(10)
    /// How long after a failure that may pass by itself the next attempt is made; then twice as long each time.
    package var firstRetry = Duration.milliseconds(200)
    /// The longest time between such attempts.
    package var lastRetry = Duration.seconds(30)

    package init() {}

    /// How long to wait after that many failures.
    func retryDelay(after failures: Int) -> Duration {
        min(lastRetry, firstRetry * (1 << min(max(0, failures - 1), 20)))
    }
}
