internal import Checkpoints
package import Execution
package import Graphs
internal import Planning
package import TensorFlowProtos

extension Model {
    /// A session whose runs train the model's variables. Its first values are those of the checkpoint. The model's own runs do not see what
    /// it changes.
    ///
    /// - Parameter graph: A graph that adds nodes to the model's; nil for the model's own.
    /// - Returns: A session of its own.
    package func trainingSession(_ graph: Graph? = nil) -> Session {
        Session(
            graph: graph ?? self.graph, variables: CheckpointVariables(restored), threadCount: 1, tables: tables,
            areVariablesTrained: true, helpers: Self.spareProcessors)
    }

    /// The tensor of a checkpoint that a variable is restored from.
    ///
    /// - Parameter name: The variable's name.
    /// - Returns: nil where the graph's Saver does not restore it from a whole tensor.
    package func checkpointKey(ofVariable name: String) -> String? {
        guard let source = restored.plan.sources[name], source.slice.isEmpty, !source.isReshaped else { return nil }
        return source.key
    }

    /// Whether the checkpoint has a value of a variable.
    package func hasValue(ofVariable name: String) -> Bool {
        restored.info(of: name) != nil || restored.plan.constants[name] != nil
    }

    /// The meta graph of the checkpoint; nil where the model has none.
    package func metaGraph() -> MetaGraphDef? {
        let path = CheckpointFolder(prefix: prefix).metaPath
        return (try? GraphFile(path: path))?.metaGraph
    }
}
