internal import Checkpoints
internal import Memory
internal import Synchronization

/// What of the server's memory a model's files take: counted before they are read, and given back with the model.
final class ModelMemory: Sendable {
    let account: MemoryAccount
    private let fileBytes: Int
    private let countedBytes: Atomic<Int>

    /// - Throws: ``ModelError`` of failure `memory` where the account has too little left.
    init(_ candidate: ModelCandidate, _ account: MemoryAccount) throws(ModelError) {
        let needed = candidate.loadingBytes
        guard account.take(needed, for: .models) else {
            throw ModelError(
                .memory,
                "\(candidate.path): loading it takes about \(AvailableMemory.text(needed)), and "
                    + "\(AvailableMemory.text(account.remainingBytes)) are left of the "
                    + "\(AvailableMemory.text(account.limitBytes)) that memory-limit gives: raise it, or serve fewer models or "
                    + "versions at once")
        }
        self.account = account
        fileBytes = candidate.byteCount
        countedBytes = Atomic(needed)
    }

    deinit { account.give(countedBytes.load(ordering: .relaxed), for: .models) }

    /// Gives back what only loading takes: what stays is as large as the files.
    func settle() {
        let counted = countedBytes.exchange(fileBytes, ordering: .relaxed)
        account.give(counted - fileBytes, for: .models)
    }
}

extension ModelCandidate {
    /// How many times the size of its files a model takes while it is loaded.
    private static let loadingFactor = 1.2

    /// What loading takes, about.
    var loadingBytes: Int { Int(clamping: UInt64(Double(max(0, byteCount)) * Self.loadingFactor)) }
}

extension AvailableMemory {
    /// Checks that a candidate has room.
    ///
    /// - Throws: ``ModelError`` of failure `memory` with both numbers.
    func require(for candidate: ModelCandidate) throws(ModelError) {
        guard let byteCount, candidate.loadingBytes > byteCount else { return }
        throw ModelError(
            .memory,
            "\(candidate.path): loading it takes about \(Self.text(candidate.loadingBytes)), and \(Self.text(byteCount)) are available "
                + "\(bound): free memory, raise the limit, or serve fewer models or versions at once")
    }
}
