import Glibc
import Threads

/// Shows on the standard error how far a measurement is: on a terminal in one line, elsewhere in lines, if that is asked for.
struct Progress {
    private enum Form { case none, line, lines }
    private let form: Form
    private let seconds: Double
    private let start = MonotonicClock.nanoseconds
    private var next: UInt64
    private var width = 0

    /// How often it shows, in nanoseconds.
    static let interval: UInt64 = 500_000_000

    /// - Parameters:
    ///   - isWanted: Whether it shows even if the standard error is not a terminal.
    ///   - seconds: How long the measurement takes.
    init(isWanted: Bool, seconds: Double) {
        form = isatty(STDERR_FILENO) == 1 ? .line : isWanted ? .lines : .none
        self.seconds = seconds
        next = start + Self.interval
    }

    /// Shows a text, unless it is too early.
    ///
    /// - Parameters:
    ///   - now: The time of the monotonic clock.
    ///   - text: What was done.
    mutating func show(at now: UInt64, _ text: () -> String) {
        guard now >= next else { return }
        next = now + Self.interval
        guard form != .none else { return }
        let elapsed = Double(now - start) / 1e9
        show("\(DurationText.rate(elapsed)) of \(DurationText.rate(seconds)) s: \(text())")
    }

    /// Shows a text now.
    mutating func show(_ text: String) {
        switch form {
        case .none: return
        case .lines: write(text + "\n")
        case .line:
            write("\r" + text.padded(to: width))
            width = text.count
        }
    }

    /// Removes the line.
    mutating func end() {
        if form == .line, width > 0 { write("\r" + String(repeating: " ", count: width) + "\r") }
        width = 0
    }

    private func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in _ = Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
    }
}
