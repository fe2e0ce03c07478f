/// A loaded version of a model: what requests run on. Immutable.
package final class ModelVersion: Sendable {
    package let model: Model
    /// What requests name it by: the number of its folder, else the training step, else 1.
    package let number: Int
    /// What the API keeps with the version, such as compiled calls; made by ``ModelRegistry/Configuration/attach``.
    package let attachment: any AnyObject & Sendable

    package init(_ model: Model, attachment: any AnyObject & Sendable) {
        self.model = model
        number = model.version ?? model.step ?? 1
        self.attachment = attachment
    }
}

/// Which version a request wants.
package enum VersionChoice: Hashable, Sendable {
    /// What the model's policy says: the newest, or by the split of its labels.
    case any
    case number(Int)
    case label(String)
}

/// The versions of a model that are loaded, at one time. Immutable; replaced as a whole.
package final class VersionSet: Sendable {
    /// By number, ascending.
    package let versions: [ModelVersion]
    /// What a request gets that names none; nil where nothing is loaded.
    package let current: ModelVersion?
    /// Versions by label.
    package let labels: [String: ModelVersion]
    /// How every version stands, also those that are not loaded, for people and for status requests.
    package let states: [VersionState]

    package init(
        _ versions: [ModelVersion], current: ModelVersion?, labels: [String: ModelVersion] = [:],
        states: [VersionState] = []
    ) {
        self.versions = versions
        self.current = current
        self.labels = labels
        self.states = states
    }

    /// The version that a request gets; nil if there is none such.
    package func version(_ choice: VersionChoice) -> ModelVersion? {
        switch choice {
        case .any: current
        case .number(let number): versions.first { $0.number == number }
        case .label(let label): labels[label]
        }
    }
}

/// How a version stands.
package struct VersionState: Hashable, Sendable {
    package enum Phase: String, Hashable, Sendable {
        case loading = "LOADING"
        case available = "AVAILABLE"
        case unloading = "UNLOADING"
        case ended = "END"
    }

    package let number: Int
    package let phase: Phase
    /// Why it is not loaded; empty if nothing is wrong.
    package let error: String

    package init(number: Int, phase: Phase, error: String = "") {
        self.number = number
        self.phase = phase
        self.error = error
    }
}
