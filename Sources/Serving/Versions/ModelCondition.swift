/// How a model stands, whichever of its versions are loaded.
package enum ModelCondition: String, Hashable, Sendable {
    /// A version serves.
    case available
    /// None serves yet: one is loaded, or waited for.
    case loading
    /// None serves, because what is there cannot be loaded.
    case failed
    /// It was unloaded by request.
    case unloaded
}

extension VersionSet {
    /// How the model stands.
    package var condition: ModelCondition {
        if isUnloaded { return .unloaded }
        if current != nil { return .available }
        if states.contains(where: { $0.phase == .loading }) { return .loading }
        return record.lastError == nil ? .loading : .failed
    }

    /// Why the newest files are not loaded; nil if they are.
    package var reason: String? { record.lastError ?? record.waitingFor.map { "waiting for \($0)" } }
}
