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
        if text.first == "^" {
            node = String(text.dropFirst())
            output = 0
            isControl = true
        } else if let colon = text.lastIndex(of: ":") {
            let digits = text[text.index(after: colon)...]
            guard !digits.isEmpty, digits.allSatisfy({ ("0"..."9").contains($0) }), let number = Int32(digits) else {
                return nil
            }
            node = String(text[..<colon])
            output = Int(number)
            isControl = false
        } else {
            node = String(text)
            output = 0
            isControl = false
        }
        guard !node.isEmpty else { return nil }
    }
}

extension TensorName: CustomStringConvertible {
    /// The full name, with the output's number.
    public var description: String { isControl ? "^\(node)" : "\(node):\(output)" }
}
