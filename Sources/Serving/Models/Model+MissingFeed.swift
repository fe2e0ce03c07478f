internal import Execution
internal import Graphs
internal import Operations
internal import Tensors

extension Model {
    /// The error for missing feeds, with the usual values of switches, and the fetches that need no more feeds.
    ///
    /// - Parameters:
    ///   - error: The compiler's error of kind `missingFeed`. The message names inputs of the signature by their keys.
    ///   - feeds: The feeds of the request.
    ///   - outputs: All outputs, if the request names no fetches.
    ///   - signature: The signature of the request.
    /// - Returns: The error, of kind `invalidArgument`.
    func missingFeed(
        _ error: OpError, _ feeds: [Endpoint], outputs: [(name: String, endpoint: Endpoint)],
        _ signature: Signature?
    ) -> ModelError {
        let inputs = signature?.inputs ?? inputs
        var message = inputs.reduce("\(error)") { $0.replacing("\"\($1.tensor)\"", with: "\"\($1.name)\"") }
        for input in inputs where error.tensors.contains(input.tensor) {
            guard let hint = input.switchHint else { continue }
            message += "; \(hint)"
        }
        let needed = inputs.filter { $0.isNeeded && $0.defaultValue == nil }.map(\.name)
        if !needed.isEmpty, !error.tensors.allSatisfy({ tensor in inputs.contains { $0.tensor == tensor } }) {
            message += "; the model's inputs are \(Self.list(needed))"
        }
        let others = outputs.filter {
            (try? session.check(feeds: feeds, fetches: [$0.endpoint], isKept: false)) != nil
        }
        if !others.isEmpty { message += "; without more feeds \"fetches\" can be \(Self.list(others.map(\.name)))" }
        return ModelError(.invalidArgument, message)
    }

    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(16).map { "\"\($0)\"" }.joined(separator: ", ")
        return names.count > 16 ? "\(shown) and \(names.count - 16) more" : shown
    }
}

extension TensorDescription {
    /// How to feed a switch of dropout or training, or how to avoid that; nil for data.
    package var switchHint: String? {
        guard let usualText else { return nil }
        return
            "\"\(name)\" is usually \(usualText) for predictions: feed that, or start with --default \(name)=\(usualText)"
    }

    /// The usual value for predictions, as JSON; nil for data.
    private var usualText: String? {
        guard let usualValue else { return nil }
        if dtype == .bool { return usualValue == 0 ? "false" : "true" }
        return Int(exactly: usualValue).map(String.init) ?? "\(usualValue)"
    }
}
