internal import Kernels
internal import Tensors

extension OpTable {
    /// Sums of products over labelled axes.
    static let einsums: [OpEntry] = [OpEntry("Einsum", make: Einsum.init)]
}

/// A sum of products over axes that an equation names: "bij,bjk->bik".
///
/// - Inputs: one or two tensors of one dtype: a floating, complex, or integer type that matrices are multiplied in.
/// - Attributes: `equation`: a character an axis; `...` stands for axes that broadcast; a letter that stands twice in an operand takes
///   the diagonal, in the output it makes one; letters that the output lacks are summed over.
struct Einsum: KernelOp {
    private let operands: [Labels]
    private let output: Labels

    init(_ node: NodeReader) throws(OpError) {
        let equation = Array(try node.string("equation").utf8)
        guard let arrow = equation.indices.first(where: { equation[$0...].starts(with: "->".utf8) }) else {
            throw OpError(
                .invalidArgument, "Expecting exactly one '->' in einsum equation: \(try node.string("equation"))",
                node: node.name, op: node.op)
        }
        let parts = equation[..<arrow].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        guard parts.count == node.inputCount, parts.count <= 2 else {
            throw .invalid("Expecting \(node.inputCount) inputs in equation but got \(parts.count)")
        }
        var operands: [Labels] = []
        for part in parts { operands.append(try Labels(part)) }
        output = try Labels(equation[(arrow + 2)...])
        self.operands = operands
        let given = Set(operands.flatMap { $0.before + $0.after })
        for letter in output.before + output.after where !given.contains(letter) {
            throw .invalid(
                "Output subscripts contain a label that no input has: '\(Character(Unicode.Scalar(UInt8(letter))))'")
        }
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireOneDType()
        for (fact, labels) in zip(inputs, operands) { try labels.check(rank: fact.shape.rank, fact.shape) }
        guard inputs.allSatisfy({ $0.shape.rank != nil }) else {
            return [TensorFact(inputs[0].dtype, output.hasEllipsis ? .unknown : try .ofRank(checking: output.count))]
        }
        var sizes: [Int: Int] = [:]
        for (fact, labels) in zip(inputs, expanded(inputs.map { $0.shape.rank ?? 0 }).operands) {
            for (label, size) in zip(labels, fact.shape.dimensions ?? []) {
                sizes[label] = try Self.merged(sizes[label], size, broadcasts: label >= Labels.ellipsis)
            }
        }
        let labels = expanded(inputs.map { $0.shape.rank ?? 0 }).output
        if !output.hasEllipsis, let most = sizes.keys.max(), most >= Labels.ellipsis {
            throw .invalid(
                "Output contains \(most - Labels.ellipsis + 1) broadcasting dimension(s) but no ellipsis (...) was found in "
                    + "the output subscripts.")
        }
        _ = try PartialShape.ofRank(checking: labels.count)
        return [TensorFact(inputs[0].dtype, PartialShape(labels.map { sizes[$0] ?? PartialShape.unknownDimension }))]
    }

    /// What two sizes of a label say together.
    private static func merged(_ known: Int?, _ size: Int, broadcasts: Bool) throws(OpError) -> Int {
        guard let known, known != size else { return size }
        if broadcasts {
            if known == 1 { return size }
            if size == 1 { return known }
        }
        guard known < 0 || size < 0 else {
            throw .invalid("Expected dimension \(known) at an axis with the same label, but got dimension \(size)")
        }
        return max(known, size)
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        let ranks = node.inputs.compactMap(\.shape.rank)
        guard ranks.count == node.inputs.count else { return node.mixed }
        let labels = expanded(ranks)
        guard let row = labels.output.first, !labels.output.dropFirst().contains(row) else { return node.mixed }
        // The output's first label is that of the rows, and of nothing else.
        var cut: Set<Int> = []
        for (index, operand) in labels.operands.enumerated() {
            if node.rows(index) != nil {
                guard operand.first == row, !operand.dropFirst().contains(row) else { return node.mixed }
                cut.insert(index)
            } else if operand.contains(row) {
                return node.mixed
            }
        }
        return node.rowwise(cut)
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        var shapes: [Shape] = []
        for index in spec.inputs.indices { shapes.append(try spec.inputShape(index)) }
        let labels = expanded(shapes.map(\.rank))
        let dtype = spec.inputs[0].dtype
        let contraction = Contraction(
            zip(labels.operands, shapes).map { Contraction.Operand(labels: $0, shape: $1) }, output: labels.output,
            outputShape: try spec.outputShape(), width: try spec.inputs[0].elementWidth)
        guard let contraction else { throw OpError(.resourceExhausted, "a product of matrices is too large") }
        guard let kernel = contraction.kernel(dtype) else { throw .unsupported(dtype) }
        return try spec.outputShape().elementCount == 0 ? .nothing : kernel
    }

    /// A label for each axis; those of an ellipsis are counted from its end.
    private func expanded(_ ranks: [Int]) -> (operands: [[Int]], output: [Int]) {
        let widths = zip(operands, ranks).map { labels, rank in labels.hasEllipsis ? rank - labels.count : 0 }
        let named = zip(operands, widths).map { labels, width in labels.expanded(width) }
        return (named, output.expanded(output.hasEllipsis ? widths.reduce(0, max) : 0))
    }
}

/// The axes of one tensor in an equation.
private struct Labels: Hashable, Sendable {
    /// Letters in front of the ellipsis, or all.
    let before: [Int]
    /// Letters behind it.
    let after: [Int]
    let hasEllipsis: Bool

    /// The label of an ellipsis's last axis; the axes before it have higher ones.
    static let ellipsis = 256

    /// How many letters there are.
    var count: Int { before.count + after.count }

    init(_ text: some Collection<UInt8>) throws(OpError) {
        let text = Array(text)
        let dot = UInt8(ascii: ".")
        let start = text.firstIndex(of: dot)
        let end = start.map { $0 + 3 } ?? text.count
        guard end <= text.count else { throw Self.malformed(text) }
        if let start, !text[start..<end].allSatisfy({ $0 == dot }) { throw Self.malformed(text) }
        before = text[..<(start ?? text.count)].map(Int.init)
        after = start == nil ? [] : text[end...].map(Int.init)
        hasEllipsis = start != nil
        for letter in before + after where letter == Int(dot) { throw Self.malformed(text) }
    }

    private static func malformed(_ text: [UInt8]) -> OpError {
        .invalid("Invalid subscript in einsum equation: \(String(decoding: text, as: UTF8.self))")
    }

    func check(rank: Int?, _ shape: PartialShape) throws(OpError) {
        guard let rank, hasEllipsis ? rank < count : rank != count else { return }
        throw .invalid("Input of shape \(shape) does not have the \(count) axes of its subscripts")
    }

    func expanded(_ width: Int) -> [Int] {
        before + (0..<max(0, width)).reversed().map { Self.ellipsis + $0 } + after
    }
}
