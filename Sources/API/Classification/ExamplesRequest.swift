/// The parts of a `:classify` or `:regress` body. If a key occurs twice, the first one counts. Other keys are ignored.
struct ExamplesRequest {
    /// The name of the signature, a string.
    private(set) var signatureName: JSONValue?
    /// Features that all examples share.
    private(set) var context: JSONValue?
    /// A list of at least one.
    let examples: JSONValue

    /// - Throws: ``RequestError`` 400 in TensorFlow Serving's words.
    init(_ root: JSONValue) throws(RequestError) {
        guard root.kind == .object else {
            throw .badRequest("the body is \(root.kindName); expected an object with \"examples\"")
        }
        var examples: JSONValue?
        var key = root.first
        while key.index < root.endIndex {
            if examples == nil, key.equals("examples") { examples = key.next }
            if context == nil, key.equals("context") { context = key.next }
            if signatureName == nil, key.equals("signature_name") { signatureName = key.next }
            key = key.next.next
        }
        guard signatureName.map({ $0.kind == .string }) ?? true else {
            throw .badRequest("'signature_name' key must be a string value.")
        }
        guard let examples else {
            throw .badRequest("When method is classify, key 'examples' is expected and was not found")
        }
        guard examples.kind == .list else { throw .badRequest("Expecting 'examples' value to be an list/array") }
        guard examples.first.index < examples.endIndex else {
            throw .badRequest("'examples' value is an empty array")
        }
        self.examples = examples
    }
}
