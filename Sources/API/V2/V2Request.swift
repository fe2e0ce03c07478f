internal import Serving

/// The parts of the JSON of an inference request, in place in the document.
struct V2Request {
    /// The description of an input.
    struct Input {
        let name: JSONValue
        let datatype: JSONValue
        let shape: JSONValue
        let elements: Elements
    }

    /// The place of an input's elements.
    enum Elements {
        /// In the JSON.
        case data(JSONValue)
        /// After the JSON, with this number of bytes.
        case binary(Int)
    }

    /// A requested output.
    struct Output {
        let name: JSONValue
        /// Whether it is sent as bytes; nil if unspecified.
        let isBinary: Bool?
        /// The number of highest values to return with their indices, instead of the tensor.
        let classCount: Int?
    }

    /// The identifier to send back.
    private(set) var id: JSONValue?
    private(set) var inputs: [Input] = []
    /// The requested outputs; empty if the request names none.
    private(set) var outputs: [Output] = []
    /// The name of the signature; nil for the model's default.
    private(set) var signature: JSONValue?
    /// Whether outputs are sent as bytes unless specified otherwise.
    private(set) var isBinary = false

    /// Clears the request.
    mutating func clear() {
        id = nil
        inputs.removeAll(keepingCapacity: true)
        outputs.removeAll(keepingCapacity: true)
        signature = nil
        isBinary = false
    }

    /// Finds the parts. Unknown keys and parameters are ignored.
    ///
    /// - Throws: ``RequestError`` 400.
    mutating func read(_ root: JSONValue) throws(RequestError) {
        guard root.kind == .object else {
            throw .badRequest("the body is \(root.kindName); expected an object with \"inputs\"")
        }
        var hasInputs = false
        try Self.forEach(in: root, "the body") { key, value throws(RequestError) in
            if key.equals("inputs") {
                hasInputs = true
                try Self.elements(of: value, "inputs") { element, place throws(RequestError) in
                    inputs.append(try Self.input(element, place))
                }
            } else if key.equals("outputs"), value.kind != .null {
                try Self.elements(of: value, "outputs") { element, place throws(RequestError) in
                    let output = try Self.output(element, place)
                    guard !outputs.contains(where: { $0.name.equals(output.name.string) }) else {
                        throw .badRequest("\"outputs\" has \"\(output.name.excerpt)\" twice")
                    }
                    outputs.append(output)
                }
            } else if key.equals("id"), value.kind != .null {
                id = try Self.string(value, "\"id\"")
            } else if key.equals("parameters"), value.kind != .null {
                try Self.forEach(in: value, "\"parameters\"") { key, value throws(RequestError) in
                    if key.equals("binary_data_output") {
                        isBinary = try Self.truth(value, "\"binary_data_output\"")
                    } else if key.equals("signature_name"), value.kind != .null {
                        let name = try Self.string(value, "\"signature_name\"")
                        signature = name.string.isEmpty ? nil : name
                    }
                }
            }
        }
        guard hasInputs else { throw .badRequest("the body has no \"inputs\"") }
    }

    private static func input(_ value: JSONValue, _ place: Place) throws(RequestError) -> Input {
        var name: JSONValue?
        var datatype: JSONValue?
        var shape: JSONValue?
        var data: JSONValue?
        var binary: Int?
        try forEach(in: value, "\(place)") { key, value throws(RequestError) in
            if key.equals("name") {
                name = try string(value, "the name of \(place)")
            } else if key.equals("datatype") {
                datatype = try string(value, "the datatype of \(place)")
            } else if key.equals("shape") {
                guard value.kind == .list else {
                    throw .badRequest("the shape of \(place) is \(value.kindName); expected a list of sizes")
                }
                shape = value
            } else if key.equals("data") {
                data = value
            } else if key.equals("parameters"), value.kind != .null {
                binary = try binarySize(value, place)
            }
        }
        guard let name else { throw missing("name", place) }
        guard let datatype else { throw missing("datatype", place, name) }
        guard let shape else { throw missing("shape", place, name) }
        switch (data, binary) {
        case (let data?, nil): return Input(name: name, datatype: datatype, shape: shape, elements: .data(data))
        case (nil, let size?): return Input(name: name, datatype: datatype, shape: shape, elements: .binary(size))
        case (nil, nil): throw missing("data", place, name)
        default:
            throw .badRequest(
                "input \"\(name.excerpt)\" has both \"data\" and \"binary_data_size\"; expected one of them")
        }
    }

