/// The name of a tensor, `node`, `node:0` or `node:3`; or, as an input in a graph, `^node`, a control edge.
public struct TensorName: Hashable, Sendable {
    /// The node's name.
    public let node: String
    /// The index of its output.
    public let output: Int
    /// Whether it names the node's completion, not a tensor.
    public let isControl: Bool

    /// Splits a name.
    ///
    /// - Returns: nil if the name is empty, or no number follows its colon.
    public init?(parsing text: some StringProtocol) {
        let text = String(text)
        // A name is bytes: that is also much quicker than to look for characters.
        let bytes = text.utf8
        if bytes.first == UInt8(ascii: "^") {
            node = String(text[bytes.index(after: bytes.startIndex)...])
            output = 0
            isControl = true
        } else if let colon = Self.colon(in: text) {
            let digits = bytes[bytes.index(after: colon)...]
            guard !digits.isEmpty, digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
                let number = Int32(text[digits.startIndex...])
            else { return nil }
            node = String(text[..<colon])
            output = Int(number)
            isControl = false
        } else {
            node = text
            output = 0
            isControl = false
        }
        guard !node.isEmpty else { return nil }
    }

    private static func colon(in text: String) -> String.Index? {
        let bytes = text.utf8
        let offset: Int?? = bytes.withContiguousStorageIfAvailable { $0.lastIndex(of: UInt8(ascii: ":")) }
        guard let offset else { return bytes.lastIndex(of: UInt8(ascii: ":")) }
        return offset.map { bytes.index(bytes.startIndex, offsetBy: $0) }
    }
}

extension TensorName: CustomStringConvertible {
    /// The full name, with the output's number.
    public var description: String { isControl ? "^\(node)" : "\(node):\(output)" }
}
