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

/// A weight in a plan: an output of one of the plan's weight expressions.
package struct WeightID: Hashable, Sendable {
    /// The number of the expression.
    package let expression: Int
    /// The number of the expression's output.
    package let output: Int

    package init(expression: Int, output: Int = 0) {
        self.expression = expression
        self.output = output
    }
}

/// What is known of a tensor before the graph runs.
package struct TensorFact: Sendable {
    package var dtype: DataType
    package var shape: PartialShape
    /// The elements, where they are known.
    package var value: Tensor?
    /// For a weight: the number that its plan gives it. Its elements are the same in all runs of a version of the model; a plan that serves
    /// all versions does not know them.
    package var weight: WeightID?
    /// For a resource handle: the variable it stands for. For a tensor: the variable whose value it is, by reference.
    package var variable: VariableReference?
    /// For a handle: the lookup table it stands for.
    package var table: TableReference?
    /// For a handle, or the flow that goes with it: what is known of the tensors that the object holds.
    package var elements: ElementFact?

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

    /// Whether nothing is left to compute in a run: the elements are known or a weight's, or it is known what the handle stands for.
    package var isKnown: Bool { hasElements || table != nil || dtype.isHandle && variable != nil }

    /// Whether the elements are the same in all runs of a version: known, or a weight's.
    package var hasElements: Bool { value != nil || weight != nil }

    /// Forgets the elements; dtype and shape stay.
    package mutating func forgetElements() {
        value = nil
        weight = nil
    }

    /// The elements of an integer tensor that is known; nil when it is not known.
    package var integers: [Int]? { value?.integers }
}

/// What is known of the tensors in an array or a list, all of them together.
package struct ElementFact: Hashable, Sendable {
    /// What is true of the shape of each tensor; nil while there is none.
    package var shape: PartialShape?
    /// How many tensors there are; nil where it is not known.
    package var count: Int?

    package init(shape: PartialShape?, count: Int?) {
        self.shape = shape
        self.count = count
    }

    /// The same with one more tensor in it, whose shape is this.
    package func including(_ tensor: PartialShape) -> ElementFact {
        ElementFact(shape: shape?.joined(with: tensor) ?? tensor, count: count)
    }
}

extension TensorFact {
    /// What is true of a tensor that may be this one or the other one.
    ///
    /// - Throws: `invalidArgument` where the dtypes differ.
    package func joined(with other: TensorFact) throws(OpError) -> TensorFact {
        guard dtype == other.dtype else { throw .invalid("two dtypes meet: \(dtype) and \(other.dtype)") }
        var result = TensorFact(dtype, shape.joined(with: other.shape))
        if let value, let theirs = other.value, value.isSameMemory(as: theirs) { result.value = value }
        if weight == other.weight { result.weight = weight }
        if variable == other.variable { result.variable = variable }
        if table == other.table { result.table = table }
        result.elements = ElementFact.joined(elements, other.elements)
        return result
    }

    /// Whether both say the same (of values: whether they are the same memory).
    package func says(sameAs other: TensorFact) -> Bool {
        let sameValue =
            if let value, let theirs = other.value { value.isSameMemory(as: theirs) } else {
                value == nil && other.value == nil
            }
        return dtype == other.dtype && shape == other.shape && sameValue && weight == other.weight
            && variable == other.variable
            && table == other.table && elements == other.elements
    }
}

extension ElementFact {
    /// What is true of both; nil where nothing is known of one of them.
    package static func joined(_ left: ElementFact?, _ right: ElementFact?) -> ElementFact? {
        guard let left, let right else { return nil }
        var result = ElementFact(shape: left.shape ?? right.shape, count: left.count == right.count ? left.count : nil)
        if let mine = left.shape, let theirs = right.shape { result.shape = mine.joined(with: theirs) }
        return result
    }
}

extension PartialShape {
    /// What is true of both shapes: dimensions in which they differ are unknown.
    package func joined(with other: PartialShape) -> PartialShape {
        guard let mine = dimensions, let theirs = other.dimensions, mine.count == theirs.count else { return .unknown }
        return PartialShape(zip(mine, theirs).map { $0 == $1 ? $0 : Self.unknownDimension })
    }
}

extension Tensor {
    /// Whether both are the same elements in the same place, under the same dtype and shape.
    package func isSameMemory(as other: Tensor) -> Bool {
        storage === other.storage && byteOffset == other.byteOffset && shape == other.shape && dtype == other.dtype
    }
}
