/// The versions of a model to load, and their labels in requests.
package struct VersionPolicy: Hashable, Sendable {
    package enum Selection: Hashable, Sendable {
        /// A number of the newest versions: the one that `checkpoint` names first, then by number.
        case latest(Int)
        /// All existing versions.
        case all
        /// These versions, if they exist.
        case numbers(Set<Int>)

        /// Reads `latest`, `latest:2`, `all`, or comma-separated numbers; nil for any other text.
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
        /// The newest of the other loaded versions.
        case previous
        /// The version with that number, which is loaded because of the label.
        case number(Int)
    }

    /// The share of a label's version in the requests without a version.
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
    /// The shares of the requests without a version, 100 percent in all. The share of a label without a loaded version goes to the latest version.
    package var split: [Share] = []

    package init() {}

    /// The numbers of the versions that labels need.
    var labelledNumbers: Set<Int> {
        Set(labels.values.compactMap { if case .number(let number) = $0 { number } else { nil } })
    }

    /// The number of newest versions to load.
    func latestCount(of count: Int) -> Int { labels.values.contains(.previous) ? max(2, count) : max(1, count) }
}
