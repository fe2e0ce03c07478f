internal import HTTPMessages
internal import Serving

/// The parts of a predict request's body, in place in the document.
struct PredictRequest {
    /// The model's name, if the body has one.
    private(set) var model: JSONValue?
    /// The object of feeds, by name.
    private(set) var feeds: JSONValue?
    /// The list of names or expressions to fetch, or an object with them by the response's names; nil for the signature's outputs, or
    /// the model's.
    private(set) var fetches: JSONValue?
    /// The name of the signature whose keys feeds and fetches may be; nil for the model's default.
    private(set) var signature: JSONValue?
    /// The number of highest classes to return for each row of scores, instead of all scores.
    private(set) var top: Int?

    /// Finds the parts.
    ///
    /// - Throws: ``RequestError`` 400 if the body is not `{"model"?, "signature"?, "feeds"?, "fetches"?, "top"?}`.
    init(_ root: JSONValue) throws(RequestError) {
        guard root.kind == .object else {
            throw .badRequest("the body is \(root.kindName); expected an object with \"feeds\"")
        }
        try Self.forEachPair(of: root, in: "the body") { key, value throws(RequestError) in
            if key.equals("feeds") {
                guard value.kind == .object else {
                    throw .badRequest("\"feeds\" is \(value.kindName); expected an object")
                }
                try Self.requireFew(value, "\"feeds\"")
                feeds = value
            } else if key.equals("fetches") {
                fetches = try Self.names(value)
            } else if key.equals("model") {
                model = try Self.string(value, "model")
            } else if key.equals("signature") {
                signature = value.kind == .null ? nil : try Self.string(value, "signature")
            } else if key.equals("top") {
                top = try Self.classCount(value)
            } else {
                throw .badRequest(
                    "the body has an unknown key \"\(key.excerpt)\"; the known keys are \"model\", "
                        + "\"signature\", \"feeds\", \"fetches\" and \"top\"")
            }
        }
    }

    private static func string(_ value: JSONValue, _ key: StaticString) throws(RequestError) -> JSONValue {
        guard value.kind == .string else {
            throw .badRequest("\"\(key)\" is \(value.kindName); expected a string")
        }
        return value
    }

    private static func classCount(_ value: JSONValue) throws(RequestError) -> Int? {
        if value.kind == .null { return nil }
        guard value.isOf(.int64), value.int64 > 0 else {
            throw .badRequest("\"top\" is \(value.shown); expected a number of classes, 1 or more")
        }
        return Int(value.int64)
    }

    private static func names(_ value: JSONValue) throws(RequestError) -> JSONValue? {
        if value.kind == .null { return nil }
        guard value.kind == .list || value.kind == .object else {
            throw .badRequest("\"fetches\" is \(value.kindName); expected a list of tensor names")
        }
        try requireFew(value, "\"fetches\"")
        if value.kind == .object {
            try forEachPair(of: value, in: "\"fetches\"") { _, text throws(RequestError) in
                guard text.kind == .string else {
                    throw .badRequest("\"fetches\" has \(text.kindName); expected tensor names")
                }
            }
            return value
        }
        var name = value.first
        while name.index < value.endIndex {
            guard name.kind == .string else {
                throw .badRequest("\"fetches\" has \(name.kindName); expected tensor names")
            }
            name = name.next
        }
        return value
    }

    private static func requireFew(_ value: JSONValue, _ place: String) throws(RequestError) {
        guard value.count <= maxNames else {
            throw .badRequest("\(place) has \(value.count) names, more than \(maxNames)")
        }
    }

    /// Calls `body` with each key and value of an object.
    ///
    /// - Throws: ``RequestError`` 400 for a duplicate key. Quadratic in the number of keys, which is bounded.
    static func forEachPair(
        of object: JSONValue, in place: @autoclosure () -> String,
        _ body: (JSONValue, JSONValue) throws(RequestError) -> Void
    ) throws(RequestError) {
        let end = object.endIndex
        var key = object.first
        while key.index < end {
            try requireNew(key, in: object, place())
            try body(key, key.next)
            key = key.next.next
        }
    }

    static let maxNames = 1000
    private static let longestName = 4096

