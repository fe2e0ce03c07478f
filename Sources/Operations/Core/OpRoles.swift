package import Kernels
internal import Tensors

// What passes ask of an op instead of its name or type. An op declares a role in its own file.

/// An op that is linear in its data once its weight is fixed: a convolution, a product of matrices.
///
/// To multiply each output channel by a number is to multiply the weight's channels by it.
package protocol LinearOp: KernelOp {
    /// The ways to see the op as linear, one for each input that may be the weight; none where the ranks or dtypes are not known to allow it.
    func linearRoles(_ inputs: [TensorFact]) -> [LinearRole]
}

/// The operands of a ``LinearOp``.
package struct LinearRole: Hashable, Sendable {
    /// The number of the input that the op is linear in.
    package let data: Int
    /// The number of the input that holds the weight.
    package let weight: Int
    /// The axes of the weight along which the output channels lie. Of several, the last one changes fastest.
    package let weightAxes: [Int]
    /// The axis of the output along which its channels lie.
    package let outputAxis: Int

    init(data: Int = 0, weight: Int, weightAxes: [Int], outputAxis: Int) {
        self.data = data
        self.weight = weight
        self.weightAxes = weightAxes
        self.outputAxis = outputAxis
    }
}

/// An op whose elements depend on one element of each input, at the same place after broadcasting.
package protocol ElementwiseOp: KernelOp {
    /// The formula; nil where the op's attributes make it more than a formula.
    var elementwiseFormula: ElementwiseFormula? { get }
}

/// The formula of an ``ElementwiseOp``. The operands are the op's inputs, in their order.
package enum ElementwiseFormula: Hashable, Sendable {
    /// Of one input.
    case unary(UnaryFormula)
    /// Of two inputs. Booleans are uint8 that are 0 or 1.
    case binary(BinaryFormula)
    /// Of three inputs.
    case ternary(TernaryFormula)
    /// The input where it is positive, else alpha times the input.
    case leakyRelu(alpha: Float)
    /// The sum of all inputs, from the first to the last.
    case sum
}

/// An op that moves elements of its first input, or gives them another shape, and computes nothing.
package protocol MovementOp: KernelOp {
    /// The movement; nil where it depends on a value that is not known.
    func movement(_ inputs: [TensorFact]) -> Movement?
}

/// The movement of a ``MovementOp``.
package enum Movement: Hashable, Sendable {
    /// Axis `i` of the output is axis `permutation[i]` of the input.
    case transpose(permutation: [Int])
    /// The same elements in the same order under the output's shape.
    case reshape
}

/// An op that puts something around its first input.
package protocol PaddingOp: KernelOp {
    /// How many zeros are put before and after each axis, two numbers for each; nil where something else is put there, or the numbers are
    /// not known.
    func zeros(_ inputs: [TensorFact]) -> [Int]?
}

/// An op whose first input may have zeros around it that are not in memory: a convolution.
package protocol PaddedOp: KernelOp {
    /// The same op with more of them.
    ///
    /// - Parameter zeros: How many before and after each axis, two numbers for each.
    /// - Returns: nil where the op has no place for them: they are not along spatial axes, or its own number follows the size.
    func padded(with zeros: [Int]) -> (any Op)?
}

/// A product that TensorFlow's optimiser makes one op with the bias or the normalisation, and the activation, that follow it.
package protocol FusibleProduct: KernelOp {
    /// The kind of product; nil where TensorFlow leaves the op alone.
    var fusibleProduct: FusibleProductKind? { get }
}

/// The kinds of products that TensorFlow's optimiser makes one op with what follows them.
package enum FusibleProductKind: Hashable, Sendable {
    case convolution, matrixProduct
}

/// An op that may stand between a ``FusibleProduct`` and a ``FusibleActivation`` in TensorFlow's optimiser.
package protocol FusibleLink: KernelOp {
    /// The products that the op, with these attributes, may follow.
    var fusibleProducts: Set<FusibleProductKind> { get }
}

extension FusibleLink {
    /// Whether TensorFlow's optimiser makes one op of a product, this op and an activation.
    package func joins(_ product: any Op) -> Bool {
        guard let kind = (product as? any FusibleProduct)?.fusibleProduct else { return false }
        return fusibleProducts.contains(kind)
    }
}
