package import Operations
internal import Planning
package import Tensors

extension Session {
    /// The value of a variable now.
    ///
    /// - Throws: ``OpError`` of kind `missingVariable` where it was neither restored nor assigned.
    package func value(of variable: VariableReference) throws(OpError) -> Tensor { try variables.value(of: variable) }

    /// Gives variables other values, all at once, for all runs that begin later.
    ///
    /// - Throws: ``OpError`` of kind `invalidArgument` where a value does not fit its variable.
    package func assign(_ values: [(variable: VariableReference, value: Tensor)]) throws(OpError) {
        try variables.assign(values)
    }
}
