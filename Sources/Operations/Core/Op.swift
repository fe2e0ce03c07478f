package import Kernels
package import Tensors

/// An operation with its attributes decoded: one value a node.
///
/// A conforming type is a small struct whose stored properties are the attributes that matter. It conforms to the protocol that says how
/// the op is computed (``KernelOp``, ``TensorOp``, ``RunOp``, ``VariableReading`` and others), or only to this one where nothing has to be
/// computed.
package protocol Op: Sendable, Hashable {
    /// The shape and dtype rule. Shapes, and values, may be unknown; what then cannot be told is unknown in the result.
    ///
    /// The rule may also give values (Shape of a tensor of known shape): then no kernel is made.
    ///
    /// - Throws: ``OpError`` of kind `invalidArgument` where inputs do not fit.
    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact]

    /// Inputs whose values the shape rule or the kernel needs (an axis, a permutation), not only their shapes. They are known
    /// when the kernel is made.
    var valueInputs: [Int] { get }

    /// How many bytes the rule, and the making of the kernel, take for the values of inputs: lists of them, and what the kernel
    /// keeps of them. Counted before the rule is asked.
    func valueBytes(for inputs: [TensorFact]) -> Int

    /// How the op is computed: this op again, as what it is.
    var implementation: OpImplementation { get }

    /// The traits that ops of the type may have.
    static var traits: OpTraits { get }

    /// The traits of this op: those of the type, or fewer where attributes rule some out.
    var traits: OpTraits { get }

    /// How the outputs depend on the rows of a batch. Not asked where all inputs are shared and the op is not stateful: then so are the
    /// outputs.
    ///
    /// A rule says what can be proved for batches of all sizes; where there is a doubt, the output is mixed.
    ///
    /// - Returns: One role for each output; nil where requests must not be run together at all.
    func batching(_ node: BatchedNode) -> [BatchRole]?

    // MARK: - Roles

    // The op itself in each role that passes ask for; nil where it has not the role. See the end of this file.
    var asBatchedProduct: (any BatchedProductOp)? { get }
    var asChannelAffine: (any ChannelAffineOp)? { get }
    var asChoosing: (any ChoosingOp)? { get }
    var asConverting: (any ConvertingOp)? { get }
    var asCounting: (any CountingOp)? { get }
    var asDrawing: (any DrawingOp)? { get }
    var asDropping: (any DroppingOp)? { get }
    var asElementwise: (any ElementwiseOp)? { get }
    var asFinishing: (any FinishingOp)? { get }
    var asFusibleActivation: (any FusibleActivation)? { get }
    var asFusibleLink: (any FusibleLink)? { get }
    var asFusibleProduct: (any FusibleProduct)? { get }
    var asImage: (any ImageOp)? { get }
    var asJoining: (any JoiningOp)? { get }
    var asLinear: (any LinearOp)? { get }
    var asMovement: (any MovementOp)? { get }
    var asPackable: (any PackableOp)? { get }
    var asPadded: (any PaddedOp)? { get }
    var asPadding: (any PaddingOp)? { get }
    var asPartableProduct: (any PartableProduct)? { get }
    var asParting: (any PartingOp)? { get }
    var asPartwise: (any PartwiseOp)? { get }
    var asPlaceholder: (any PlaceholderOp)? { get }
    var asProductRanking: (any ProductRanking)? { get }
    var asReducing: (any ReducingOp)? { get }
    var asRowStore: (any RowStoreOp)? { get }
    var asRowwise: (any RowwiseOp)? { get }
    var asSlicing: (any SlicingOp)? { get }
    var asSoftmaxing: (any SoftmaxingOp)? { get }
    var asTransposable: (any TransposableProduct)? { get }
}

extension Op {
    package var valueInputs: [Int] { [] }
    package func valueBytes(for inputs: [TensorFact]) -> Int { elementBytes(of: inputs, each: 64) }
    package var implementation: OpImplementation { .none }
    package static var traits: OpTraits { [] }
    package var traits: OpTraits { Self.traits }
    // An effect of one request is not an effect of all.
    package func batching(_ node: BatchedNode) -> [BatchRole]? { hasEffect ? nil : node.mixed }
}

