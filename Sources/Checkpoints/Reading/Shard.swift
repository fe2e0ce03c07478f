internal import Files
internal import Tensors

/// A file with tensors' bytes: open, or with the needed parts in memory.
enum Shard: Sendable {
    case file(OpenFile)
    case memory(ShardMemory)

    /// Bytes and their owner.
    struct Part {
        let bytes: UnsafeRawBufferPointer
        let owner: any Sendable
    }

    var identity: FileIdentity {
        switch self {
        case .file(let file): file.identity
        case .memory(let memory): memory.identity
        }
    }
}
