internal import Checkpoints
internal import Execution
internal import Operations
internal import Tensors

/// A checkpoint's variables as a session asks for them.
struct CheckpointVariables: VariableSource {
    private let variables: RestoredVariables

    init(_ variables: RestoredVariables) { self.variables = variables }

    func value(of variable: VariableReference) throws(CompileError) -> Tensor {
        do throws(CheckpointError) {
            return try variables.value(of: variable.name, dtype: variable.dtype, shape: variable.shape)
        } catch { throw CompileError(.missingVariable, "\(error)") }
    }
}
