internal import HTTPMessages
internal import Text

/// The routes nearest to an unknown path, for messages.
///
/// Slashes and colons separate the words of a path. A route is near if it has as many words, and each of its fixed words is similar to the
/// path's: `/v1/models/x/predict` is near to `/v1/models/{name}:predict`.
struct NearestRoutes {
    private let routes: [Route]
    /// The path's words.
    private let words: [Substring]
    private let path: String

    /// The maximum length of a path to compare.
    private static let maxBytes = 200

    init(_ routes: [Route], _ path: UnsafeRawBufferPointer) {
        self.routes = routes
        self.path = path.count <= Self.maxBytes ? String(decoding: path, as: UTF8.self) : ""
        words = Self.words(self.path)
    }

    /// The nearest routes for a method, the nearest first: `POST /v1/models/x:predict`.
    func names(method: HTTPMethod) -> [String] {
        let candidates = Set(routes.filter { $0.method == method }.compactMap { filled($0, words, isExact: false) })
        return NearestNames.of(path, among: candidates.subtracting([path])).map { "\(Router.name(method)) \($0)" }
    }

    /// The paths for a method that have the path's words, or one more: `/v1/models/x:predict`.
    func alternatives(method: HTTPMethod) -> [String] {
        routes.filter { $0.method == method }.compactMap { route in
            guard let last = Self.words(route.pattern).last, last.first != "{" else { return nil }
            return filled(route, words, isExact: true) ?? filled(route, words + [last], isExact: true)
        }
    }

    /// The route's pattern with the words in place of its parameters; nil if the fixed words are not similar, or not equal.
    private func filled(_ route: Route, _ words: [Substring], isExact: Bool) -> String? {
        guard Self.words(route.pattern).count == words.count else { return nil }
        var result = ""
        var next = words.makeIterator()
        var pattern = route.pattern[...]
        while let first = pattern.first {
            guard first != "/", first != ":" else {
                result.append(pattern.removeFirst())
                continue
            }
            guard let word = next.next() else { return nil }
            if first == "{", let end = pattern.firstIndex(of: "}") {
                result += word
                pattern = pattern[pattern.index(after: end)...]
            } else {
                let own = pattern.prefix { $0 != "/" && $0 != ":" }
                guard word == own || !isExact && Self.isNear(word, own) else { return nil }
                result += own
                pattern = pattern[own.endIndex...]
            }
        }
        return result
    }

    private static func isNear(_ word: Substring, _ other: Substring) -> Bool {
        !NearestNames.of(String(word), among: [String(other)]).isEmpty
    }

    /// The words of a path. A parameter is one word, although it may contain a colon: `{name:}`.
    private static func words(_ path: String) -> [Substring] {
        path.split { $0 == "/" || $0 == ":" }.filter { $0 != "}" }
    }
}
