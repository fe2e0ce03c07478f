internal import Glibc

/// The current time, for logs.
package enum Timestamp {
    /// The current time in the form of RFC 3339, in milliseconds: `2026-01-31T12:00:00.000Z`.
    package static func now() -> String {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        var parts = tm()
        gmtime_r(&time.tv_sec, &parts)
        func padded(_ number: Int, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let date = [Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday)]
        let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec]
        return date.map { padded($0, 2) }.joined(separator: "-") + "T"
            + clock.map { padded(Int($0), 2) }.joined(separator: ":") + "." + padded(time.tv_nsec / 1_000_000, 3) + "Z"
    }
}
