internal import Glibc
internal import HTTPMessages
internal import Threads

/// A route: a path, and its handler.
///
/// A class, so that using a route counts one reference only.
final class Route: Sendable {
    typealias Admission = @Sendable (HTTPHeaders, PathParameters) throws(RequestError) -> Void
    typealias Handler = @Sendable (HTTPExchange, PathParameters) throws(RequestError) -> HTTPOutcome

    let method: HTTPMethod
    /// The path. A segment in braces matches any text, which is passed to the handler. `{name:}` matches text without a colon, and so does
    /// `{name}` before other text, as in `{name}:predict`.
    let pattern: String
    /// The clients that may use it.
    let access: Access
    /// The route's entry in the OpenAPI document; nil for a route that is not listed.
    let description: RouteDescription?
    fileprivate let segments: [Segment]
    let handler: Handler
    /// The check before the body is received; nil if only route and token are checked.
    let admission: Admission?

    init(
        _ method: HTTPMethod, _ pattern: String, access: Access = .inference, _ description: RouteDescription? = nil,
        admission: Admission? = nil, _ handler: @escaping Handler
    ) {
        self.admission = admission
        self.method = method
        self.pattern = pattern
        self.access = access
        self.description = description
        segments = pattern.utf8.split(separator: UInt8(ascii: "/")).map { Segment($0) }
        precondition(segments.count { $0.isParameter } <= PathParameters.maxCount)
        self.handler = handler
    }

    /// The part of a pattern between two slashes.
    fileprivate struct Segment {
        let isParameter: Bool
        /// Whether it matches any text.
        let isAny: Bool
        /// The fixed text; for a parameter, the text after the braces.
        let text: [UInt8]

        init(_ pattern: Substring.UTF8View) {
            let end = pattern.first == UInt8(ascii: "{") ? pattern.lastIndex(of: UInt8(ascii: "}")) : nil
            isParameter = end != nil
            text = Array(end.map { pattern[pattern.index(after: $0)...] } ?? pattern[...])
            isAny = text.isEmpty && !pattern.contains(UInt8(ascii: ":"))
        }

        /// Whether a segment of a path has this text.
        func isText(_ segment: UnsafeRawBufferPointer) -> Bool {
            text.withUnsafeBytes { own in
                guard own.count == segment.count, let ownStart = own.baseAddress, let start = segment.baseAddress else {
                    return own.count == segment.count
                }
                return memcmp(ownStart, start, own.count) == 0
            }
        }

        /// The parameter in a segment of a path; nil if it does not match.
        func parameter(in segment: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
            guard !isAny else { return segment }
            guard segment.count > text.count, segment.suffix(text.count).elementsEqual(text) else { return nil }
            let parameter = segment.dropLast(text.count)
            return parameter.contains(UInt8(ascii: ":")) ? nil : UnsafeRawBufferPointer(rebasing: parameter)
        }
    }

    /// Whether a segment of a path matches that of the pattern. Adds the parameter, if it is one.
    fileprivate func matches(
        _ number: Int, _ segment: UnsafeRawBufferPointer, _ parameters: inout PathParameters
    ) -> Bool {
        guard segments[number].isParameter else { return segments[number].isText(segment) }
        guard let parameter = segments[number].parameter(in: segment) else { return false }
        parameters.append(parameter)
        return true
    }

    /// A route with an immediate response.
    static func immediate(
        _ method: HTTPMethod, _ pattern: String, access: Access = .inference, _ description: RouteDescription? = nil,
        _ respond: @escaping @Sendable (PathParameters, inout HTTPResponse) throws(RequestError) -> Void
    ) -> Route {
        Route(method, pattern, access: access, description) { exchange, parameters throws(RequestError) in
            try respond(parameters, &exchange.response)
            return .responded
        }
    }
}

/// Finds the route of a request.
struct Router: Sendable {
    let routes: [Route]
    /// The same, for looks without counting references.
    // Safety: `routes` keeps them.
    private let places: [Unmanaged<Route>]
    /// The rules of access to the routes.
    let rules: AccessRules

    init(routes: [Route], rules: AccessRules) {
        self.routes = routes
        self.rules = rules
        places = routes.map { .passUnretained($0) }
    }

