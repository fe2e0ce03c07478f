internal import Serving

/// A method of requests with examples.
enum ExamplesMethod: UInt8, CaseIterable, Sendable {
    case classify = 1
    case regress

    /// The verb in paths.
    var verb: String {
        switch self {
        case .classify: "classify"
        case .regress: "regress"
        }
    }

    /// The `method_name` of the signatures for this method.
    var methodName: String { "tensorflow/serving/\(verb)" }

    /// The noun in TensorFlow Serving's messages.
    private var noun: String {
        switch self {
        case .classify: "classification"
        case .regress: "regression"
        }
    }

    private static let inputName = "inputs"

    /// The outputs that a signature may have.
    private var outputNames: [String] {
        switch self {
        case .classify: ["classes", "scores"]
        case .regress: ["outputs"]
        }
    }

    /// The signatures of a version for this method, in no order.
    func signatures(of version: TFServingSignatures) -> [TFServingSignature] {
        version.all.filter { $0.methodName == methodName }
    }

    /// The signature that a request names, or the default one, with TensorFlow Serving's checks.
    ///
    /// - Returns: The signature, its input, and the outputs in the response.
    /// - Throws: ``RequestError`` 400 that states why the signature does not support the method, and which signatures do.
    func signature(
        named name: JSONValue?, in version: TFServingSignatures
    ) throws(RequestError) -> (
        signature: TFServingSignature, input: TFServingSignature.Argument, outputs: [TFServingSignature.Argument]
    ) {
        let text = name.flatMap { $0.string.isEmpty ? nil : $0.excerpt } ?? Signature.defaultName
        guard let found = version.all.first(where: { $0.name == text }) else {
            throw .badRequest("No signature was found with the name: \(text)" + alternatives(in: version))
        }
        guard found.methodName == methodName else {
            throw .badRequest(
                "Expected \(noun) signature method_name to be \(methodName). Was: \(found.methodName)"
                    + alternatives(in: version))
        }
        guard let input = found.inputs.first, found.inputs.count == 1 else {
            throw .badRequest("Expected one input Tensor.")
        }
        guard input.name == Self.inputName else {
            throw .badRequest("No \(noun) inputs found in SignatureDef: its input is \"\(input.name)\"")
        }
        let outputs = outputNames.compactMap { name in found.outputs.first { $0.name == name } }
        guard !outputs.isEmpty, outputs.count == found.outputs.count else {
            let names = outputNames.map { "\"\($0)\"" }.joined(separator: " or ")
            throw .badRequest(
                "Expected \(noun) signature outputs to be \(names). Signature \"\(text)\" has "
                    + found.outputs.map { "\"\($0.name)\"" }.joined(separator: ", "))
        }
        return (found, input, outputs)
    }

    private func alternatives(in version: TFServingSignatures) -> String {
        let names = signatures(of: version).map { "\"\($0.name)\"" }.joined(separator: ", ")
        return names.isEmpty
            ? "; no signature of this model supports this method: use :predict" : "; \"signature_name\" can be \(names)"
    }
}