extension Op {
    /// Whether the node runs even if nothing reads its outputs: ``OpTraits/effect``.
    package var hasEffect: Bool { traits.contains(.effect) }

    /// Whether the outputs are the inputs: ``OpTraits/forwards``.
    package var forwardsInputs: Bool { traits.contains(.forwards) }

    /// Whether a node is never folded.
    package var isStateful: Bool { !traits.allowsFolding }
}

extension Op {
    /// So many bytes for each element of ``valueInputs``.
    func elementBytes(of inputs: [TensorFact], each: Int) -> Int {
        var sum = ByteSum()
        for index in valueInputs where inputs.indices.contains(index) {
            sum.add(inputs[index].shape.known?.elementCount ?? 0, times: each)
        }
        return sum.total
    }
}

/// An op that is computed by a kernel, made ahead for the dtypes and shapes of a program.
package protocol KernelOp: Op {
    /// Makes the kernel for dtypes and shapes, all of them known, and for the values of ``Op/valueInputs``.
    ///
    /// - Throws: ``OpError`` of kind `unsupported` for a dtype without a kernel.
    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel

    /// How many bytes making the kernel takes for tables that are as long as an axis. Counted before the kernel is made.
    func tableBytes(for spec: KernelSpec) -> Int

    /// Whether a kernel for inputs of float32 alone is certain, so that none need be made to find out.
    var takesFloat32: Bool { get }
}

extension KernelOp {
    package var implementation: OpImplementation { .kernel(self) }
    package func tableBytes(for spec: KernelSpec) -> Int { 0 }
    package var takesFloat32: Bool { false }
}

/// An op that computes otherwise where it is a part of a convolution or a product.
package protocol FusibleActivation: KernelOp {
    /// The op as a part of another one.
    var fused: any Op { get }
}

/// An op whose output is fed, or is an error: it cannot be computed.
package protocol PlaceholderOp: Op {
    /// The declared dtype.
    var dtype: DataType { get }
    /// The declared shape.
    var shape: PartialShape { get }
}

extension PlaceholderOp {
    package var implementation: OpImplementation { .feed(self) }
}

/// An op that gives the value of a variable.
package protocol VariableReading: Op {
    /// The variable that is read.
    ///
    /// - `inputs`: The node's inputs; a handle among them names the variable.
    func variable(reading inputs: [TensorFact]) throws(OpError) -> VariableReference
}

extension VariableReading {
    package var implementation: OpImplementation { .readsVariable(self) }
}

/// An op that computes from the value of the resource variable whose handle is its first input: it reads the variable itself.
package protocol VariableConsuming: Op {
    /// What it computes, given the variable's value in the place of the handle.
    var operation: any Op { get }
}

extension VariableConsuming {
    package var implementation: OpImplementation { .consumesVariable(self) }
}

/// An op that is computed on whole tensors, not by a kernel made ahead: its outputs' shapes depend on its inputs' elements
/// (Where, Unique, ParseExample), or it is rare enough that the cost of a call does not matter.
///
/// Its rule tells what the inputs' shapes tell; the results tell the rest. Where a kernel can be made, a kernel is faster: its
/// outputs have their place in the run's arena.
package protocol TensorOp: Op {
    /// Computes the outputs. Results may share an input's storage; strings among them own their bytes.
    ///
    /// - `account`: All memory that the call takes, whose size depends on the inputs, is reserved here before it is taken: the results
    ///   and what is needed on the way. The caller gives it back when the call is over, and counts the results. What takes long
    ///   asks ``RunAccount/checkTime()`` now and then.
    ///
    /// - Throws: ``OpError`` of kind `invalidArgument` where values do not fit, `unsupported` for a dtype,
    ///   `resourceExhausted` where an output would be too large.
    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor]
}

extension TensorOp {
    package var implementation: OpImplementation { .tensors(self) }
}

// The op itself in each of its roles. A cast, `op as? any LinearOp`, searches all conformances of the program, once for each pair of a
// type and a protocol, and passes ask for hundreds of such pairs when the first plans are made. A new role has two lines here and one
// in the protocol above.

