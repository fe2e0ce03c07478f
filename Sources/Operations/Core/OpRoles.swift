package import Kernels
package import Tensors

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

/// An op that folds axes of its first input.
package protocol ReducingOp: KernelOp {
    /// The fold; nil where it depends on a value that is not known.
    func fold(_ inputs: [TensorFact]) -> Fold?
}

/// The fold of a ``ReducingOp``.
package struct Fold: Hashable, Sendable {
    package let reduction: Reduction
    /// Which axes are folded, in order, counted from the front.
    package let axes: [Int]
    /// Whether they stay as axes of one element.
    package let keepsDimensions: Bool

    package init(reduction: Reduction, axes: [Int], keepsDimensions: Bool) {
        self.reduction = reduction
        self.axes = axes
        self.keepsDimensions = keepsDimensions
    }
}

/// An op that computes each row of its first input by itself, in the memory of its output if need be.
package protocol RowwiseOp: KernelOp {
    /// What it makes of rows of float32; nil where it is more than that, or shapes are not known. Numbers of inputs are the op's.
    func rowFormula(_ inputs: [TensorFact]) -> FusedTail?
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

/// An op over images that gives images as its first output. Their channels may come before rows and columns.
package protocol ImageOp: KernelOp {
    /// The number of the input that holds the images.
    var imageInput: Int { get }

    /// The same op over images of rank 4 whose channels come last, as those of its output then do. Its other inputs and outputs stay.
    ///
    /// - Parameter inputs: What is known of the inputs.
    /// - Returns: nil where channels come last already, or there is no such op.
    func channelsLast(_ inputs: [TensorFact]) -> (any Op)?
}

extension ImageOp {
    package var imageInput: Int { 0 }
}

/// A product of matrices, the last two axes of its inputs, either of which it can take transposed.
package protocol TransposableProduct: KernelOp {
    /// The same product of matrices of which one lies transposed.
    ///
    /// - Parameters:
    ///   - input: The number of the input that lies transposed.
    ///   - dtype: The dtype of that input.
    /// - Returns: nil for dtypes whose transposed matrices are conjugated too.
    func taking(transposed input: Int, _ dtype: DataType) -> (any Op)?
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
        guard let kind = product.asFusibleProduct?.fusibleProduct else { return false }
        return fusibleProducts.contains(kind)
    }
}

/// An op that keeps the largest elements of each row of its first input.
package protocol ProductRanking: KernelOp {
    /// The op that gives the same outputs, computed from the factors where the first input is a product of two matrices.
    ///
    /// - Parameters:
    ///   - product: The op that computes the first input.
    ///   - factors: What is known of the product's inputs, which are the inputs of the new op.
    ///   - inputs: What is known of the op's own inputs.
    /// - Returns: The op; nil where the product is of another kind, or it is not worth it.
    func ranking(_ product: any Op, _ factors: [TensorFact], _ inputs: [TensorFact]) -> (any Op)?
}

/// An op that gives equal parts of one of its inputs along an axis.
package protocol PartingOp: KernelOp {
    /// The parts; nil where the axis is not known.
    func parting(_ inputs: [TensorFact]) -> Parting?
}

/// What a ``PartingOp`` does.
package struct Parting: Hashable, Sendable {
    /// The number of the input that is cut.
    package let input: Int
    /// The axis, from the front.
    package let axis: Int
    /// How many parts there are.
    package let count: Int
}

/// An op that gives a range of its first input along one axis, and all of the others.
package protocol SlicingOp: KernelOp {
    /// The range; nil where it is not known, or the op does more.
    func slicing(_ inputs: [TensorFact]) -> Slicing?
}

/// What a ``SlicingOp`` does.
package struct Slicing: Hashable, Sendable {
    /// The axis, from the front.
    package let axis: Int
    /// Which elements along the axis are taken.
    package let range: Range<Int>
}

/// An op that puts inputs end to end along an axis that they have.
package protocol JoiningOp: KernelOp {
    /// What is joined; nil where the axis is not known.
    func joining(_ inputs: [TensorFact]) -> Joining?
}

/// What a ``JoiningOp`` does.
package struct Joining: Hashable, Sendable {
    /// The numbers of the inputs that are joined.
    package let inputs: Range<Int>
    /// The axis, from the front.
    package let axis: Int
}

