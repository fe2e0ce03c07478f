package import Tensors

/// A sum of products over axes that labels name: what `Einsum` computes.
///
/// Each operand is brought into the order batch, free axes, contracted axes; what only one operand has and nobody wants is
/// summed; a product of matrices for each element of the batch does the rest; the result is brought into the output's order.
/// Steps that would change nothing are left out.
package struct Contraction: Sendable {
    /// A tensor whose axes have labels; a label that stands twice means the diagonal.
    package struct Operand: Sendable {
        let labels: [Int]
        let shape: Shape

        package init(labels: [Int], shape: Shape) {
            self.labels = labels
            self.shape = shape
        }

        /// The size that the operand gives a label.
        fileprivate func size(of label: Int) -> Int? { labels.firstIndex(of: label).map { shape.dimensions[$0] } }

        /// The labels, each once.
        fileprivate var distinct: [Int] {
            labels.indices.filter { labels.firstIndex(of: labels[$0]) == $0 }.map { labels[$0] }
        }

        /// Bytes from one element to the next along a label.
        fileprivate func stride(of label: Int, width: Int) -> Int {
            var stride = width
            var sum = 0
            for axis in labels.indices.reversed() {
                if labels[axis] == label { sum &+= stride }
                stride &*= shape.dimensions[axis]
            }
            return sum
        }

        fileprivate func count(_ labels: some Sequence<Int>) -> Int { labels.reduce(1) { $0 &* (size(of: $1) ?? 1) } }
    }

    /// How an operand becomes matrices.
    private struct Side: Sendable {
        let operand: Operand
        let batch: [Int]
        let order: [Int]
        let copy: StridedCopy
        /// How many elements are summed into one after copying, and how many sums there are.
        let summed: Int
        let kept: Int
        let isTransposed: Bool

        /// - Parameters:
        ///   - operand: The tensor.
        ///   - width: Bytes of an element.
        ///   - batch: Labels of the batch.
        ///   - rows: Labels of the matrices' rows, as the product has them.
        ///   - columns: Labels of their columns.
        init(_ operand: Operand, width: Int, batch: [Int], rows: [Int], columns: [Int]) {
            let wanted = Set(batch + rows + columns)
            let rest = operand.distinct.filter { !wanted.contains($0) }
            let straight = Self.copy(operand, width, batch + rows + columns + rest)
            let turned = Self.copy(operand, width, batch + columns + rows + rest)
            isTransposed = turned.isPlain && !straight.isPlain
            copy = isTransposed ? turned : straight
            self.operand = operand
            self.batch = batch
            order = isTransposed ? columns + rows : rows + columns
            summed = operand.count(rest)
            kept = operand.count(batch + order)
        }

        private static func copy(_ operand: Operand, _ width: Int, _ order: [Int]) -> StridedCopy {
            var destination = width
            var axes: [StridedCopy.Axis] = []
            for label in order.reversed() {
                guard let count = operand.size(of: label) else { continue }
                axes.append(
                    StridedCopy.Axis(
                        count: count, source: operand.stride(of: label, width: width), destination: destination))
                destination &*= count
            }
            return StridedCopy(width: width, axes.reversed())
        }

        /// Elements from one matrix to the next along a label of the batch; 0 where the operand repeats.
        func stride(of label: Int, size: Int) -> Int {
            guard let own = operand.size(of: label), own == size else { return 0 }
            let inner = batch.drop { $0 != label }.dropFirst()
            return operand.count(inner) &* operand.count(order)
        }

        /// Elements that copying makes.
        var copied: Int { copy.isPlain ? 0 : kept &* summed }
        var sums: Int { summed == 1 ? 0 : kept }
    }

    private let sides: [Side]
    private let product: BatchedProduct?
    private let sums: [MatrixProduct]
    private let arrange: StridedCopy
    private let arrangesIntoZeros: Bool
    private let resultCount: Int
    private let outputBytes: Int
    private let width: Int

    /// - `operands`: One or two.
    /// - `output`: The output's labels; each is one of an operand's.
    /// - `outputShape`: The output's shape.
    /// - `width`: Bytes of an element.
    ///
    /// Gives nil for matrices that are too large.
    package init?(_ operands: [Operand], output: [Int], outputShape: Shape, width: Int) {
        guard let first = operands.first else { return nil }
        self.width = width
        let result = Operand(labels: output, shape: outputShape)
        let wanted = result.distinct
        var order = wanted
        if operands.count > 1 {
            let second = operands[1]
            let batch = wanted.filter { first.labels.contains($0) && second.labels.contains($0) }
            let rows = wanted.filter { !second.labels.contains($0) }
            let columns = wanted.filter { !first.labels.contains($0) }
            let depth = first.distinct.filter { !wanted.contains($0) && first.size(of: $0) == second.size(of: $0) }
            let left = Side(first, width: width, batch: batch, rows: rows, columns: depth)
            let right = Side(second, width: width, batch: batch, rows: depth, columns: columns)
            let matrices = MatrixProduct(
                rows: first.count(rows), columns: second.count(columns), depth: first.count(depth),
                transposesLeft: left.isTransposed, transposesRight: right.isTransposed)
            guard let matrices else { return nil }
            let axes = batch.map { label in
                let size = result.size(of: label) ?? 1
                return (size, left.stride(of: label, size: size), right.stride(of: label, size: size))
            }
            sides = [left, right]
            product = BatchedProduct(matrices, axes: axes)
            order = batch + rows + columns
        } else {
            sides = [Side(first, width: width, batch: [], rows: wanted, columns: [])]
            product = nil
        }
        var sums: [MatrixProduct] = []
        for side in sides {
            guard let sum = MatrixProduct(rows: side.kept, columns: 1, depth: side.summed) else { return nil }
            sums.append(sum)
        }
        self.sums = sums
        var strides: [Int: Int] = [:]
        resultCount = order.reversed().reduce(1) { count, label in
            strides[label] = count &* width
            return count &* (result.size(of: label) ?? 1)
        }
        // In the output's order, as the copy wants it.
        arrange = StridedCopy(
            width: width,
            wanted.map { label in
                StridedCopy.Axis(
                    count: result.size(of: label) ?? 1, source: strides[label] ?? 0,
                    destination: result.stride(of: label, width: width))
            })
        outputBytes = outputShape.elementCount &* width
        arrangesIntoZeros = wanted.count < output.count
    }

    /// The kernel for a dtype; nil if it has none.
    package func kernel(_ dtype: DataType) -> Kernel? { MatrixKernels.kernel(dtype, self) }
}

