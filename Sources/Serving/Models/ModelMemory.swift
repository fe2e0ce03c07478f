internal import Checkpoints
internal import Memory
internal import Synchronization

/// The server memory of a model's files. It is counted before they are read, and released with the model.
final class ModelMemory: Sendable {
    let account: MemoryAccount
    private let fileBytes: Int
    private let countedBytes: Atomic<Int>

    /// - Throws: ``ModelError`` of failure `memory` if the account has too little left.
    init(_ candidate: ModelCandidate, _ account: MemoryAccount) throws(ModelError) {
        let needed = candidate.loadingBytes
        guard account.take(needed, for: .models) else {
            throw ModelError(
                .memory,
                "\(candidate.path): loading it takes about \(AvailableMemory.text(needed)), but only "
                    + "\(AvailableMemory.text(account.remainingBytes)) of the memory-limit of "
                    + "\(AvailableMemory.text(account.limitBytes)) are left: raise it, or serve fewer models or "
                    + "versions at once")
        }
        self.account = account
        fileBytes = candidate.byteCount
        countedBytes = Atomic(needed)
    }

    deinit { account.give(countedBytes.load(ordering: .relaxed), for: .models) }

    /// Releases the temporary memory of loading. The remaining memory is as large as the files.
    func settle() {
        let counted = countedBytes.exchange(fileBytes, ordering: .relaxed)
        account.give(counted - fileBytes, for: .models)
    }
}

extension ModelCandidate {
    /// The memory of loading, as a multiple of the size of the files.
    private static let loadingFactor = 1.2

    /// The approximate memory that loading takes.
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
            "\(candidate.path): loading it takes about \(Self.text(candidate.loadingBytes)), but only \(Self.text(byteCount)) are available "
                + "\(bound): free memory, raise the limit, or serve fewer models or versions at once")
    }
}
