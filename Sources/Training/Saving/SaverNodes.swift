internal import Graphs
internal import SwiftProtobuf
internal import TensorFlowProtos
internal import Tensors

/// The nodes of a `tf.train.Saver`, which TensorFlow runs to save and restore the variables of a graph.
struct SaverNodes {
    /// A variable to save.
    struct Variable {
        /// Its place in the graph.
        let index: Int
        /// Its key in the checkpoint.
        let key: String
        let dtype: DataType
        let isHandle: Bool
    }

    /// The graph with the nodes.
    let graph: Graph
    /// The names of those that TensorFlow runs.
    let definition: SaverDef

    /// Adds the nodes to a graph.
    ///
    /// - Throws: ``GraphError`` if the graph has a node with one of their names, and the like.
    init(saving variables: [Variable], in graph: Graph, maxToKeep: Int) throws(GraphError) {
        var scope = "save"
        var number = 0
        while graph.index(ofNode: "\(scope)/restore_all") != nil || graph.index(ofNode: "\(scope)/Const") != nil {
            number += 1
            scope = "save_\(number)"
        }
        definition = .with { saver in
            saver.filenameTensorName = "\(scope)/Const:0"
            saver.saveTensorName = "\(scope)/control_dependency:0"
            saver.restoreOpName = "\(scope)/restore_all"
            saver.maxToKeep = Int32(clamping: maxToKeep)
            saver.version = 2
        }
        var writer = Writer(scope: scope, count: graph.nodes.count)
        try writer.add(variables)
        self.graph = try graph.adding(writer.added)
    }

    private struct Writer {
        let scope: String
        let count: Int
        var added: [AddedNode] = []

        mutating func add(_ variables: [Variable]) throws(GraphError) {
            let string: [String: AttributeValue] = ["dtype": .type(.string), "shape": .shape(.scalar)]
            let name = try constant("filename/input", [Array("model".utf8)], .scalar)
            let file = node("filename", "PlaceholderWithDefault", [name], string)
            let prefix = node("Const", "PlaceholderWithDefault", [file], string)
            var types = AttributeValue.List()
            types.types = variables.map(\.dtype)
            let shape = Shape([variables.count]) ?? .scalar
            func names(_ op: String) throws(GraphError) -> [Endpoint] {
                [
                    try constant("\(op)/tensor_names", variables.map { Array($0.key.utf8) }, shape),
                    try constant("\(op)/shape_and_slices", variables.map { _ in [] }, shape),
                ]
            }
            var values: [Endpoint] = []
            for variable in variables {
                let tensor = Endpoint(node: variable.index, output: 0)
                guard variable.isHandle else {
                    values.append(tensor)
                    continue
                }
                values.append(
                    node(
                        "Read_\(variable.index)/ReadVariableOp", "ReadVariableOp", [tensor],
                        ["dtype": .type(variable.dtype)]))
            }
            let save = node("SaveV2", "SaveV2", [prefix] + (try names("SaveV2")) + values, ["dtypes": .list(types)])
            _ = node(
                "control_dependency", "Identity", [prefix], ["T": .type(.string)], controls: [save.node])
            let restore = node("RestoreV2", "RestoreV2", [prefix] + (try names("RestoreV2")), ["dtypes": .list(types)])
            var assigns: [Int] = []
            for (number, variable) in variables.enumerated() {
                let tensor = Endpoint(node: variable.index, output: 0)
                let value = Endpoint(node: restore.node, output: number)
                assigns.append(
                    variable.isHandle
                        ? node(
                            "AssignVariableOp_\(number)", "AssignVariableOp", [tensor, value],
                            ["dtype": .type(variable.dtype)]
                        ).node
                        : node(
                            "Assign_\(number)", "Assign", [tensor, value],
                            [
                                "T": .type(variable.dtype), "use_locking": .bool(true), "validate_shape": .bool(true),
                            ]
                        ).node)
            }
            _ = node("restore_all", "NoOp", [], [:], controls: assigns)
        }

        private mutating func node(
            _ name: String, _ op: String, _ inputs: [Endpoint], _ attributes: [String: AttributeValue],
            controls: [Int] = []
        ) -> Endpoint {
            added.append(
                AddedNode(
                    name: "\(scope)/\(name)", op: op, inputs: inputs, controlInputs: controls, attributes: attributes))
            return Endpoint(node: count + added.count - 1, output: 0)
        }

        private mutating func constant(_ name: String, _ strings: [[UInt8]], _ shape: Shape) throws(GraphError)
            -> Endpoint
        {
            guard let value = Tensor(strings: strings, shape: shape) else {
                throw GraphError("the names of \(strings.count) variables do not fit into memory")
            }
            return node(name, "Const", [], ["dtype": .type(.string), "value": .tensor(value)])
        }
    }
}
