internal import Graphs
internal import Serving
internal import TensorFlowProtos

extension Session {
    /// The variables that a Saver saves which names none: all, apart from those that the model's own Saver leaves out and that have no value.
    var savedVariables: [String] {
        guard let model else { return variables }
        return variables.filter { name in
            model.hasValue(ofVariable: name) || (try? value(ofVariable: name)) != nil
        }
    }

    /// A variable's key in checkpoints: the one that it was restored from, otherwise its name.
    func key(ofVariable name: String) -> String { model?.checkpointKey(ofVariable: name) ?? name }

    /// What a Saver's nodes need to know of a variable.
    func saved(_ name: String) -> SaverNodes.Variable? {
        guard let index = graph.index(ofNode: name), let declared = try? declaration(ofVariable: name) else {
            return nil
        }
        return SaverNodes.Variable(
            index: index, key: key(ofVariable: name), dtype: declared.dtype,
            isHandle: graph.nodes[index].op == "VarHandleOp")
    }

    /// The meta graph that the model was loaded from, with its collections.
    var origin: MetaGraphDef? { model?.metaGraph() }

    /// The same, if its own Saver restores what is saved: nothing was added to the graph, and each variable is a tensor of its own.
    var ownMetaGraph: MetaGraphDef? {
        guard let model, graph === model.graph, let origin, origin.saverDef.version == 2,
            savedVariables.allSatisfy({ model.checkpointKey(ofVariable: $0) != nil })
        else { return nil }
        return origin
    }
}
