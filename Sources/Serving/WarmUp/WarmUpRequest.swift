internal import Graphs
internal import Operations
internal import Tensors

/// A request that TensorFlow Serving recorded: a `PredictionLog` message (tensorflow_serving/apis/prediction_log.proto).
enum WarmUpRequest {
    /// Tensors by the names of a signature's inputs. Without names of outputs, all are fetched.
    case predict(signature: String, inputs: [(name: String, value: Tensor)], outputs: [String])
    /// Serialized examples, for the only input of each signature.
    case examples(signatures: [String], [[UInt8]])

    /// The reason why a message is not such a request.
    struct Fault: Error {
        let reason: String
    }

    private static let defaultSignature = "serving_default"
    private static let noLog = Fault(reason: "is not a PredictionLog message")

    /// - Throws: ``Fault`` for bytes that are not such a message, and for a request of another kind.
    init(_ record: [UInt8]) throws(Fault) {
        let log = try Message(record)
        if let request = try log.message(6)?.message(1) {
            self = try Self.predict(request)
        } else if let request = try log.message(2)?.message(1) {
            self = .examples(signatures: [try Self.signature(request)], try Self.examples(request))
        } else if let request = try log.message(3)?.message(1) {
            self = .examples(signatures: [try Self.signature(request)], try Self.examples(request))
        } else if let request = try log.message(4)?.message(1) {
            var signatures: [String] = []
            for task in request.contents(1) { signatures.append(try Self.signature(try Message(task))) }
            self = .examples(signatures: signatures, try Self.examples(request))
        } else {
            throw Fault(reason: "has no request of predict, classify, regress or multi-inference")
        }
    }

    private static func predict(_ request: Message) throws(Fault) -> WarmUpRequest {
        var inputs: [(name: String, value: Tensor)] = []
        for bytes in request.contents(2) {
            let entry = try Message(bytes)
            let name = entry.text(1)
            do throws(GraphError) {
                inputs.append((name, try Tensor(serialized: entry.contents(2).last ?? [])))
            } catch { throw Fault(reason: "input \"\(name)\": \(error)") }
        }
        return .predict(
            signature: try signature(request), inputs: inputs,
            outputs: request.contents(3).map { String(decoding: $0, as: UTF8.self) })
    }

    /// The name in a request's `model_spec`.
    private static func signature(_ request: Message) throws(Fault) -> String {
        let name = try request.message(1)?.text(3) ?? ""
        return name.isEmpty ? defaultSignature : name
    }

    /// The examples of a request's `input`, each after their shared context.
    private static func examples(_ request: Message) throws(Fault) -> [[UInt8]] {
        guard let input = try request.message(2) else { return [] }
        if let list = try input.message(1) { return list.contents(1) }
        guard let list = try input.message(2) else { return [] }
        let context = list.contents(2).last ?? []
        return list.contents(1).map { context + $0 }
    }

    /// The length-delimited fields of a message: strings, bytes and messages.
    private struct Message {
        private let bytes: [UInt8]
        private let fields: [(number: Int, place: Range<Int>)]

        init(_ bytes: [UInt8]) throws(Fault) {
            self.bytes = bytes
            fields = try bytes.withUnsafeBufferPointer { (bytes) throws(Fault) in try Self.fields(bytes) }
        }

        private static func fields(
            _ bytes: UnsafeBufferPointer<UInt8>
        ) throws(Fault) -> [(number: Int, place: Range<Int>)] {
            var fields: [(number: Int, place: Range<Int>)] = []
            var reader = ProtobufReader(bytes)
            do throws(ProtobufReader.Malformed) {
                while let field = try reader.readField() {
                    if case .bytes(let place) = field.value { fields.append((field.number, place)) }
                }
            } catch { throw noLog }
            return fields
        }

        /// The values of a field.
        func contents(_ number: Int) -> [[UInt8]] {
            fields.filter { $0.number == number }.map { Array(bytes[$0.place]) }
        }

        /// A message field; nil if it is not set.
        func message(_ number: Int) throws(Fault) -> Message? {
            guard let content = contents(number).last else { return nil }
            return try Message(content)
        }

        func text(_ number: Int) -> String { String(decoding: contents(number).last ?? [], as: UTF8.self) }
    }
}
