internal import Checkpoints
internal import Execution
internal import Graphs
internal import Operations
internal import Tensors

extension Model {
    /// Checks that this model can answer what another answers: its outputs and its signatures.
    ///
    /// - Throws: ``ModelError`` of kind `load` and failure `unfit` that names every fetch, variable and op that it cannot.
    package func requireAnswers(of old: Model) throws(ModelError) {
        var faults: [String] = []
        var wrong: Set<Int> = []
        for call in old.offered {
            guard let fetches = endpoints(call.fetches, "output", call.place, &faults),
                let feeds = endpoints(call.feeds, "input", call.place, &faults),
                old.canCompile(call)
            else { continue }
            do throws(CompileError) {
                let needed = try session.nodes(for: fetches, feeds: feeds).filter { isNewlyWrong($0, old) }
                wrong.formUnion(needed)
                // They are told below, all together.
                if !needed.isEmpty { continue }
                _ = try session.callable(feeds: feeds, fetches: fetches)
            } catch { faults.append("\(call.place): \(error)") }
        }
        faults += wrong.sorted().compactMap { fault(ofVariable: graph.nodes[$0]) }
        guard !faults.isEmpty else { return }
        var told: Set<String> = []
        let list = faults.filter { told.insert($0).inserted }.joined(separator: "; ")
        throw ModelError(.unfit, "\(prefix): cannot answer what the model that is served answers: \(list)")
    }

    /// A way to call a model.
    private struct Call {
        let feeds: [String]
        let fetches: [String]
        /// For messages.
        let place: String
    }

    /// The signatures, or the outputs by themselves.
    private var offered: [Call] {
        let named = signatures.values.sorted { $0.name < $1.name }.map { signature in
            Call(
                feeds: signature.inputs.values.map(\.name).sorted(),
                fetches: signature.outputs.values.map(\.name).sorted(), place: "signature \"\(signature.name)\"")
        }
        let feeds = inputs.map(\.name)
        return named + outputs.map { Call(feeds: feeds, fetches: [$0.name], place: "fetch \"\($0.name)\"") }
    }

    private func canCompile(_ call: Call) -> Bool {
        var faults: [String] = []
        guard let feeds = endpoints(call.feeds, "", "", &faults), let fetches = endpoints(call.fetches, "", "", &faults)
        else { return false }
        return (try? session.callable(feeds: feeds, fetches: fetches)) != nil
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

    /// Whether a node is a variable that cannot be restored here, and could in the old model, if that has it.
    private func isNewlyWrong(_ node: Int, _ old: Model) -> Bool {
        let node = graph.nodes[node]
        guard RestorePlan.variableOps.contains(node.op), fault(ofVariable: node) != nil else { return false }
        return old.graph.node(named: node.name).map { old.fault(ofVariable: $0) == nil } ?? true
    }

    /// Why a variable cannot be restored; nil if it can.
    private func fault(ofVariable node: Node) -> String? {
        guard let entry = OpTable.entries[node.op], let op = try? entry.make(NodeReader(node)),
            let reference = try? op.outputs(for: []).first?.variable
        else { return nil }
        do throws(CheckpointError) {
            _ = try restored.value(of: reference.name, dtype: reference.dtype, shape: reference.shape)
            return nil
        } catch { return error.reason }
    }
}
