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

    /// Lets a function take the bytes of a variable's value in parts, on several threads at once. The value needs no memory then.
    ///
    /// - Parameters:
    ///   - variable: The variable.
    ///   - multiple: All parts but the last have a multiple of so many bytes.
    ///   - take: Takes the bytes of a part, and their offset.
    /// - Returns: false if the value is in memory, or cannot be read in this way.
    /// - Throws: ``OpError``, as ``value(of:)`` does; what was taken then is not to be used.
    func readParts(
        of variable: VariableReference, multipleOf multiple: Int,
        _ take: @escaping @Sendable (UnsafeRawBufferPointer, Int) -> Void
    ) throws(OpError) -> Bool
}

extension VariableSource {
    package func shape(of variable: VariableReference) throws(OpError) -> Shape { try value(of: variable).shape }

    package func readParts(
        of variable: VariableReference, multipleOf multiple: Int,
        _ take: @escaping @Sendable (UnsafeRawBufferPointer, Int) -> Void
    ) throws(OpError) -> Bool { false }
}
