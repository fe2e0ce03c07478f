package import Execution
package import Graphs
internal import Planning

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
}
