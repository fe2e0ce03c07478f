internal import Tensors

extension Op {
    /// The outputs by the op's rule, if the op has a kernel for the dtypes of its inputs.
    ///
    /// The kernels themselves know their dtypes: one is made, and dropped, for shapes that the inputs may have. Where the rule accepts none of
    /// the shapes tried, or a value that the kernel needs is not known, the dtypes are checked when a program is made.
    ///
    /// - Parameter inputs: What is known of the inputs.
    /// - Returns: What the rule tells of the outputs.
    /// - Throws: ``OpError`` as the rule does; of kind `unsupported` where there is no kernel for the dtypes.
    package func checkedOutputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let outputs = try outputs(for: inputs)
        if case .kernel(let op) = implementation, outputs.contains(where: { !$0.isKnown }) {
            try op.requireDTypes(of: inputs)
        }
        return outputs
    }
}

extension KernelOp {
    /// What making a kernel only to look at its dtypes may take for values and tables.
    private static var limitBytes: Int { 1 << 20 }

    fileprivate func requireDTypes(of inputs: [TensorFact]) throws(OpError) {
        let isComplete = valueInputs.allSatisfy { !inputs.indices.contains($0) || inputs[$0].value != nil }
        guard isComplete, !inputs.contains(where: \.dtype.isHandle) else { return }
        guard !takesFloat32 || inputs.contains(where: { $0.dtype != .float32 }) else { return }
        for trial in ShapeTrials(inputs) {
            if try hasKernel(for: trial) { return }
        }
    }

    /// Whether a kernel can be made for some shapes, or need not.
    ///
    /// - Throws: ``OpError`` where dtypes are the reason that it cannot.
    private func hasKernel(for inputs: [TensorFact]) throws(OpError) -> Bool {
        guard let outputs = try? outputs(for: inputs), outputs.allSatisfy(\.shape.isFullyDefined) else { return false }
        if outputs.allSatisfy(\.isKnown) { return true }
        let spec = KernelSpec(inputs: inputs, outputs: outputs)
        guard max(valueBytes(for: inputs), tableBytes(for: spec)) <= Self.limitBytes else { return true }
        do throws(OpError) { _ = try makeKernel(for: spec) } catch {
            guard error.refusesDType else { return false }
            throw error
        }
        return true
    }
}

/// Shapes that some inputs may have: what is not known of them is filled in, in several ways.
private struct ShapeTrials: Sequence {
    /// Ranks or sizes for what is not known of the first input, and of the others.
    private typealias Pair = (first: Int, others: Int)

    private let inputs: [TensorFact]
    private let ranks: [Pair]
    private let sizes: [Pair]

    init(_ inputs: [TensorFact]) {
        self.inputs = inputs
        let known = Set(inputs.flatMap { $0.shape.dimensions ?? [] }).filter { $0 > 0 && $0 <= 64 }
        let isRankKnown = inputs.allSatisfy { $0.shape.rank != nil }
        ranks = isRankKnown ? [(1, 1)] : Self.pairs([4, 2, 1, 3, 5, 0])
        if inputs.allSatisfy(\.shape.isFullyDefined) {
            sizes = [(1, 1)]
        } else {
            let candidates = [1, 2, 3, 4, 8, 64] + known.subtracting([1, 2, 3, 4, 8, 64]).sorted().prefix(8)
            sizes = isRankKnown ? Self.pairs(candidates) : candidates.map { ($0, $0) }
        }
    }

    /// All pairs of some numbers, those of equal ones first.
    private static func pairs(_ numbers: [Int]) -> [Pair] {
        numbers.map { ($0, $0) } + numbers.flatMap { one in numbers.filter { $0 != one }.map { (one, $0) } }
    }

    func makeIterator() -> some IteratorProtocol<[TensorFact]> {
        let (inputs, sizes) = (inputs, sizes)
        return ranks.lazy.flatMap { rank in sizes.lazy.map { size in Self.fill(inputs, rank, size) } }.makeIterator()
    }

    private static func fill(_ inputs: [TensorFact], _ rank: Pair, _ size: Pair) -> [TensorFact] {
        inputs.enumerated().map { index, input in
            guard !input.shape.isFullyDefined else { return input }
            let (rank, size) = index == 0 ? (rank.first, size.first) : (rank.others, size.others)
            let dimensions = input.shape.dimensions ?? Array(repeating: PartialShape.unknownDimension, count: rank)
            return TensorFact(input.dtype, PartialShape(dimensions.map { $0 < 0 ? size : $0 }))
        }
    }
}
