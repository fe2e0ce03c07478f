internal import Checkpoints
internal import Execution
internal import Graphs
internal import Operations
internal import Tensors

extension Model {
    /// Checks that this model can compute everything that another model computes: its signatures by their keys; without signatures, its outputs.
    ///
    /// - Throws: ``ModelError`` of kind `load` and failure `unfit` with each missing signature, key, fetch, variable and op.
    package func requireOutputs(of old: Model) throws(ModelError) {
        var faults: [String] = []
        var wrong: Set<Int> = []
        for call in calls(offeredBy: old, &faults) {
            guard let fetches = endpoints(call.fetches, "output", call.place, &faults),
                let feeds = endpoints(call.feeds, "input", call.place, &faults)
            else { continue }
            do throws(OpError) {
                let needed = try session.nodes(for: fetches, feeds: feeds).filter { isNewlyWrong($0, old) }
                wrong.formUnion(needed)
                // They are reported below, all together.
                if !needed.isEmpty { continue }
                try session.check(feeds: feeds, fetches: fetches)
            } catch {
                // If requests must not assign variables any more, the operator wants it so.
                if error.kind != .readOnlyVariable { faults.append("\(call.place): \(error)") }
            }
        }
        faults += wrong.sorted().compactMap { restored.fault(of: graph.nodes[$0]) }
        guard !faults.isEmpty else { return }
        var listed: Set<String> = []
        let list = faults.filter { listed.insert($0).inserted }.joined(separator: "; ")
        throw ModelError(.unfit, "\(prefix): does not offer everything that the served model offers: \(list)")
    }

    /// A way to call a model, by its tensors' names.
    private struct Call {
        let feeds: [String]
        let fetches: [String]
        /// For messages.
        let place: String

        init(_ feeds: [TensorDescription], _ fetches: [TensorDescription], _ place: String) {
            // Two keys may name the same tensor.
            self.feeds = Set(feeds.map(\.tensor)).sorted()
            self.fetches = Set(fetches.map(\.tensor)).sorted()
            self.place = place
        }
    }

    /// The calls that another model offers and can compute, in terms of this model.
    private func calls(offeredBy old: Model, _ faults: inout [String]) -> [Call] {
        guard !old.signatures.isEmpty else {
            return old.outputs.map { Call(old.inputs, [$0], "fetch \"\($0.name)\"") }.filter(old.canCompute)
        }
        var calls: [Call] = []
        for theirs in old.signatures.values.sorted(by: { $0.name < $1.name }) {
            let place = "signature \"\(theirs.name)\""
            guard old.canCompute(Call(theirs.inputs, theirs.outputs, place)) else { continue }
            guard let own = signatures[theirs.name] else {
                faults.append("there is no \(place)")
                continue
            }
            let inputs = Self.keyed(theirs.inputs, among: own.inputs, "\(place) has no input", &faults)
            let outputs = Self.keyed(theirs.outputs, among: own.outputs, "\(place) has no output", &faults)
            if let inputs, let outputs { calls.append(Call(inputs, outputs, place)) }
        }
        return calls
    }

    /// The tensors of the same keys; nil after recording the missing ones.
    private static func keyed(
        _ theirs: [TensorDescription], among own: [TensorDescription], _ lack: String, _ faults: inout [String]
    ) -> [TensorDescription]? {
        let found = theirs.compactMap { tensor in own.first { $0.name == tensor.name } }
        for tensor in theirs where !own.contains(where: { $0.name == tensor.name }) {
            faults.append("\(lack) \"\(tensor.name)\"")
        }
        return found.count == theirs.count ? found : nil
    }

    /// This model's names for the tensors of another model, by the same keys of the same signatures.
    func ownNames(of old: Model) -> [String: String] {
        var names: [String: String] = [:]
        for theirs in old.signatures.values {
            guard let own = signatures[theirs.name] else { continue }
            for (tensors, among) in [(theirs.inputs, own.inputs), (theirs.outputs, own.outputs)] {
                for tensor in tensors {
                    names[tensor.tensor] = among.first { $0.name == tensor.name }?.tensor
                }
            }
        }
        return names
    }

    private func canCompute(_ call: Call) -> Bool {
        var faults: [String] = []
        guard let feeds = endpoints(call.feeds, "", "", &faults), let fetches = endpoints(call.fetches, "", "", &faults)
        else { return false }
        return (try? session.check(feeds: feeds, fetches: fetches)) != nil
    }

    private func endpoints(_ names: [String], _ what: String, _ place: String, _ faults: inout [String]) -> [Endpoint]?
    {
        var result: [Endpoint] = []
        for name in names {
            guard let parsed = TensorName(parsing: name), let node = graph.index(ofNode: parsed.node) else {
                let nearest = graph.nearestNames(to: TensorName(parsing: name)?.node ?? name).map { "\"\($0)\"" }
                faults.append(
                    "\(place): the graph has no \(what) \"\(name)\""
                        + (nearest.isEmpty ? "" : "; the nearest are \(nearest.joined(separator: ", "))"))
                continue
            }
            result.append(Endpoint(node: node, output: parsed.output))
        }
        return result.count == names.count ? result : nil
    }

    /// Whether a node is a variable that cannot be restored here, but could be in the old model, if that has it.
    private func isNewlyWrong(_ node: Int, _ old: Model) -> Bool {
        let node = graph.nodes[node]
        guard restored.fault(of: node) != nil else { return false }
        return old.graph.node(named: node.name).map { old.restored.fault(of: $0) == nil } ?? true
    }
}
