package import Execution
internal import Graphs
internal import Interfaces
internal import Operations
internal import Text

/// A callable, and the names of its results.
package struct NamedCallable: Sendable {
    /// The callable to run.
    package let callable: Callable
    /// The names of its results: those in the request, otherwise the signature's keys or the tensors' names.
    package let fetchNames: [String]
}

extension Model {
    /// The signature with a name.
    ///
    /// - Parameter name: The name; nil for the default signature. A model without signatures also has ``Signature/defaultName``, with
    ///   its inputs and outputs.
    /// - Returns: nil for a model without signatures.
    /// - Throws: ``ModelError`` of kind `invalidArgument` with the existing names.
    package func signature(named name: String?) throws(ModelError) -> Signature? {
        guard let name else { return defaultSignature }
        if let signature = signatures[name] { return signature }
        if signatures.isEmpty, name == Signature.defaultName { return nil }
        let known = signatures.keys.sorted().map { "\"\($0)\"" }.joined(separator: ", ")
        throw ModelError(
            .invalidArgument,
            "model \"\(self.name)\" has no signature \"\(name)\""
                + (signatures.isEmpty ? "; it has no signatures: omit the signature" : "; it has \(known)"))
    }

    /// Compiles feeds and fetches, or finds a compiled callable. Names are those of the graph's tensors.
    ///
    /// - Parameters:
    ///   - feeds: Names, `x` or `x:0`.
    ///   - fetches: Names; nil for all of the model's outputs.
    /// - Returns: The callable.
    /// - Throws: ``ModelError`` of kind `unknownTensor` with the nearest names, `refused`, `invalidArgument` for a missing feed,
    ///   `unsupported` for an op.
    package func callable(feeds: [String], fetches: [String]?) throws(ModelError) -> Callable {
        try callable(feeds: feeds, fetches: fetches, in: nil).callable
    }

    /// Compiles feeds and fetches by the keys of a signature or the names of tensors. A key takes precedence over a tensor with the same name.
    ///
    /// - Parameters:
    ///   - feeds: Keys or names.
    ///   - fetches: Keys, names, or expressions; nil for all outputs of the signature.
    ///   - signature: The signature; nil for none.
    /// - Returns: The callable, and the names of its results.
    /// - Throws: ``ModelError``, as for names of tensors.
    package func callable(
        feeds: [String], fetches: [String]?, in signature: Signature?
    ) throws(ModelError) -> NamedCallable {
        var feedEndpoints: [Endpoint] = []
        for name in feeds {
            let endpoint = try endpoint(name, .feed, signature)
            if let first = feedEndpoints.firstIndex(of: endpoint) { throw twice(name, feeds[first], signature) }
            feedEndpoints.append(endpoint)
        }
        let found =
            if let fetches { try self.fetches(fetches, in: signature) } else {
                Fetches(fetched: try offered(by: signature))
            }
        let fetched = found.fetched
        guard !fetched.isEmpty else {
            throw ModelError(.invalidArgument, "nothing to fetch: name tensors in \"fetches\"")
        }
        do throws(OpError) {
            let callable = try session.callable(
                feeds: feedEndpoints, fetches: fetched.map(\.endpoint), additions: found.additions)
            return NamedCallable(callable: callable, fetchNames: fetched.map(\.name))
        } catch {
            guard error.kind == .missingFeed else { throw ModelError(error) }
            throw missingFeed(error, feedEndpoints, outputs: fetches == nil ? fetched : [], signature)
        }
    }

    /// The use of a name.
    enum Use: String {
        case feed, fetch

        /// The signature's term for it.
        fileprivate var argument: StaticString { self == .feed ? "input" : "output" }

        fileprivate func names(_ signature: Signature?) -> [TensorDescription] {
            (self == .feed ? signature?.inputs : signature?.outputs) ?? []
        }
    }

    /// The tensor that a signature's key, or a name, stands for.
    ///
    /// - Throws: ``ModelError`` of kind `unknownTensor` with the nearest names; `refused` for a tensor of checkpoints' saving and restoring.
    func endpoint(_ text: String, _ use: Use, _ signature: Signature?) throws(ModelError) -> Endpoint {
        let keyed = use.names(signature).first { $0.name == text }
        guard let name = TensorName(parsing: keyed?.tensor ?? text), !name.isControl,
            let index = graph.index(ofNode: name.node)
        else { throw unknown(text, use, signature, keyed) }
        guard !interface.isPrivate(graph.nodes[index]) else {
            throw ModelError(
                .refused, "\(use) \"\(text)\" is refused: it belongs to the saving and restoring of checkpoints")
        }
        return Endpoint(node: index, output: name.output)
    }

    /// The error for two names of one tensor, both of which may be a signature's keys.
    private func twice(_ name: String, _ other: String, _ signature: Signature?) -> ModelError {
        let keys = signature?.inputs.filter { $0.name == name || $0.name == other } ?? []
        guard keys.count == 2, let tensor = keys.first?.tensor else {
            return ModelError(.invalidArgument, "feed \"\(name)\" is given twice")
        }
        return ModelError(
            .invalidArgument,
            "feeds \"\(other)\" and \"\(name)\" are the same tensor, \"\(tensor)\": feed one of them")
    }

    private func unknown(
        _ text: String, _ use: Use, _ signature: Signature?, _ keyed: TensorDescription?
    ) -> ModelError {
        let wanted = TensorName(parsing: keyed?.tensor ?? text)?.node ?? text
        let keys = keyed == nil ? NearestNames.of(text, among: use.names(signature).lazy.map(\.name)) : []
        let tensors = graph.nearestNames(to: wanted).filter { !keys.contains($0) }
        let nearest = (keys + tensors).map { "\"\($0)\"" }.joined(separator: ", ")
        var message = "\(use) \"\(text)\": the graph of model \"\(name)\" has no such tensor"
        if let keyed {
            message = "\(use) \"\(text)\": the graph of model \"\(name)\" has no tensor \"\(keyed.tensor)\""
        } else if let signature {
            message =
                "\(use) \"\(text)\": signature \"\(signature.name)\" of model \"\(name)\" has no such \(use.argument), "
                + "and the graph has no such tensor"
        }
        return ModelError(.unknownTensor, message + (nearest.isEmpty ? "" : "; the nearest are \(nearest)"))
    }

    /// The outputs of a request that names no fetches.
    private func offered(
        by signature: Signature?
    ) throws(ModelError) -> [(name: String, endpoint: Endpoint)] {
        var offered: [(name: String, endpoint: Endpoint)] = []
        for output in signature?.outputs ?? outputs {
            offered.append((output.name, try endpoint(output.name, .fetch, signature)))
        }
        return offered
    }
}
