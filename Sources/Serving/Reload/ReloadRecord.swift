/// What became of a model's loads since the server began.
package struct ReloadRecord: Hashable, Sendable {
    package var successCount = 0
    package var failureCounts: [ModelError.LoadFailure: Int] = [:]
    /// Why the newest files are not loaded; nil if they are.
    package var lastError: String?
    /// What the newest version lacks, in words; nil if nothing is waited for.
    package var waitingFor: String?

    package init() {}
}
