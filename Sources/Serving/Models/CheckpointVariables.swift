internal import Checkpoints
internal import Execution
internal import Graphs
internal import Operations
internal import Planning
internal import Tensors

/// A checkpoint's variables, for sessions.
struct CheckpointVariables: VariableSource {
    private let variables: RestoredVariables

    init(_ variables: RestoredVariables) { self.variables = variables }

    func value(of variable: VariableReference) throws(OpError) -> Tensor {
        do throws(CheckpointError) {
            return try variables.value(of: variable.name, dtype: variable.dtype, shape: variable.shape)
        } catch { throw OpError(.missingVariable, "\(error)") }
    }

    func shape(of variable: VariableReference) throws(OpError) -> Shape {
        if let shape = variables.shape(of: variable.name, dtype: variable.dtype, shape: variable.shape) { return shape }
        return try value(of: variable).shape
    }

    func readParts(
        of variable: VariableReference, multipleOf multiple: Int, _ take: @escaping PartTaking
    ) throws(OpError) -> Bool {
        do throws(CheckpointError) {
            return try variables.readParts(
                of: variable.name, dtype: variable.dtype, shape: variable.shape, multipleOf: multiple, take)
        } catch { throw OpError(.missingVariable, "\(error)") }
    }
}

extension RestoredVariables {
    /// The reason why a variable node cannot be restored; nil if it can, and for other nodes.
    func fault(of node: Node) -> String? {
        guard RestorePlan.variableOps.contains(node.op), let entry = OpTable.entries[node.op],
            let op = try? entry.make(NodeReader(node)), let reference = try? op.outputs(for: []).first?.variable
        else { return nil }
        do throws(CheckpointError) {
            _ = try value(of: reference.name, dtype: reference.dtype, shape: reference.shape)
            return nil
        } catch { return error.reason }
    }
}