    /// Calls the handler of a request's route, if the request may use it.
    ///
    /// - Throws: ``RequestError`` 404, 405 with the methods, 401 and 403.
    func respond(to exchange: HTTPExchange) throws(RequestError) -> HTTPOutcome {
        if exchange.admittedRoute >= 0, exchange.admittedRoute < places.count {
            let outcome = try places[exchange.admittedRoute].borrow { route throws(RequestError) -> HTTPOutcome? in
                guard let parameters = Self.match(route, exchange.request.path) else { return nil }
                return try route.handler(exchange, parameters)
            }
            if let outcome { return outcome }
        }
        let (number, parameters) = try find(exchange.request.method, exchange.request.path)
        return try places[number].borrow { route throws(RequestError) in
            try rules.check(route.access, exchange.request.headers[.authorization])
            return try route.handler(exchange, parameters)
        }
    }

    /// Checks a request before its body is received.
    ///
    /// - Throws: ``RequestError`` if the body is not wanted.
    func admit(_ exchange: HTTPExchange) throws(RequestError) {
        let (number, parameters) = try find(exchange.request.method, exchange.request.path)
        try places[number].borrow { route throws(RequestError) in
            try rules.check(route.access, exchange.request.headers[.authorization])
            try route.admission?(exchange.request.headers, parameters)
        }
        exchange.admittedRoute = number
    }

    /// The index of a request's route.
    ///
    /// - Throws: ``RequestError`` 404, 405 with the methods.
    private func find(
        _ asked: HTTPMethod, _ path: UnsafeRawBufferPointer
    ) throws(RequestError) -> (number: Int, parameters: PathParameters) {
        let method = asked == .head ? .get : asked
        let segmentCount = Self.segmentCount(path)
        for number in places.indices {
            let parameters = places[number]._withUnsafeGuaranteedRef { route in
                route.method == method && route.segments.count == segmentCount ? Self.match(route, path) : nil
            }
            if let parameters { return (number, parameters) }
        }
        let allow = try methods(of: path, method)
        let alternatives = NearestRoutes(routes, path).alternatives(method: method)
        let hint = alternatives.first.map { "; \($0) accepts \(Self.name(method))" } ?? ""
        throw RequestError(405, "\(Self.text(path)) accepts \(allow)\(hint)", headers: [("Allow", allow)])
    }

    /// The methods of a path, for `Allow`.
    ///
    /// - Parameters:
    ///   - path: The path.
    ///   - wanted: The method that was tried.
    /// - Returns: The methods, with commas.
    /// - Throws: ``RequestError`` 404 if there is no such path.
    func methods(of path: UnsafeRawBufferPointer, _ wanted: HTTPMethod) throws(RequestError) -> String {
        let segmentCount = Self.segmentCount(path)
        let methods = routes.filter { $0.segments.count == segmentCount && Self.match($0, path) != nil }.map(\.method)
        guard methods.isEmpty else {
            return methods.map { $0 == .get ? "GET, HEAD" : Self.name($0) }.joined(separator: ", ")
        }
        let nearest = NearestRoutes(routes, path).names(method: wanted)
        let hint = nearest.isEmpty ? "" : "; the nearest is \(nearest.joined(separator: " or "))"
        throw RequestError(404, "there is no route \(Self.text(path))\(hint): GET / shows what is served")
    }

    private static func text(_ path: UnsafeRawBufferPointer) -> String {
        String(decoding: path.prefix(200), as: UTF8.self)
    }

    /// The name of a method.
    static func name(_ method: HTTPMethod) -> String {
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

    /// The number of segments of a path, without empty ones.
    private static func segmentCount(_ path: UnsafeRawBufferPointer) -> Int {
        var count = 0
        var isInSegment = false
        for byte in path {
            let isSlash = byte == UInt8(ascii: "/")
            if !isSlash, !isInSegment { count += 1 }
            isInSegment = !isSlash
        }
        return count
    }

    /// The parameters of a path with as many segments as the route; nil if it does not match.
    private static func match(_ route: Route, _ path: UnsafeRawBufferPointer) -> PathParameters? {
        var parameters = PathParameters()
        var position = 0
        var number = 0
        while position < path.count, number < route.segments.count {
            guard path[position] != UInt8(ascii: "/") else {
                position += 1
                continue
            }
            let end = path[position...].firstIndex(of: UInt8(ascii: "/")) ?? path.count
            let segment = UnsafeRawBufferPointer(rebasing: path[position..<end])
            guard route.matches(number, segment, &parameters) else { return nil }
            number += 1
            position = end
        }
        return parameters
    }
}
