internal import HTTPMessages

/// A route: what it answers, where.
struct Route: Sendable {
    typealias Handler = @Sendable (HTTPExchange, PathParameters) throws(RequestError) -> HTTPOutcome

    let method: HTTPMethod
    /// The path; a segment in braces stands for any text, which the handler gets. `{name:}` stands for text without a colon, and
    /// so does `{name}` with something behind it, `{name}:predict`.
    let pattern: String
    /// Who may use it.
    let access: Access
    /// What the OpenAPI document says of it; nil for a route that is not in there.
    let operation: Operation?
    fileprivate let segments: [Segment]
    let handler: Handler

    init(
        _ method: HTTPMethod, _ pattern: String, access: Access = .inference, _ operation: Operation? = nil,
        _ handler: @escaping Handler
    ) {
        self.method = method
        self.pattern = pattern
        self.access = access
        self.operation = operation
        segments = pattern.utf8.split(separator: UInt8(ascii: "/")).map { Segment($0) }
        precondition(segments.count { $0.isParameter } <= PathParameters.most)
        self.handler = handler
    }

    /// What is between two slashes of a pattern.
    fileprivate struct Segment {
        let isParameter: Bool
        /// Whether it stands for any text.
        let isAny: Bool
        /// The text of one that is not a parameter; what comes behind the braces.
        let text: [UInt8]

        init(_ pattern: Substring.UTF8View) {
            let end = pattern.first == UInt8(ascii: "{") ? pattern.lastIndex(of: UInt8(ascii: "}")) : nil
            isParameter = end != nil
            text = Array(end.map { pattern[pattern.index(after: $0)...] } ?? pattern[...])
            isAny = text.isEmpty && !pattern.contains(UInt8(ascii: ":"))
        }

        /// Whether a segment of a path is this one.
        func isText(_ segment: UnsafeRawBufferPointer) -> Bool {
            text.count == segment.count && text.elementsEqual(segment)
        }

        /// The parameter in a segment of a path; nil if it does not fit.
        func parameter(in segment: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
            guard !isAny else { return segment }
            guard segment.count > text.count, segment.suffix(text.count).elementsEqual(text) else { return nil }
            let parameter = segment.dropLast(text.count)
            return parameter.contains(UInt8(ascii: ":")) ? nil : UnsafeRawBufferPointer(rebasing: parameter)
        }
    }

    /// A route that is answered at once.
    static func immediate(
        _ method: HTTPMethod, _ pattern: String, access: Access = .inference, _ operation: Operation? = nil,
        _ respond: @escaping @Sendable (PathParameters, inout HTTPResponse) throws(RequestError) -> Void
    ) -> Route {
        Route(method, pattern, access: access, operation) { exchange, parameters throws(RequestError) in
            try respond(parameters, &exchange.response)
            return .answered
        }
    }
}

/// Finds the route of a request.
struct Router: Sendable {
    let routes: [Route]
    /// Who may use them.
    let rules: AccessRules

    /// Answers a request by its route's handler, if the request may use it.
    ///
    /// - Throws: ``RequestError``: 404, 405 naming the methods, 401 and 403.
    func respond(to exchange: HTTPExchange) throws(RequestError) -> HTTPOutcome {
        let request = exchange.request
        let method = request.method == .head ? .get : request.method
        if let segments = PathSegments(request.path) {
            for route in routes where route.method == method {
                guard let parameters = match(route, segments) else { continue }
                try rules.check(route.access, request.headers[.authorization])
                return try route.handler(exchange, parameters)
            }
        }
        let allow = try methods(of: request.path)
        throw RequestError(405, "\(Self.text(request.path)) takes \(allow)", headers: [("Allow", allow)])
    }

    /// The methods that a path takes, as in `Allow`.
    ///
    /// - Throws: ``RequestError`` 404 if there is no such path.
    func methods(of path: UnsafeRawBufferPointer) throws(RequestError) -> String {
        let segments = PathSegments(path)
        let methods = segments.map { segments in routes.filter { match($0, segments) != nil }.map(\.method) } ?? []
        guard methods.isEmpty else {
            return methods.map { $0 == .get ? "GET, HEAD" : Self.name($0) }.joined(separator: ", ")
        }
        throw RequestError(404, "there is no route \(Self.text(path)): GET / shows what is served")
    }

    private static func text(_ path: UnsafeRawBufferPointer) -> String {
        String(decoding: path.prefix(200), as: UTF8.self)
    }

    private static func name(_ method: HTTPMethod) -> String {
        switch method {
        case .get: "GET"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .head: "HEAD"
        case .options: "OPTIONS"
        case .other: "?"
        }
    }

    /// The segments in braces; nil if the path is another.
    private func match(_ route: Route, _ path: PathSegments) -> PathParameters? {
        guard route.segments.count == path.count else { return nil }
        var parameters = PathParameters()
        for index in 0..<path.count {
            guard !route.segments[index].isParameter else {
                guard let parameter = route.segments[index].parameter(in: path[index]) else { return nil }
                parameters.append(parameter)
                continue
            }
            guard route.segments[index].isText(path[index]) else { return nil }
        }
        return parameters
    }
}

/// What is between the slashes of a path. Empty segments count for nothing.
private struct PathSegments {
    /// More than any route has.
    private static let most = 8

    private var segments = InlineArray<8, UnsafeRawBufferPointer>(
        repeating: UnsafeRawBufferPointer(start: nil, count: 0))
    private(set) var count = 0

    /// Gives nil for a path of more segments than any route has.
    init?(_ path: UnsafeRawBufferPointer) {
        var position = 0
        while position < path.count {
            guard path[position] != UInt8(ascii: "/") else {
                position += 1
                continue
            }
            guard count < Self.most else { return nil }
            let end = path[position...].firstIndex(of: UInt8(ascii: "/")) ?? path.count
            segments[count] = UnsafeRawBufferPointer(rebasing: path[position..<end])
            count += 1
            position = end
        }
    }

    subscript(index: Int) -> UnsafeRawBufferPointer { segments[index] }
}
