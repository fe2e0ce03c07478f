package import Tensors

/// A variable as a handle names it: the ``Op``s that read variables lead here.
package struct VariableReference: Hashable, Sendable {
    /// The variable's name in the graph (its `shared_name`, or the name of its node).
    package let name: String
    package let dtype: DataType
    package let shape: PartialShape

    package init(name: String, dtype: DataType, shape: PartialShape) {
        self.name = name
        self.dtype = dtype
        self.shape = shape
    }
}

/// What is known of a tensor before the graph runs.
package struct TensorFact: Sendable {
    package var dtype: DataType
    package var shape: PartialShape
    /// The elements, where they are known.
    package var value: Tensor?
    /// For a resource handle: the variable it stands for.
    package var variable: VariableReference?

    package init(_ dtype: DataType, _ shape: PartialShape, value: Tensor? = nil) {
        self.dtype = dtype
        self.shape = shape
        self.value = value
    }

    /// All is known.
    package init(_ value: Tensor) { self.init(value.dtype, PartialShape(value.shape), value: value) }

    /// A tensor of known shape.
    package init(_ dtype: DataType, _ shape: Shape) { self.init(dtype, PartialShape(shape)) }

    /// A handle to a variable.
    package init(variable: VariableReference) {
        self.init(.resource, .scalar)
        self.variable = variable
    }

    /// The elements of an integer tensor that is known; nil when it is not known.
    package var integers: [Int]? { value?.integers }
}
