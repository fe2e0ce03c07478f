internal import HTTPMessages
internal import Serving
internal import Tensors

/// A request that a model answers: zeros for data, what is usual for dropout and the like, and 1 for another float alone.
struct Example {
    private let model: Model
    /// What must be fed.
    private let inputs: [TensorDescription]
    /// Larger inputs would not fit a command line.
    private static let mostElements = 4096

    /// Gives nil for a model whose inputs are too large.
    init?(_ model: Model) {
        self.model = model
        inputs = model.inputs.filter { $0.isNeeded && $0.defaultValue == nil }
        let sizes = inputs.map { Shape(Self.dimensions($0))?.elementCount ?? .max }
        guard sizes.allSatisfy({ $0 <= Self.mostElements }), sizes.reduce(0, +) <= Self.mostElements else { return nil }
    }

    private static func dimensions(_ input: TensorDescription) -> [Int] {
        (input.shape.dimensions ?? []).map { $0 < 0 ? 1 : $0 }
    }

    /// A line for the shell.
    ///
    /// - Parameters:
    ///   - address: Where the server is.
    ///   - needsToken: Whether a request needs a token, which then is taken from the variable `TOKEN`.
    /// - Returns: The line.
    func commandLine(_ address: ServerAddress, needsToken: Bool) -> String {
        let socket = address.socketPath.map { " --unix-socket \(Self.quoted($0))" } ?? ""
        let token = needsToken ? " -H \"Authorization: Bearer $TOKEN\"" : ""
        let body = Self.quoted(String(decoding: body(), as: UTF8.self))
        return "curl\(socket)\(token) -d \(body) \(address.url)/models/\(Self.percentEncoded(model.name))/predict"
    }

    /// As one word for the shell.
    private static func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }

    /// The body for `/predict`.
    func body() -> [UInt8] {
        let buffer = ResponseBuffer()
        var writer = JSONWriter(buffer)
        writer.beginObject()
        writer.key("feeds")
        writer.beginObject()
        for input in inputs {
            writer.key(input.name)
            write(input, &writer)
        }
        writer.endObject()
        writer.endObject()
        return Array(buffer.bytes)
    }

    /// What an input is in it.
    func value(of input: TensorDescription) -> [UInt8] {
        let buffer = ResponseBuffer()
        var writer = JSONWriter(buffer)
        write(input, &writer)
        return Array(buffer.bytes)
    }

    private func write(_ input: TensorDescription, _ writer: inout JSONWriter) {
        let dimensions = Self.dimensions(input)
        if let usual = input.usualValue {
            if input.dtype == .bool { writer.bool(usual != 0) } else { writer.number(Float(usual)) }
        } else if dimensions.isEmpty, input.dtype?.isFloating ?? true {
            writer.number(Float(1))
        } else {
            write(dimensions[...], input.dtype ?? .float32, &writer)
        }
    }

    private func write(_ dimensions: ArraySlice<Int>, _ dtype: DataType, _ writer: inout JSONWriter) {
        guard let size = dimensions.first else {
            switch dtype {
            case .bool: writer.bool(false)
            case .string: writer.string("")
            case let type where type.isInteger: writer.integer(0)
            default: writer.number(Float(0))
            }
            return
        }
        writer.beginList()
        for _ in 0..<size { write(dimensions.dropFirst(), dtype, &writer) }
        writer.endList()
    }

    static func percentEncoded(_ name: String) -> String {
        name.utf8.map { byte in
            let scalar = UnicodeScalar(byte)
            let isPlain =
                byte < 0x80
                && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                    || "-._~".unicodeScalars.contains(scalar))
            return isPlain ? String(scalar) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }
}
