package import Operations
package import Tensors

/// The values of a model's variables.
package protocol VariableSource: Sendable {
    /// The variable's value, of the dtype and shape that the graph declares.
    ///
    /// - Throws: ``OpError`` of kind `missingVariable` if the checkpoint has no such variable, or another shape of it.
    func value(of variable: VariableReference) throws(OpError) -> Tensor

    /// The shape of the variable's value, which is of the dtype that the graph declares.
    ///
    /// - Throws: ``OpError``, as ``value(of:)`` does.
    func shape(of variable: VariableReference) throws(OpError) -> Shape
}

extension VariableSource {
    package func shape(of variable: VariableReference) throws(OpError) -> Shape { try value(of: variable).shape }
}
