/// The reason why a checkpoint, or one of its tensors, cannot be read.
public struct CheckpointError: Error, Hashable, Sendable {
    /// The kind of error.
    public enum Kind: Hashable, Sendable {
        /// A file, or a key, does not exist.
        case notFound
        /// The operating system refused.
        case io
        /// A file was written, or replaced, while it was read: reading it again may help.
        case changed
        /// A checksum does not match: the bytes have changed since they were written.
        case corrupt
        /// The file ends before it should, or its structure contradicts itself.
        case malformed
        /// The file is valid, but metaserve does not support its kind.
        case unsupported
        /// The checkpoint and the graph contradict each other.
        case mismatch
    }

    /// The kind of error.
    public let kind: Kind
    /// The file.
    public let file: String
    /// The expected value, the value found, and the place.
    public let reason: String

    package init(_ kind: Kind, file: String, _ reason: String) {
        self.kind = kind
        self.file = file
        self.reason = reason
    }
}

extension CheckpointError: CustomStringConvertible {
    /// File and reason.
    public var description: String { "\(file): \(reason)" }
}
