internal import Memory
internal import Threads

/// Counts the memory of bodies, in the server's account and for each client address. An address may use a part of the account.
final class ClientShares: Sendable {
    /// One client address may use one part in this number.
    static let part = 4

    private let memory: MemoryAccount?
    private let held = Locked<[PeerAddress.Network: Int]>([:])

    init(_ memory: MemoryAccount?) { self.memory = memory }

    /// The largest body that one client can send when only models are in memory.
    func largestBody(of client: PeerAddress.Network?) -> Int {
        guard let memory else { return .max }
        return client == nil ? memory.attainableBytes : min(memory.attainableBytes, share)
    }

    /// Whether little memory is left, so that pooled memory should be freed.
    var isShort: Bool { memory.map { $0.remainingBytes < $0.limitBytes / Self.part } ?? false }

    /// Takes memory for a client.
    ///
    /// - Returns: The reason why there is not enough; nil if there is.
    func take(_ byteCount: Int, for client: PeerAddress.Network?) -> Refusal? {
        guard let memory else { return nil }
        if let client {
            let isGranted = held.withLock { held in
                let sum = held[client, default: 0] + byteCount
                guard sum <= share else { return false }
                held[client] = sum
                return true
            }
            guard isGranted else { return .shareUsedUp(share) }
        }
        guard memory.take(byteCount, for: .requests) else {
            forget(byteCount, of: client)
            return .memoryShort
        }
        return nil
    }

    /// Assigns memory that is counted already to a client.
    func note(_ byteCount: Int, for client: PeerAddress.Network?) {
        guard memory != nil, byteCount > 0, let client else { return }
        held.withLock { $0[client, default: 0] += byteCount }
    }

    /// Removes memory from a client's share. It stays counted in the account.
    func forget(_ byteCount: Int, of client: PeerAddress.Network?) {
        guard memory != nil, byteCount > 0, let client else { return }
        held.withLock { held in
            let rest = held[client, default: 0] - byteCount
            held[client] = rest > 0 ? rest : nil
        }
    }

    /// Returns memory to the account.
    func give(_ byteCount: Int) { memory?.give(byteCount, for: .requests) }

    private var share: Int { (memory?.limitBytes ?? .max) / Self.part }
}
