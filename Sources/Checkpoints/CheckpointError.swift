/// Why a checkpoint, or a tensor of it, cannot be read.
public struct CheckpointError: Error, Hashable, Sendable {
    /// The kind of error.
    public enum Kind: Hashable, Sendable {
        /// A file, or a key, is not there.
        case notFound
        /// The operating system refused.
        case io
        /// A file was written, or replaced, while it was read: reading it again may help.
        case changed
        /// A checksum does not match: the bytes are not those that were written.
        case corrupt
        /// The file ends before it should, or its structure contradicts itself.
        case malformed
        /// The file is sound, but of a kind that metaserve does not read.
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
