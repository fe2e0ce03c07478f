internal import HTTPMessages

/// A route: what it answers, where.
struct Route: Sendable {
    typealias Handler = @Sendable (HTTPExchange, PathParameters) throws(RequestError) -> HTTPOutcome

    let method: HTTPMethod
    /// The path; a segment in braces stands for any text, which the handler gets.
    let pattern: String
    let access: Access
    fileprivate let segments: [[UInt8]]
    let handler: Handler

    init(_ method: HTTPMethod, _ pattern: String, access: Access = .inference, _ handler: @escaping Handler) {
        self.method = method
        self.pattern = pattern
        self.access = access
        segments = pattern.utf8.split(separator: UInt8(ascii: "/")).map(Array.init)
        precondition(segments.count { $0.first == UInt8(ascii: "{") } <= PathParameters.most)
        self.handler = handler
    }

    /// A route that is answered at once.
    static func immediate(
        _ method: HTTPMethod, _ pattern: String, access: Access = .inference,
        _ respond: @escaping @Sendable (PathParameters, inout HTTPResponse) throws(RequestError) -> Void
    ) -> Route {
        Route(method, pattern, access: access) { exchange, parameters throws(RequestError) in
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
        for route in routes where route.method == method {
            guard let parameters = match(route, request.path) else { continue }
            try rules.check(route.access, request.headers[.authorization])
            return try route.handler(exchange, parameters)
        }
        let allow = try methods(of: request.path)
        throw RequestError(405, "\(Self.text(request.path)) takes \(allow)", headers: [("Allow", allow)])
    }

    /// The methods that a path takes, as in `Allow`.
    ///
    /// - Throws: ``RequestError`` 404 if there is no such path.
    func methods(of path: UnsafeRawBufferPointer) throws(RequestError) -> String {
        let methods = routes.filter { match($0, path) != nil }.map(\.method)
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

    /// The segments in braces; nil if the path is another. Empty segments count for nothing.
    private func match(_ route: Route, _ path: UnsafeRawBufferPointer) -> PathParameters? {
        var parameters = PathParameters()
        var position = 0
        var number = 0
        while position < path.count {
            guard path[position] != UInt8(ascii: "/") else {
                position += 1
                continue
            }
            let end = path[position...].firstIndex(of: UInt8(ascii: "/")) ?? path.count
            guard number < route.segments.count else { return nil }
            let segment = UnsafeRawBufferPointer(rebasing: path[position..<end])
            if route.segments[number].first == UInt8(ascii: "{") {
                parameters.append(segment)
            } else if !route.segments[number].elementsEqual(segment) {
                return nil
            }
            number += 1
            position = end
        }
        return number == route.segments.count ? parameters : nil
    }
}
