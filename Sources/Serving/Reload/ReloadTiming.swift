/// The waiting times of reloading.
package struct ReloadTiming: Hashable, Sendable {
    /// How long files must stay unchanged before they are read.
    package var quiet = Duration.milliseconds(100)
    /// The same for files that grow or change in place, because they are being copied.
    package var copyQuiet = Duration.seconds(1)
    /// How long a checkpoint waits for its own meta graph before it uses another one of its folder.
    package var graphWait = Duration.seconds(10)
    /// The time after which a version is read although its files are not quiet, because new versions arrive continuously.
    package var patience = Duration.seconds(1)
    /// How long a condition must last before it is logged.
    package var notice = Duration.seconds(3)
    /// How long files must be missing before they count as removed. A swap by two renames does not count.
    package var grace = Duration.seconds(1)
    /// How long a `checkpoint` file may be missing, or name a missing checkpoint, before its folder is served without it. The file may be being
    /// rewritten, checked out or copied.
    package var pointerWait = Duration.seconds(10)
    /// The delay of the next attempt after a failure that may pass. It doubles each time.
    package var firstRetry = Duration.milliseconds(200)
    /// The maximum delay.
    package var lastRetry = Duration.seconds(30)

    package init() {}

    /// The delay after a number of failures.
    func retryDelay(after failures: Int) -> Duration {
        min(lastRetry, firstRetry * (1 << min(max(0, failures - 1), 20)))
    }
}
