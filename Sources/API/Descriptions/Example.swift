internal import HTTPMessages
internal import Serving
internal import Tensors

/// A request that a model answers: zeros for data, what is usual for dropout and the like, and 1 for another float alone.
struct Example {
    private let model: Model
    /// The inputs that must be fed.
    private let inputs: [TensorDescription]
    /// How many elements all inputs have; `Int.max` for more than can be counted.
    private let elementCount: Int
    /// A larger example makes a document too long.
    private static let maxDocumentElements = 4096
    /// A larger example is made by the line itself.
    private static let maxLineElements = 100
    /// A larger example is not worth its time.
    private static let maxElements = 4 << 20

    init(_ model: Model) {
        self.model = model
        inputs = model.inputs.filter { $0.isNeeded && $0.defaultValue == nil }
        elementCount = inputs.reduce(0) { sum, input in
            let count = Shape(Self.dimensions(input, model))?.elementCount ?? .max
            let (total, overflow) = sum.addingReportingOverflow(count)
            return overflow ? .max : total
        }
    }

    /// Whether the example is too long for a document.
    var isLarge: Bool { elementCount > Self.maxDocumentElements }

    private static func dimensions(_ input: TensorDescription, _ model: Model) -> [Int] {
        model.exampleDimensions(of: input.tensor, declared: input.shape)
    }

    /// A line for the shell.
    ///
    /// - Parameters:
    ///   - address: Where the server is.
    ///   - needsToken: Whether a request needs a token, which then is taken from the variable `TOKEN`.
    /// - Returns: The line; nil for inputs so large that nobody waits for them.
    func commandLine(_ address: ServerAddress, needsToken: Bool) -> String? {
        guard elementCount <= Self.maxElements else { return nil }
        guard elementCount <= Self.maxLineElements else {
            return "awk \(ShellWord.quoted(program())) | \(request(address, needsToken, "@-"))"
        }
        return request(address, needsToken, ShellWord.quoted(String(decoding: body(), as: UTF8.self)))
    }

    private func request(_ address: ServerAddress, _ needsToken: Bool, _ body: String) -> String {
        let socket = address.socketPath.map { " --unix-socket \(ShellWord.quoted($0))" } ?? ""
        let token = needsToken ? " -H \"Authorization: Bearer $TOKEN\"" : ""
        return "curl\(socket)\(token) -d \(body) \(address.url)/models/\(Self.percentEncoded(model.name))/predict"
    }

    /// A program for awk that prints the body: nested lists of zeros, so that the line stays short.
    private func program() -> String {
        func text(_ bytes: [UInt8]) -> String {
            let text = String(decoding: bytes, as: UTF8.self)
            return "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
        }
        let feeds = inputs.map { input in
            let key = text(Array((JSONText.quoted(input.name) + ":").utf8))
            let dimensions = Self.dimensions(input, model)
            guard isData(input, dimensions) else { return key + " " + text(value(of: input)) }
            let sizes = dimensions.map(String.init).joined(separator: " ")
            return key + " z(" + text(Self.bytes { writeElement(input.dtype ?? .float32, &$0) }) + ",\"\(sizes)\")"
        }
        return
            "function z(v,d, n,a,r,i){n=split(d,a,\" \");for(;n>0;n--){r=v;for(i=1;i<a[n];i++)r=r\",\"v;v=\"[\"r\"]\"}return v}"
            + "BEGIN{print \"{\\\"feeds\\\":{\" " + feeds.joined(separator: " \",\" ") + " \"}}\"}"
    }

    private static func bytes(_ write: (inout JSONWriter) -> Void) -> [UInt8] {
        let buffer = ResponseBuffer()
        var writer = JSONWriter(buffer)
        write(&writer)
        return Array(buffer.bytes)
    }

    /// The body for `/predict`.
    func body() -> [UInt8] {
        Self.bytes { writer in
            writer.beginObject()
            writer.key("feeds")
            writer.beginObject()
            for input in inputs {
                writer.key(input.name)
                write(input, &writer)
            }
            writer.endObject()
            writer.endObject()
        }
    }

    /// The value of an input in the example.
    func value(of input: TensorDescription) -> [UInt8] {
        Self.bytes { write(input, &$0) }
    }

    /// The dimensions of an input in it.
    func dimensions(of input: TensorDescription) -> [Int] {
        isData(input, Self.dimensions(input, model)) ? Self.dimensions(input, model) : []
    }

    /// Whether an input is fed with lists, or elements, of zeros.
    private func isData(_ input: TensorDescription, _ dimensions: [Int]) -> Bool {
        input.usualValue == nil && !(dimensions.isEmpty && input.dtype?.isFloating ?? true)
    }

    private func write(_ input: TensorDescription, _ writer: inout JSONWriter) {
        let dimensions = Self.dimensions(input, model)
        if let usual = input.usualValue {
            if input.dtype == .bool { writer.bool(usual != 0) } else { writer.number(Float(usual)) }
        } else if isData(input, dimensions) {
            write(dimensions[...], input.dtype ?? .float32, &writer)
        } else {
            writer.number(Float(1))
        }
    }

    private func write(_ dimensions: ArraySlice<Int>, _ dtype: DataType, _ writer: inout JSONWriter) {
        guard let size = dimensions.first else { return writeElement(dtype, &writer) }
        writer.beginList()
        for _ in 0..<size { write(dimensions.dropFirst(), dtype, &writer) }
        writer.endList()
    }

    /// A PNG file of one grey pixel, in base 64.
    private static let image =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNoAAAAggCB2kUIOwAAAABJRU5ErkJggg=="

    private func writeElement(_ dtype: DataType, _ writer: inout JSONWriter) {
        switch dtype {
        case .bool: writer.bool(false)
        case .string where model.decodesImages:
            writer.beginObject()
            writer.key("b64")
            writer.string(Self.image)
            writer.endObject()
        case .string: writer.string("")
        case let type where type.isInteger: writer.integer(0)
        default: writer.number(Float(0))
        }
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
