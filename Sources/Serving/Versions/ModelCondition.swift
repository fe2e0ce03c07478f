/// The condition of a model.
package enum ModelCondition: String, Hashable, Sendable {
    /// A version is in service.
    case available
    /// No version is in service yet. One is being loaded, or awaited.
    case loading
    /// No version is in service, because the existing files cannot be loaded.
    case failed
    /// It was unloaded by request.
    case unloaded
}

extension VersionSet {
    /// The condition of the model.
    package var condition: ModelCondition {
        if isUnloaded { return .unloaded }
        if current != nil { return .available }
        if states.contains(where: { $0.phase == .loading }) { return .loading }
        return record.lastError == nil ? .loading : .failed
    }

    /// The reason why the newest files are not loaded; nil if they are.
    package var reason: String? { record.lastError ?? record.waitingFor.map { "waiting for \($0)" } }
}
