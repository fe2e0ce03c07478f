/// Text that equals another only byte for byte: the name of a file, a model or a tensor.
///
/// Swift's `String` treats a composed letter and its decomposed form as equal. TensorFlow and file systems treat them as two names.
package struct ExactText: Hashable, Comparable, Sendable {
    package let string: String

    package init(_ string: String) { self.string = string }

    package static func == (left: ExactText, right: ExactText) -> Bool {
        left.string.utf8.elementsEqual(right.string.utf8)
    }

    package static func < (left: ExactText, right: ExactText) -> Bool {
        left.string.utf8.lexicographicallyPrecedes(right.string.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        var string = string
        string.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

extension ExactText: ExpressibleByStringLiteral {
    package init(stringLiteral string: String) { self.init(string) }
}

extension ExactText: CustomStringConvertible {
    package var description: String { string }
}
