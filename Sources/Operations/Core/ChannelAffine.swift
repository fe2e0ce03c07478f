internal import Tensors

/// An op that multiplies each channel of its data by a number and adds another one to it: a normalisation by given moments, a bias, a
/// product with a constant for each channel.
package protocol ChannelAffineOp: KernelOp {
    /// The op as a function of one input.
    ///
    /// - Parameters:
    ///   - data: The number of the input that is the variable.
    ///   - inputs: What is known of the inputs. Ranks must be known.
    /// - Returns: nil where the other inputs do not hold one number for each channel of the data.
    func channelAffine(of data: Int, _ inputs: [TensorFact]) -> ChannelAffine?
}

/// A number to multiply each channel by, and one to add: `x * scale + shift`.
package struct ChannelAffine: Hashable, Sendable {
    /// Where scale and shift come from. Numbers are those of inputs, which hold one element, or one for each channel.
    package enum Formula: Hashable, Sendable {
        /// (x - mean) * scale / sqrt(variance + epsilon) + offset; without a scale it is 1.
        case normalization(scale: Int?, offset: Int, mean: Int, variance: Int, epsilon: Float)
        /// x + input.
        case adding(Int)
        /// x - input.
        case subtracting(Int)
        /// input - x.
        case subtractedFrom(Int)
        /// x * input.
        case multiplying(Int)
        /// x / input.
        case dividing(Int)
    }

    /// The axis of the channels, in data and output alike; nil where all elements are treated the same.
    package let axis: Int?
    package let formula: Formula

    /// The inputs that scale and shift are computed from.
    package var operands: [Int] {
        switch formula {
        case .normalization(let scale, let offset, let mean, let variance, _):
            (scale.map { [$0] } ?? []) + [offset, mean, variance]
        case .adding(let input), .subtracting(let input), .subtractedFrom(let input), .multiplying(let input),
            .dividing(let input):
            [input]
        }
    }

    /// Scale and shift in float64, one of each for each channel (or for all); nil where an operand's value is not known, or the
    /// operands do not have equally many elements.
    package func coefficients(_ inputs: [TensorFact]) -> (scale: [Double], shift: [Double])? {
        var values: [Int: [Double]] = [:]
        for operand in operands {
            guard inputs.indices.contains(operand), let numbers = inputs[operand].value?.numbers else { return nil }
            values[operand] = numbers
        }
        guard Set(values.values.map(\.count)).count == 1 else { return nil }
        func value(_ operand: Int) -> [Double] { values[operand] ?? [] }
        switch formula {
        case .normalization(let scale, let offset, let mean, let variance, let epsilon):
            let factors = value(variance).enumerated().map { channel, variance in
                (scale.map { value($0)[channel] } ?? 1) / (variance + Double(epsilon)).squareRoot()
            }
            return (factors, zip(factors, zip(value(offset), value(mean))).map { $1.0 - $1.1 * $0 })
        case .adding(let input): return (value(input).map { _ in 1 }, value(input))
        case .subtracting(let input): return (value(input).map { _ in 1 }, value(input).map { -$0 })
        case .subtractedFrom(let input): return (value(input).map { _ in -1 }, value(input))
        case .multiplying(let input): return (value(input), value(input).map { _ in 0 })
        case .dividing(let input): return (value(input).map { 1 / $0 }, value(input).map { _ in 0 })
        }
    }
}

extension TensorFact {
    /// The axis of `data` along which this tensor, which is broadcast to it, holds a number for each channel.
    ///
    /// - Returns: `.some(nil)` for a tensor of one element; nil where it has more than one axis, or would make the result larger than `data`.
    func channelAxis(of data: TensorFact) -> Int?? {
        guard let own = shape.known?.dimensions, let rank = data.shape.rank, own.count <= rank else { return nil }
        let axes = own.indices.filter { own[$0] != 1 }
        guard let place = axes.first else { return .some(nil) }
        let axis = place + rank - own.count
        guard axes.count == 1, data.shape.dimension(axis) == own[place] else { return nil }
        return axis
    }
}

extension Tensor {
    /// The elements of a tensor of floats as float64; nil for other dtypes.
    fileprivate var numbers: [Double]? {
        guard dtype.isFloating else { return nil }
        let numbers = (0..<shape.elementCount).compactMap { number($0) }
        return numbers.count == shape.elementCount ? numbers : nil
    }
}
