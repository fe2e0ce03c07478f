internal import Kernels
package import Tensors

extension OpTable {
    /// Ops that change a variable. The variable is the session's: later runs see it.
    static let variableUpdates: [OpEntry] =
        VariableUpdate.entries + [
            OpEntry("VarIsInitializedOp", make: VariableIsInitialized.init),
            OpEntry("IsVariableInitialized", make: VariableIsInitialized.init),
        ]
}

/// An op that changes a variable.
package protocol VariableWriting: Op {
    /// The new value.
    ///
    /// - `old`: nil where the variable has none yet.
    /// - `inputs`: Without the variable itself.
    ///
    /// Throws ``OpError`` where they do not fit; then the variable stays as it is.
    func update(_ old: Tensor?, _ inputs: [Tensor], of variable: VariableReference) throws(OpError) -> Tensor
}

extension VariableWriting {
    package var implementation: OpImplementation { .changesVariable(self) }
}

/// An op that asks about a variable.
package protocol VariableQuery: Op {
    /// What it gives for a variable that has a value, or has none.
    func answer(hasValue: Bool) throws(OpError) -> Tensor
}

extension VariableQuery {
    package var implementation: OpImplementation { .asksVariable(self) }
}

/// `Assign`, `AssignVariableOp` and their kin. Input 0 is the variable, by reference or by handle; by reference, the output is
/// the variable too.
struct VariableUpdate: VariableWriting {
    private enum Change: Hashable {
        case set, add, subtract
        /// Rows of the variable: inputs are their indices, and what to do with them.
        case scatter(Scattering)
    }

    private enum Scattering: String, CaseIterable {
        case update = "Update"
        case add = "Add"
        case subtract = "Sub"
        case multiply = "Mul"
        case divide = "Div"
        case minimum = "Min"
        case maximum = "Max"
    }

    static let entries: [OpEntry] =
        [
            OpEntry("Assign", make: Self.init(_:_:byReference:), .set, true),
            OpEntry("AssignAdd", make: Self.init(_:_:byReference:), .add, true),
            OpEntry("AssignSub", make: Self.init(_:_:byReference:), .subtract, true),
            OpEntry("AssignVariableOp", make: Self.init(_:_:byReference:), .set, false),
            OpEntry("AssignAddVariableOp", make: Self.init(_:_:byReference:), .add, false),
            OpEntry("AssignSubVariableOp", make: Self.init(_:_:byReference:), .subtract, false),
        ]
        + Scattering.allCases.flatMap { way in
            [
                OpEntry("Scatter\(way.rawValue)", make: Self.init(_:_:byReference:), .scatter(way), true),
                OpEntry("ResourceScatter\(way.rawValue)", make: Self.init(_:_:byReference:), .scatter(way), false),
            ]
        }

    private let change: Change
    private let byReference: Bool
    /// Whether a new value must have the variable's shape.
    private let validatesShape: Bool

    private init(_ node: NodeReader, _ change: Change, byReference: Bool) throws(OpError) {
        if case .scatter = change { try node.expectInputs(3) } else { try node.expectInputs(2) }
        self.change = change
        self.byReference = byReference
        validatesShape = byReference && change == .set ? try node.bool("validate_shape", default: true) : false
    }

    static var traits: OpTraits { [.state, .effect, .changesVariable] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard let variable = inputs[0].variable else { throw .unsupported("input 0 is not a variable") }
        guard let value = inputs.last?.dtype, value == variable.dtype else {
            throw .invalid(
                "the variable \"\(variable.name)\" is \(variable.dtype), the value \(inputs.last.map { "\($0.dtype)" } ?? "missing")"
            )
        }
        guard byReference else { return [] }
        var output = TensorFact(variable.dtype, variable.shape)
        output.variable = variable
        return [output]
    }

