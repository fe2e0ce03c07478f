internal import FoundationEssentials
internal import SwiftProtobuf

extension Message {
    /// Decodes a message from memory without copying all of it first. Returns nil if the bytes are not such a message.
    init?(decoding bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else {
            self.init()
            return
        }
        // Safety: the data is decoded, which copies what is kept, before the caller's bytes may go away.
        let data = Data(
            bytesNoCopy: UnsafeMutableRawPointer(mutating: base), count: bytes.count, deallocator: .none)
        guard let message = try? Self(serializedBytes: data) else { return nil }
        self = message
    }
}

extension SortedTable.Value {
    /// The value as a message; nil if it is not one.
    func decoded<Decoded: Message>(as type: Decoded.Type = Decoded.self) -> Decoded? {
        withUnsafeBytes { Decoded(decoding: $0) }
    }
}