extension Op {
    package var asBatchedProduct: (any BatchedProductOp)? { nil }
    package var asChannelAffine: (any ChannelAffineOp)? { nil }
    package var asChoosing: (any ChoosingOp)? { nil }
    package var asConverting: (any ConvertingOp)? { nil }
    package var asCounting: (any CountingOp)? { nil }
    package var asDrawing: (any DrawingOp)? { nil }
    package var asDropping: (any DroppingOp)? { nil }
    package var asElementwise: (any ElementwiseOp)? { nil }
    package var asFinishing: (any FinishingOp)? { nil }
    package var asFusibleActivation: (any FusibleActivation)? { nil }
    package var asFusibleLink: (any FusibleLink)? { nil }
    package var asFusibleProduct: (any FusibleProduct)? { nil }
    package var asImage: (any ImageOp)? { nil }
    package var asJoining: (any JoiningOp)? { nil }
    package var asLinear: (any LinearOp)? { nil }
    package var asMovement: (any MovementOp)? { nil }
    package var asPackable: (any PackableOp)? { nil }
    package var asPadded: (any PaddedOp)? { nil }
    package var asPadding: (any PaddingOp)? { nil }
    package var asPartableProduct: (any PartableProduct)? { nil }
    package var asParting: (any PartingOp)? { nil }
    package var asPartwise: (any PartwiseOp)? { nil }
    package var asPlaceholder: (any PlaceholderOp)? { nil }
    package var asProductRanking: (any ProductRanking)? { nil }
    package var asReducing: (any ReducingOp)? { nil }
    package var asRowStore: (any RowStoreOp)? { nil }
    package var asRowwise: (any RowwiseOp)? { nil }
    package var asSlicing: (any SlicingOp)? { nil }
    package var asSoftmaxing: (any SoftmaxingOp)? { nil }
    package var asTransposable: (any TransposableProduct)? { nil }
}

extension BatchedProductOp { package var asBatchedProduct: (any BatchedProductOp)? { self } }

extension ChannelAffineOp { package var asChannelAffine: (any ChannelAffineOp)? { self } }

extension ChoosingOp { package var asChoosing: (any ChoosingOp)? { self } }

extension ConvertingOp { package var asConverting: (any ConvertingOp)? { self } }

extension CountingOp { package var asCounting: (any CountingOp)? { self } }

extension DrawingOp { package var asDrawing: (any DrawingOp)? { self } }

extension DroppingOp { package var asDropping: (any DroppingOp)? { self } }

extension ElementwiseOp { package var asElementwise: (any ElementwiseOp)? { self } }

extension FinishingOp { package var asFinishing: (any FinishingOp)? { self } }

extension FusibleActivation { package var asFusibleActivation: (any FusibleActivation)? { self } }

extension FusibleLink { package var asFusibleLink: (any FusibleLink)? { self } }

extension FusibleProduct { package var asFusibleProduct: (any FusibleProduct)? { self } }

extension ImageOp { package var asImage: (any ImageOp)? { self } }

extension JoiningOp { package var asJoining: (any JoiningOp)? { self } }

extension LinearOp { package var asLinear: (any LinearOp)? { self } }

extension MovementOp { package var asMovement: (any MovementOp)? { self } }

extension PackableOp { package var asPackable: (any PackableOp)? { self } }

extension PaddedOp { package var asPadded: (any PaddedOp)? { self } }

extension PaddingOp { package var asPadding: (any PaddingOp)? { self } }

extension PartableProduct { package var asPartableProduct: (any PartableProduct)? { self } }

extension PartingOp { package var asParting: (any PartingOp)? { self } }

extension PartwiseOp { package var asPartwise: (any PartwiseOp)? { self } }

extension PlaceholderOp { package var asPlaceholder: (any PlaceholderOp)? { self } }

extension ProductRanking { package var asProductRanking: (any ProductRanking)? { self } }

extension ReducingOp { package var asReducing: (any ReducingOp)? { self } }

extension RowStoreOp { package var asRowStore: (any RowStoreOp)? { self } }

extension RowwiseOp { package var asRowwise: (any RowwiseOp)? { self } }

extension SlicingOp { package var asSlicing: (any SlicingOp)? { self } }

extension SoftmaxingOp { package var asSoftmaxing: (any SoftmaxingOp)? { self } }

extension TransposableProduct { package var asTransposable: (any TransposableProduct)? { self } }