    func update(
        _ old: Tensor?, _ inputs: [Tensor], of variable: VariableReference
    ) throws(OpError) -> Tensor {
        switch change {
        case .set:
            // A variable may have got another shape than it was declared with: by reference, the shape that it has now counts.
            let shape = byReference ? old.map { PartialShape($0.shape) } ?? variable.shape : variable.shape
            if validatesShape || !byReference, !shape.admits(inputs[0].shape) {
                throw .invalid(
                    "the variable \"\(variable.name)\" has shape \(shape), the value \(PartialShape(inputs[0].shape))")
            }
            return try inputs[0].kept().owningStrings
        case .add: return try combine(.add, try value(old, variable), inputs[0])
        case .subtract: return try combine(.subtract, try value(old, variable), inputs[0])
        case .scatter(let way): return try scatter(way, try value(old, variable), inputs[0], inputs[1])
        }
    }

    private func value(_ old: Tensor?, _ variable: VariableReference) throws(OpError) -> Tensor {
        guard let old else { throw .invalid("the variable \"\(variable.name)\" has no value yet") }
        return old
    }

    private func combine(_ formula: BinaryFormula, _ old: Tensor, _ value: Tensor) throws(OpError) -> Tensor {
        guard old.shape == value.shape else {
            throw .invalid("the variable has shape \(PartialShape(old.shape)), the value \(PartialShape(value.shape))")
        }
        return try Self.evaluate(formula, old, value)
    }

    private static func evaluate(_ formula: BinaryFormula, _ left: Tensor, _ right: Tensor) throws(OpError)
        -> Tensor
    {
        do {
            let op = ElementwiseBinary(formula: formula, result: nil, shapesMayDiffer: false)
            return try op.evaluate([TensorFact(left), TensorFact(right)])[0]
        } catch let error as OpError { throw error } catch { throw .invalid("\(error)") }
    }

    /// Updates row by row, so that an index that comes twice counts twice.
    private func scatter(
        _ way: Scattering, _ old: Tensor, _ indices: Tensor, _ updates: Tensor
    ) throws(OpError) -> Tensor {
        guard let count = old.shape.dimensions.first, let numbers = indices.integers else {
            throw .invalid("the variable is a scalar, or the indices are not integers")
        }
        for number in numbers where number < 0 || number >= count {
            throw .invalid("index \(number) is not in [0, \(count))")
        }
        let row = Array(old.shape.dimensions.dropFirst())
        let isScalar = updates.shape.rank == 0
        guard isScalar || updates.shape.dimensions == indices.shape.dimensions + row else {
            throw .invalid(
                "updates of shape \(PartialShape(updates.shape)) for indices of shape \(PartialShape(indices.shape)) "
                    + "and rows of shape \(PartialShape(row))")
        }
        var rows = try TensorStacking.rows(of: old)
        guard let rowShape = Shape(row),
            let flat = updates.reshaped(to: isScalar ? .scalar : Shape([numbers.count] + row) ?? .scalar)
        else { throw .invalid("the updates do not fit") }
        let news = isScalar ? [] : try TensorStacking.rows(of: flat)
        for (position, number) in numbers.enumerated() {
            let new = isScalar ? try Self.spread(updates, rowShape) : news[position]
            rows[number] = try Self.combined(way, rows[number], new)
        }
        return try TensorStacking.stack(rows, old.dtype, rowShape).owningStrings
    }

    private static func spread(_ scalar: Tensor, _ shape: Shape) throws(OpError) -> Tensor {
        try evaluate(.add, try .zeros(scalar.dtype, shape), scalar)
    }

    private static func combined(_ way: Scattering, _ old: Tensor, _ new: Tensor) throws(OpError) -> Tensor {
        switch way {
        case .update: new
        case .add: try evaluate(.add, old, new)
        case .subtract: try evaluate(.subtract, old, new)
        case .multiply: try evaluate(.multiply, old, new)
        case .divide: try evaluate(.divide, old, new)
        case .minimum: try evaluate(.minimum, old, new)
        case .maximum: try evaluate(.maximum, old, new)
        }
    }
}

/// `VarIsInitializedOp`, `IsVariableInitialized`.
struct VariableIsInitialized: VariableQuery {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(1) }

    static var traits: OpTraits { [.state, .bookkeeping] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard inputs[0].variable != nil else { throw .unsupported("input 0 is not a variable") }
        return [TensorFact(.bool, Shape.scalar)]
    }

    func answer(hasValue: Bool) throws(OpError) -> Tensor { try .scalar(hasValue) }
}
