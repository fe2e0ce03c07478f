/// The reason why a model was not loaded or unloaded on request.
package struct RepositoryError: Error, Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// There is no model with that name.
        case unknownModel
        /// The model cannot be loaded. The previous version stays in service.
        case failed
        /// The registry does not load models: they were given to it, or it is stopped.
        case refused
        /// The timeout has passed. The load continues.
        case timedOut
    }

    package let kind: Kind
    package let message: String

    init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }
}

extension RepositoryError: CustomStringConvertible {
    package var description: String { message }
}

/// Called once with the result of a load or an unload: the number of the version in service, 0 if there is none.
package typealias RepositoryReply = @Sendable (Result<Int, RepositoryError>) -> Void

/// A model of the registry, loaded or not.
package struct RepositoryEntry: Hashable, Sendable {
    package enum State: String, Hashable, Sendable {
        case ready = "READY"
        case loading = "LOADING"
        case unloading = "UNLOADING"
        case unavailable = "UNAVAILABLE"
    }

    package let name: String
    /// The version's number; nil if none is known.
    package let version: Int?
    package let state: State
    /// The reason why it is not ready; empty if it is ready.
    package let reason: String
}

extension Catalog {
    /// All versions of all models, by name and number. A model without known versions has one entry.
    package var entries: [RepositoryEntry] { models.flatMap { Self.entries(of: $0) } }

    private static func entries(of model: ServedModel) -> [RepositoryEntry] {
        let versions = model.versions
        guard !versions.states.isEmpty else {
            let reason = versions.isUnloaded ? "unloaded" : versions.reason ?? ""
            return [RepositoryEntry(name: model.name, version: nil, state: .unavailable, reason: reason)]
        }
        return versions.states.map { state in
            let phase: RepositoryEntry.State =
                switch state.phase {
                case .loading: .loading
                case .available: .ready
                case .unloading: .unloading
                case .ended: .unavailable
                }
            let reason = phase == .unavailable && state.error.isEmpty ? "unloaded" : state.error
            return RepositoryEntry(name: model.name, version: state.number, state: phase, reason: reason)
        }
    }
}