/// A product of matrices that can be computed in parts: as a sum of products over parts of the depth, or for many left matrices at once.
package protocol PartableProduct: KernelOp {
    /// Whether both matrices are multiplied as they lie, and give a matrix of their dtype.
    var isPlain: Bool { get }
    /// The product of each of a row of left matrices, [count, rows, depth], with the right matrix.
    var ofSequence: any Op { get }
    /// The sum of two products.
    var sum: any Op { get }
}

/// An op that keeps tensors which are the rows of another one, or reads one of them: an array or a list of tensors.
package protocol RowStoreOp: Op {
    /// What the op does; nil where it does something else.
    var rowStoreUse: RowStoreUse? { get }
}

/// What a ``RowStoreOp`` does. Numbers are those of inputs.
package enum RowStoreUse: Hashable, Sendable {
    /// Makes a store of a size.
    case make(size: Int)
    /// Stores the rows of `value`: row i as element `places[i]` of the object that `handle` stands for, or as element i of a new one. The
    /// first output stands for what is stored now.
    case fill(value: Int, places: Int?, handle: Int?)
    /// Reads the element `index` of what `store` stands for; `handle` stands for the object, where there is one.
    case read(store: Int, index: Int, handle: Int?)
}

/// An op that gives whole numbers from a first one up to, but not including, a last one.
package protocol CountingOp: KernelOp {
    /// The numbers of the inputs: the first number, the limit, the step.
    var countingInputs: (start: Int, limit: Int, step: Int) { get }
}

/// A product of the matrices that the last two axes of two tensors of one dtype hold.
package protocol BatchedProductOp: KernelOp {
    /// Which of the matrices are transposed; nil where the op does more.
    var batchedProduct: BatchedProductSides? { get }
}

/// Which matrices of a product are transposed.
package struct BatchedProductSides: Hashable, Sendable {
    package let transposesLeft: Bool
    package let transposesRight: Bool

    package init(transposesLeft: Bool, transposesRight: Bool) {
        self.transposesLeft = transposesLeft
        self.transposesRight = transposesRight
    }
}

/// An op that makes each row along the last axis a probability distribution.
package protocol SoftmaxingOp: KernelOp {
    /// Whether the outputs are probabilities, not their logarithms.
    var givesProbabilities: Bool { get }
}

/// An op that fills a shape with numbers by chance, which may decide what a dropout keeps.
package protocol DroppingOp: KernelOp {
    /// The dropout that draws the same numbers.
    ///
    /// - Parameters:
    ///   - form: How the dropout is written.
    ///   - node: The name of the graph's node that draws.
    /// - Returns: The op; nil where the numbers are of another kind than a dropout has.
    func dropout(_ form: DropoutForm, node: String) -> (any Op)?
}

/// An op that a pass made of one that draws random numbers from a stream of its own, and of others.
package protocol DrawingOp: KernelOp {
    /// The name of the graph's node that draws.
    var drawingNode: String { get }

    /// The same op with the stream of the node's op in another session.
    ///
    /// - Parameter op: The node's op.
    /// - Returns: The op; nil where that one does not draw.
    func drawing(like op: any Op) -> (any Op)?
}

/// An op that chooses elements: of its second input where the first one is true, else of the third.
package protocol ChoosingOp: KernelOp {}

/// An op that converts the elements of its input.
package protocol ConvertingOp: KernelOp {
    /// The dtype that they get.
    var target: DataType { get }
}
/// An op whose output can be filled from parts of its only input, in any order and by several threads at once.
package protocol PartwiseOp: KernelOp {
    /// An output to be filled.
    ///
    /// - Parameters:
    ///   - input: The dtype and the shape of the input.
    ///   - output: The shape of the output.
    /// - Returns: The output; nil if the op needs the whole input, or there is not enough memory.
    func partwiseOutput(from input: TensorFact, _ output: Shape) -> PartwiseOutput?
}

/// The output of a ``PartwiseOp``.
package struct PartwiseOutput: Sendable {
    /// The output. It is complete when all parts of the input were taken.
    package let tensor: Tensor
    /// All parts of the input but the last have a multiple of so many bytes.
    package let multipleBytes: Int
    /// Takes the bytes of a part, and their offset in the input. Several threads may call it at once.
    package let take: @Sendable (UnsafeRawBufferPointer, Int) -> Void
}
