internal import Memory
internal import Threads

/// Counts the memory of bodies, in the server's account and for each client address, which may have a part of the account.
final class ClientShares: Sendable {
    /// One client address may hold one part in so many.
    static let part = 4

    private let memory: MemoryAccount?
    private let held = Locked<[PeerAddress.Network: Int]>([:])

    init(_ memory: MemoryAccount?) { self.memory = memory }

    /// The largest body that can be had when nothing but models is in memory, and by one client.
    func largestBody(of client: PeerAddress.Network?) -> Int {
        guard let memory else { return .max }
        return client == nil ? memory.attainableBytes : min(memory.attainableBytes, share)
    }

    /// Whether little is left: then memory that waits to be used again is better given back.
    var isShort: Bool { memory.map { $0.remainingBytes < $0.limitBytes / Self.part } ?? false }

    /// Takes memory for a client.
    ///
    /// - Returns: Why there is none; nil if there is.
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

    /// Takes over memory that is counted already, for a client.
    func note(_ byteCount: Int, for client: PeerAddress.Network?) {
        guard memory != nil, byteCount > 0, let client else { return }
        held.withLock { $0[client, default: 0] += byteCount }
    }

    /// The client has it no more; it stays counted.
    func forget(_ byteCount: Int, of client: PeerAddress.Network?) {
        guard memory != nil, byteCount > 0, let client else { return }
        held.withLock { held in
            let rest = held[client, default: 0] - byteCount
            held[client] = rest > 0 ? rest : nil
        }
    }

    /// Gives memory back.
    func give(_ byteCount: Int) { memory?.give(byteCount, for: .requests) }

    private var share: Int { (memory?.limitBytes ?? .max) / Self.part }
}
