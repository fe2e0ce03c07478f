package import Kernels
package import Tensors

/// The numbers that a ``ChannelAffine`` multiplies each channel by, or adds to it: what a pass folds into the weight and the bias before it.
///
/// - Inputs: the operands of the function, in the order of ``ChannelAffine/operands``.
/// - Outputs: float32, one number for each channel.
/// - Numerics: computed in float64.
package struct ChannelCoefficient: TensorOp {
    /// Which of the two.
    package enum Part: Hashable, Sendable {
        case scale, shift
    }

    private let part: Part
    private let affine: ChannelAffine
    private let dimensions: [Int]

    /// - Parameters:
    ///   - part: Which of the two.
    ///   - affine: The function.
    ///   - dimensions: Of the output: the number of channels, or more dimensions whose product it is.
    package init(_ part: Part, of affine: ChannelAffine, dimensions: [Int]) {
        self.part = part
        self.affine = affine.ofOperandsAlone
        self.dimensions = dimensions
    }

    package func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        [TensorFact(.float32, PartialShape(dimensions))]
    }

    package func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        guard let shape = Shape(dimensions), let both = affine.coefficients(inputs.map { TensorFact($0) }) else {
            throw OpError(.malformed, "the operands of a function of channels do not fit each other")
        }
        let numbers = part == .scale ? both.scale : both.shift
        guard numbers.count == shape.elementCount || numbers.count == 1 else {
            throw OpError(.malformed, "there are \(numbers.count) numbers for \(shape.elementCount) channels")
        }
        let result = try account.tensor(.float32, shape) { memory in
            let all = memory.bindMemory(to: Float.self)
            for channel in all.indices { all[channel] = Float(numbers[numbers.count == 1 ? 0 : channel]) }
        }
        return [result]
    }
}

extension ChannelAffine {
    /// The function of its operands, which are the inputs 0, 1 and so on.
    fileprivate var ofOperandsAlone: ChannelAffine {
        let formula: Formula =
            switch formula {
            case .normalization(let scale, _, _, _, let epsilon):
                if scale == nil {
                    .normalization(scale: nil, offset: 0, mean: 1, variance: 2, epsilon: epsilon)
                } else {
                    .normalization(scale: 0, offset: 1, mean: 2, variance: 3, epsilon: epsilon)
                }
            case .adding: .adding(0)
            case .subtracting: .subtracting(0)
            case .subtractedFrom: .subtractedFrom(0)
            case .multiplying: .multiplying(0)
            case .dividing: .dividing(0)
            }
        return ChannelAffine(axis: axis, formula: formula)
    }

    /// Whether channels are multiplied by something other than 1.
    package var scales: Bool {
        switch formula {
        case .adding, .subtracting: false
        case .normalization, .subtractedFrom, .multiplying, .dividing: true
        }
    }

    /// Whether something other than 0 is added.
    package var shifts: Bool {
        switch formula {
        case .multiplying, .dividing: false
        case .normalization, .subtractedFrom, .adding, .subtracting: true
        }
    }
}

/// The ops that passes add where they fold functions of channels.
package enum ChannelOps {
    /// The product of two tensors of one dtype, broadcast.
    package static let product: any Op = ElementwiseBinary(formula: .multiply, result: nil, shapesMayDiffer: false)
    /// The sum of two tensors of one dtype, broadcast.
    package static let sum: any Op = ElementwiseBinary(formula: .add, result: nil, shapesMayDiffer: false)

    /// Adds a vector along an axis.
    ///
    /// - Parameters:
    ///   - axis: The axis.
    ///   - rank: Of the tensor.
    /// - Returns: nil where no op of TensorFlow does that: the axis is neither the last one nor the second one.
    package static func bias(axis: Int, rank: Int) -> (any Op)? {
        guard rank >= 2 else { return nil }
        if axis == rank - 1 { return BiasAdd(channelsLast: true) }
        return axis == 1 && rank >= 4 ? BiasAdd(channelsLast: false) : nil
    }
}