    private static func missing(_ key: StaticString, _ place: Place, _ name: JSONValue? = nil) -> RequestError {
        .badRequest((name.map { "input \"\($0.excerpt)\"" } ?? "\(place)") + " has no \"\(key)\"")
    }

    private static func binarySize(_ parameters: JSONValue, _ place: Place) throws(RequestError) -> Int? {
        var size: Int?
        try forEach(in: parameters, "\"parameters\" of \(place)") { key, value throws(RequestError) in
            if key.equals("binary_data_size") {
                size = try count(value, "\"binary_data_size\" of \(place)", "bytes")
            } else if key.equals("shared_memory_region") {
                throw .badRequest("\(place) is in shared memory, which is not supported: send \"data\" or binary data")
            }
        }
        return size
    }

    private static func output(_ value: JSONValue, _ place: Place) throws(RequestError) -> Output {
        var name: JSONValue?
        var isBinary: Bool?
        var classCount: Int?
        try forEach(in: value, "\(place)") { key, value throws(RequestError) in
            if key.equals("name") {
                name = try string(value, "the name of \(place)")
            } else if key.equals("parameters"), value.kind != .null {
                try forEach(in: value, "\"parameters\" of \(place)") { key, value throws(RequestError) in
                    if key.equals("binary_data") {
                        isBinary = try truth(value, "\"binary_data\" of \(place)")
                    } else if key.equals("classification") {
                        let count = try count(value, "\"classification\" of \(place)", "classes")
                        classCount = count > 0 ? count : nil
                    } else if key.equals("shared_memory_region") {
                        throw .badRequest("\(place) is requested in shared memory, which is not supported")
                    }
                }
            }
        }
        guard let name else { throw missing("name", place) }
        return Output(name: name, isBinary: isBinary, classCount: classCount)
    }
}

// Values of a kind.
extension V2Request {
    private static let maxElements = 1000
    /// The maximum number of keys, because each is compared with all earlier ones.
    private static let maxKeys = 64
    private static let longestName = 4096

    /// An element of a list, for messages: `inputs[0]`.
    private struct Place: CustomStringConvertible {
        let list: StaticString
        let index: Int

        var description: String { "\(list)[\(index)]" }
    }

    /// Calls `body` with each element of a list and its place.
    private static func elements(
        of list: JSONValue, _ key: StaticString, _ body: (JSONValue, Place) throws(RequestError) -> Void
    ) throws(RequestError) {
        guard list.kind == .list else { throw .badRequest("\"\(key)\" is \(list.kindName); expected a list") }
        guard list.count <= maxElements else {
            throw .badRequest("\"\(key)\" has \(list.count) elements, more than \(maxElements)")
        }
        var element = list.first
        var index = 0
        while element.index < list.endIndex {
            try body(element, Place(list: key, index: index))
            element = element.next
            index += 1
        }
    }

    /// Calls `body` with each key and value of an object.
    ///
    /// - Throws: ``RequestError`` 400 if it is not an object, and for a duplicate key.
    static func forEach(
        in object: JSONValue, _ place: @autoclosure () -> String,
        _ body: (JSONValue, JSONValue) throws(RequestError) -> Void
    ) throws(RequestError) {
        guard object.kind == .object else {
            throw .badRequest("\(place()) is \(object.kindName); expected an object")
        }
        guard object.count <= maxKeys else {
            throw .badRequest("\(place()) has \(object.count) keys, more than \(maxKeys)")
        }
        try PredictRequest.forEachPair(of: object, in: place(), body)
    }

    private static func string(
        _ value: JSONValue, _ place: @autoclosure () -> String
    ) throws(RequestError) -> JSONValue {
        guard value.kind == .string else { throw .badRequest("\(place()) is \(value.kindName); expected a string") }
        guard value.string.count <= longestName else {
            throw .badRequest("\(place()) has \(value.string.count) bytes, more than \(longestName)")
        }
        return value
    }

    static func truth(_ value: JSONValue, _ place: @autoclosure () -> String) throws(RequestError) -> Bool {
        switch value.kind {
        case .truth: return true
        case .falsehood: return false
        default: throw .badRequest("\(place()) is \(value.kindName); expected true or false")
        }
    }

    /// A non-negative number.
    private static func count(
        _ value: JSONValue, _ place: @autoclosure () -> String, _ what: StaticString
    ) throws(RequestError) -> Int {
        if value.isOf(.int64), value.int64 >= 0 { return Int(value.int64) }
        throw .badRequest("\(place()) is \(value.shown); expected a number of \(what)")
    }
}
