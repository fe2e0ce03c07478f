/// The parts of a `:predict` body, in place in the document. If a key occurs twice, the first one counts. Other keys are ignored.
struct TFServingRequest {
    /// The values to feed.
    enum Content {
        /// `instances`: a list with an element for each row of the batch.
        case rows(JSONValue)
        /// `inputs`: whole tensors.
        case columns(JSONValue)
    }

    /// The name of the signature, a string.
    private(set) var signatureName: JSONValue?
    private var instances: JSONValue?
    private var inputs: JSONValue?

    /// Finds the parts.
    ///
    /// - Throws: ``RequestError`` 400 if the body is not an object, or the signature's name is not a string.
    init(_ root: JSONValue) throws(RequestError) {
        guard root.kind == .object else {
            throw .badRequest("the body is \(root.kindName); expected an object with \"instances\" or \"inputs\"")
        }
        var key = root.first
        while key.index < root.endIndex {
            if instances == nil, key.equals("instances") { instances = key.next }
            if inputs == nil, key.equals("inputs") { inputs = key.next }
            if signatureName == nil, key.equals("signature_name") { signatureName = key.next }
            key = key.next.next
        }
        guard signatureName.map({ $0.kind == .string }) ?? true else {
            throw .badRequest("'signature_name' key must be a string value.")
        }
    }

    /// The values to feed.
    ///
    /// - Throws: ``RequestError`` 400 for both forms or none, and if `instances` is not a list, or empty.
    func content() throws(RequestError) -> Content {
        switch (instances, inputs) {
        case (nil, nil): throw .badRequest("Missing 'inputs' or 'instances' key")
        case (nil, let inputs?): return .columns(inputs)
        case (let instances?, nil):
            guard instances.kind == .list else { throw .badRequest("Excepting 'instances' to be an list/array") }
            guard instances.first.index < instances.endIndex else {
                throw .badRequest("No values in 'instances' array")
            }
            return .rows(instances)
        default:
            throw .badRequest(
                "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist")
        }
    }

    /// Whether a value is an object of inputs by name, not the bytes of a string.
    static func isNamed(_ value: JSONValue) -> Bool {
        value.isOf(.object)
            && !(value.count == 1 && value.first.equals("b64") && value.first.next.kind == .string)
    }
}
