internal import Glibc

/// A loaded version of a model, which requests run on. Immutable.
package final class ModelVersion: Sendable {
    package let model: Model
    /// The number that selects it in requests: the number of its folder, otherwise the training step, otherwise 1.
    package let number: Int
    /// The data that the API keeps with the version, such as prepared calls. ``ModelRegistry/Configuration/attach`` makes it.
    package let attachment: any AnyObject & Sendable
    /// Warnings for the operator: those of the model, and those of its warm-up.
    package let warnings: [String]
    /// How long it took until the version could answer requests: reading, verification, plans, weights, the warm-up.
    package let loadMilliseconds: Double
    /// Statistics of its requests.
    package let statistics = VersionStatistics()
    /// The time of the load, by a clock that does not jump.
    package let loadedAt = ContinuousClock.now
    /// The time of the load, in seconds since 1970.
    package let loadedAtSeconds: Double

    package init(
        _ model: Model, number: Int? = nil, attachment: any AnyObject & Sendable, warnings: [String] = [],
        loadMilliseconds: Double? = nil
    ) {
        self.model = model
        self.loadMilliseconds = loadMilliseconds ?? model.loadMilliseconds
        self.warnings = model.warnings + warnings
        self.number = number ?? model.version ?? model.step ?? 1
        self.attachment = attachment
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        loadedAtSeconds = Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    }
}

/// The version that a request selects.
package enum VersionChoice: Hashable, Sendable {
    /// The version by the model's policy: the newest, or by the split of its labels.
    case any
    case number(Int)
    case label(String)
}

/// The loaded versions of a model at one time. Immutable; replaced as a whole.
package final class VersionSet: Sendable {
    /// The versions by number, ascending.
    package let versions: [ModelVersion]
    /// The version for requests that name none; nil if nothing is loaded.
    package let current: ModelVersion?
    /// Versions by label.
    package let labels: [String: ModelVersion]
    /// The states of all versions, including those that are not loaded, for status requests.
    package let states: [VersionState]
    /// The results of the loads so far.
    package let record: ReloadRecord
    /// Whether an administrator unloaded the model.
    package let isUnloaded: Bool
    /// Warnings for the operator that do not depend on the version in service.
    private let standingWarnings: [String]
    /// Statistics of the requests of each configured label, by label.
    package let labelStatistics: [String: LabelStatistics]
    private let split: VersionSplit?

    package init(
        _ versions: [ModelVersion], current: ModelVersion?, labels: [String: ModelVersion] = [:],
        states: [VersionState] = [], record: ReloadRecord = ReloadRecord(), isUnloaded: Bool = false,
        labelStatistics: [String: LabelStatistics] = [:], warnings: [String] = [], split: VersionSplit? = nil
    ) {
        self.versions = versions
        self.current = current
        self.labels = labels
        self.states = states
        self.record = record
        self.isUnloaded = isUnloaded
        standingWarnings = warnings
        self.labelStatistics = labelStatistics
        self.split = split
    }

    /// Warnings for the operator about the files, the labels, and the version for requests that name none.
    package var warnings: [String] { standingWarnings + (current?.warnings ?? []) }

    /// A selected version, and the label that selected it, if there was one.
    package typealias Chosen = (version: ModelVersion, label: LabelStatistics?)

    /// The version for a request; nil if there is none.
    package func choose(_ choice: VersionChoice) -> Chosen? {
        switch choice {
        case .any:
            if let share = split?.next() { return (share.version, share.label) }
            return current.map { ($0, nil) }
        case .number(let number): return versions.first { $0.number == number }.map { ($0, nil) }
        case .label(let label): return labels[label].map { ($0, labelStatistics[label]) }
        }
    }

    /// The version for a request; nil if there is none.
    package func version(_ choice: VersionChoice) -> ModelVersion? { choose(choice)?.version }

    /// The share, from 0 to 1, that a loaded version gets of the requests without a version or a label.
    package func share(of version: ModelVersion) -> Double {
        guard let split else { return version === current ? 1 : 0 }
        return Double(split.shares.reduce(0) { $0 + ($1.version === version ? $1.percent : 0) }) / 100
    }
}

/// The state of a version.
package struct VersionState: Hashable, Sendable {
    package enum Phase: String, Hashable, Sendable {
        case loading = "LOADING"
        case available = "AVAILABLE"
        case unloading = "UNLOADING"
        case ended = "END"
    }

    package let number: Int
    package let phase: Phase
    /// The reason why it is not loaded; empty if there is none.
    package let error: String

    package init(number: Int, phase: Phase, error: String = "") {
        self.number = number
        self.phase = phase
        self.error = error
    }
}

/// The results of a model's loads since the server started.
package struct ReloadRecord: Hashable, Sendable {
    package var successCount = 0
    package var failureCounts: [ModelError.LoadFailure: Int] = [:]
    /// The reason why the newest files are not loaded; nil if they are.
    package var lastError: String?
    /// The missing parts of the newest version, in words; nil if none are awaited.
    package var waitingFor: String?

    package init() {}
}