extension Contraction: MatrixKernelMaker {
    /// The pieces of scratch memory, in bytes from its beginning.
    private func layout() -> (places: [Int], total: Int) {
        var places: [Int] = []
        var total = 0
        let ones = sides.contains { $0.summed != 1 } ? sides.map(\.summed).reduce(0, max) : 0
        let isDirect = arrange.isPlain && !arrangesIntoZeros
        for count in sides.flatMap({ [$0.copied, $0.sums] }) + [ones, isDirect ? 0 : resultCount] {
            places.append(total)
            total &+= (count &* width).roundedUp(to: TensorStorage.alignment)
        }
        return (places, total)
    }

    func kernel<Element: MatrixElement>(_ type: Element.Type) -> Kernel {
        let (places, total) = layout()
        let (onesAt, resultAt) = (places[places.count - 2], places[places.count - 1])
        var phases: [Kernel.Phase] = []
        for index in sides.indices { phases += prepare(index, places, onesAt, Element.self) }
        var result = place(of: 0, places)
        if let product {
            let isDirect = arrange.isPlain && !arrangesIntoZeros
            let (left, right) = (result, place(of: 1, places))
            phases.append(
                product.phase { frame in
                    let memory = isDirect ? frame.rawOutput() : frame.scratch + resultAt
                    return (
                        left.elements(frame), right.elements(frame), memory.assumingMemoryBound(to: Element.self)
                    ) as MatrixOperands<Element>
                })
            if isDirect { return Kernel("einsum", scratchBytes: total, phases: phases) }
            result = Place(input: nil, offset: resultAt)
        }
        if arrangesIntoZeros {
            let byteCount = outputBytes
            phases.append(
                Kernel.Phase { frame in
                    frame.rawOutput().initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
                })
        }
        let units = CopyUnits([CopyUnits.Move(copy: arrange)])
        phases.append(
            units.phase(from: { [result] frame, _ in result.memory(frame) }, to: { frame, _ in frame.rawOutput() }))
        return Kernel("einsum", scratchBytes: total, phases: phases)
    }

    /// Where matrices are in a call.
    private struct Place: Sendable {
        /// The number of the input that they are; nil if they are in scratch memory.
        let input: Int?
        /// Where they begin in scratch memory.
        let offset: Int

        func memory(_ frame: KernelFrame) -> UnsafeRawPointer {
            input.map { frame.rawInput($0) } ?? UnsafeRawPointer(frame.scratch + offset)
        }

        func elements<Element>(_ frame: KernelFrame) -> UnsafePointer<Element> {
            memory(frame).assumingMemoryBound(to: Element.self)
        }
    }

    /// Where an operand's matrices are when they are in order and summed.
    private func place(of index: Int, _ places: [Int]) -> Place {
        let side = sides[index]
        if side.summed != 1 { return Place(input: nil, offset: places[2 * index + 1]) }
        return side.copy.isPlain ? Place(input: index, offset: 0) : Place(input: nil, offset: places[2 * index])
    }

    /// The phases that bring an operand's matrices into order and sum them, where that changes something.
    private func prepare<Element: MatrixElement>(
        _ index: Int, _ places: [Int], _ onesAt: Int, _ type: Element.Type
    ) -> [Kernel.Phase] {
        let (side, copiedAt, sumAt) = (sides[index], places[2 * index], places[2 * index + 1])
        var phases: [Kernel.Phase] = []
        var source = Place(input: index, offset: 0)
        if !side.copy.isPlain {
            source = Place(input: nil, offset: copiedAt)
            let units = CopyUnits([CopyUnits.Move(copy: side.copy)])
            phases.append(
                units.phase(from: { frame, _ in frame.rawInput(index) }, to: { frame, _ in frame.scratch + copiedAt }))
        }
        guard side.summed != 1 else { return phases }
        let count = side.summed
        phases.append(
            Kernel.Phase { frame in
                (frame.scratch + onesAt).assumingMemoryBound(to: Element.self).update(repeating: .one, count: count)
            })
        let panels = MatrixPanels(sums[index], nanoseconds: sums[index].nanoseconds(Element.self))
        phases.append(
            panels.phase { [source] frame in
                (
                    source.elements(frame),
                    UnsafePointer((frame.scratch + onesAt).assumingMemoryBound(to: Element.self)),
                    (frame.scratch + sumAt).assumingMemoryBound(to: Element.self)
                ) as MatrixOperands<Element>
            })
        return phases
    }
}
