/// Which versions of a model are loaded, and what requests call them.
package struct VersionPolicy: Hashable, Sendable {
    package enum Selection: Hashable, Sendable {
        /// The newest, that many: what `checkpoint` names first, then by number.
        case latest(Int)
        /// All that are there.
        case all
        /// These, where they are there.
        case numbers(Set<Int>)

        /// Reads `latest`, `latest:2`, `all`, or numbers with commas between; nil if it is none of these.
        package init?(_ text: String) {
            switch text {
            case "latest": self = .latest(1)
            case "all": self = .all
            case _ where text.hasPrefix("latest:"):
                guard let count = Int(text.dropFirst(7)), count > 0 else { return nil }
                self = .latest(count)
            default:
                let parts = text.split(separator: ",", omittingEmptySubsequences: false)
                let numbers = parts.compactMap { Int($0) }.filter { $0 >= 0 }
                guard numbers.count == parts.count else { return nil }
                self = .numbers(Set(numbers))
            }
        }
    }

    /// The version that a label names.
    package enum Target: Hashable, Sendable {
        /// The version for requests that name none.
        case latest
        /// The newest of the others that are loaded.
        case previous
        /// The version of that number, which is loaded for the label's sake.
        case number(Int)
    }

    /// How many of the requests that name nothing get a label's version.
    package struct Share: Hashable, Sendable {
        package let label: String
        package let percent: Int

        package init(label: String, percent: Int) {
            self.label = label
            self.percent = percent
        }
    }

    package var selection = Selection.latest(1)
    package var labels: [String: Target] = [:]
    /// The shares of requests that name nothing, 100 percent in all. That of a label whose version is not loaded gets the latest.
    package var split: [Share] = []

    package init() {}

    /// The numbers that labels want loaded.
    var labelledNumbers: Set<Int> {
        Set(labels.values.compactMap { if case .number(let number) = $0 { number } else { nil } })
    }

    /// How many of the newest are to be loaded.
    func latestCount(of count: Int) -> Int { labels.values.contains(.previous) ? max(2, count) : max(1, count) }
}
