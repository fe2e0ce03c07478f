/// The outcomes of a model's loads since the server started.
package struct ReloadRecord: Hashable, Sendable {
    package var successCount = 0
    package var failureCounts: [ModelError.LoadFailure: Int] = [:]
    /// Why the newest files are not loaded; nil if they are.
    package var lastError: String?
    /// The missing parts of the newest version, in words; nil if nothing is missing.
    package var waitingFor: String?

    package init() {}
}