    private static func requireNew(
        _ key: JSONValue, in object: JSONValue, _ place: @autoclosure () -> String
    ) throws(RequestError) {
        var earlier = object.first
        let bytes = key.string
        while earlier.index < key.index {
            if earlier.string.count == bytes.count, earlier.string.elementsEqual(bytes) {
                throw .badRequest("\(place()) has the key \"\(key.excerpt)\" twice")
            }
            earlier = earlier.next.next
        }
    }

    /// Appends the names of feeds, of fetches after a 1 or a 3, and of the signature after a 2.
    func appendSignature(to signature: ResponseBuffer) {
        signature.append(PreparedCall.Kind.predict.rawValue)
        if let feeds {
            var key = feeds.first
            while key.index < feeds.endIndex {
                PreparedCall.append(name: UnsafeRawBufferPointer(key.string), to: signature)
                key = key.next.next
            }
        }
        if let fetches {
            // Keys of an object are followed by their texts, all in the same way.
            signature.append(fetches.kind == .object ? 3 : 1)
            var name = fetches.first
            while name.index < fetches.endIndex {
                PreparedCall.append(name: UnsafeRawBufferPointer(name.string), to: signature)
                name = name.next
            }
        }
        guard let name = self.signature else { return }
        signature.append(2)
        PreparedCall.append(name: UnsafeRawBufferPointer(name.string), to: signature)
    }

    /// The name of the signature, if the body has one.
    ///
    /// - Throws: ``RequestError`` 400 for an invalid name.
    func signatureName() throws(RequestError) -> String? {
        guard let signature else { return nil }
        return try Self.name(signature)
    }

    /// The names of the feeds, in the order of the text.
    ///
    /// - Throws: ``RequestError`` 400 for a duplicate or invalid name.
    func feedNames() throws(RequestError) -> [String] {
        var names: [String] = []
        guard let feeds else { return names }
        try Self.forEachPair(of: feeds, in: "\"feeds\"") { key, _ throws(RequestError) in
            names.append(try Self.name(key))
        }
        return names
    }

    /// The names or expressions of the fetches; nil if the body has none.
    ///
    /// - Throws: ``RequestError`` 400 for a duplicate or invalid name.
    func fetchNames() throws(RequestError) -> [String]? {
        guard let fetches else { return nil }
        var names: [String] = []
        guard fetches.kind == .list else {
            try Self.forEachPair(of: fetches, in: "\"fetches\"") { _, text throws(RequestError) in
                names.append(try Self.name(text))
            }
            return names
        }
        var known: Set<String> = []
        var value = fetches.first
        while value.index < fetches.endIndex {
            let name = try Self.name(value)
            guard known.insert(name).inserted else { throw .badRequest("\"fetches\" has \"\(name)\" twice") }
            names.append(name)
            value = value.next
        }
        return names
    }

    /// The response's names of the fetches; nil if these are the fetches' own.
    private func responseNames() throws(RequestError) -> [String]? {
        guard let fetches, fetches.kind == .object else { return nil }
        var names: [String] = []
        try Self.forEachPair(of: fetches, in: "\"fetches\"") { key, _ throws(RequestError) in
            names.append(try Self.name(key))
        }
        return names
    }

    /// The names of feeds and fetches. A sparse or ragged input is replaced by the tensors that it consists of.
    ///
    /// - Throws: ``RequestError`` 400 for a duplicate or invalid name.
    func names(in signature: Signature?) throws(RequestError) -> PreparedCall.Names {
        let feeds = try feedNames()
        let composites = feeds.map { name in signature?.composites.first { $0.name == name } }
        let isPlain = composites.allSatisfy { $0 == nil }
        return PreparedCall.Names(
            feeds: zip(feeds, composites).flatMap { name, composite in composite?.partNames ?? [name] },
            fetches: try fetchNames(), signature: signature, composites: isPlain ? [] : composites,
            fetchNames: try responseNames())
    }

    private static func name(_ value: JSONValue) throws(RequestError) -> String {
        guard value.string.count <= longestName else {
            throw .badRequest("\"\(value.excerpt)\" is too long for a name: it has \(value.string.count) bytes")
        }
        return value.text
    }
}
