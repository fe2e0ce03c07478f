internal import Execution
internal import HTTPMessages
internal import Tensors

/// A body that is a file, such as an image, or a form of files. It is the value of a model's only input, a string.
enum FileBody {
    /// Whether a request has such a body.
    static func isThere(_ request: HTTPRequest) -> Bool {
        let type = request.headers[.contentType]
        return MediaType.isFile(type) || MediaType.isForm(type)
    }

    /// The error for a model that does not take one.
    static func needsOneString(of model: String, _ inputs: [String]) -> RequestError {
        let names = inputs.isEmpty ? "none" : inputs.map { "\"\($0)\"" }.joined(separator: ", ")
        return RequestError(
            415,
            "a file is one input of dtype string, but the inputs that model \"\(model)\" needs are \(names): send JSON")
    }

    /// Uses the files, in place in the body, as the feed of a call.
    ///
    /// - Throws: ``RequestError`` 415 if the feed is not a string, 400 for a form that is malformed or has other parts than files of
    ///   the input.
    static func read(
        _ request: HTTPRequest, for call: PreparedCall, of model: String, into feeds: inout FeedMemory
    ) throws(RequestError) {
        guard call.callable.feeds.count == 1, let feed = call.callable.feeds.first, let name = call.feedNames.first,
            feed.dtype == .string
        else {
            throw needsOneString(
                of: model, zip(call.feedNames, call.callable.feeds).map { "\($0) (\($1.dtype))" })
        }
        let type = request.headers[.contentType]
        guard let type, MediaType.isForm(type) else {
            return try feeds.add(CollectionOfOne(request.body), feed.shape, name)
        }
        let form = try MultipartForm(request.body, contentType: type)
        if form.parts.count > 1 { try requireFiles(form.parts, name) }
        try feeds.add(form.parts.lazy.map(\.content), feed.shape, name)
    }

    /// Checks that all parts are values of the input.
    private static func requireFiles(_ parts: [MultipartForm.Part], _ name: String) throws(RequestError) {
        let short = PreparedCall.withoutNumber(name)
        for part in parts where !part.hasFileName {
            guard part.isNamed(name) || part.isNamed(short) else {
                throw .badRequest(
                    "the form's part \"\(part.shownName)\" is neither a file nor input \"\(short)\": a form has values of that "
                        + "input only; send others in JSON")
            }
        }
    }
}

extension FeedMemory {
    /// Adds strings in place in the request.
    ///
    /// - Parameters:
    ///   - files: The strings.
    ///   - expected: The placeholder's shape. A scalar accepts one string.
    ///   - name: The input, for messages.
    /// - Throws: ``RequestError`` 400 if the shape does not fit the number of strings, 503 if memory is short.
    fileprivate mutating func add(
        _ files: some Collection<UnsafeRawBufferPointer>, _ expected: PartialShape, _ name: String
    ) throws(RequestError) {
        let count = files.count
        var dimensions = (expected.dimensions ?? (count == 1 ? [] : [count])).map { max($0, 1) }
        // An unknown first dimension is the number of files.
        if let first = expected.dimensions?.first, first < 0 { dimensions[0] = count }
        guard dimensions.allSatisfy({ $0 == 1 || $0 == count }), dimensions.count(where: { $0 > 1 }) < 2,
            dimensions.reduce(1, { max($0, $1) }) == count
        else {
            throw .badRequest("input \"\(name)\": expected strings of shape \(expected), got \(count) files")
        }
        try addRoom(for: .string, dimensions, elementCount: count)
        guard let elements = lastElements()?.assumingMemoryBound(to: TensorString.self) else { return }
        for (index, file) in files.enumerated() {
            elements[index] = TensorString(
                start: file.baseAddress?.assumingMemoryBound(to: UInt8.self), count: file.count)
        }
    }
}
