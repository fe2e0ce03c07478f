package import Tensors

/// How the rows of a segment become one.
package struct SegmentFold: Sendable {
    fileprivate let update: RowUpdate
    /// What a fold of no rows begins with.
    fileprivate let start: ElementValue
    /// How the number of rows takes part at the end: the fold is divided by it, or by its root.
    fileprivate let divisor: (update: RowUpdate, isRoot: Bool)?
    fileprivate let dtype: DataType

    /// The folds that there are.
    package enum Kind: Sendable, Hashable {
        case sum
        case mean
        /// The sum divided by the root of the number of rows.
        case sumBySqrt
        case product
        case max
        case min
    }

    /// - Returns: nil if the dtype has no such fold.
    package init?(_ kind: Kind, _ dtype: DataType) {
        let formula: BinaryFormula =
            switch kind {
            case .sum, .mean, .sumBySqrt: .add
            case .product: .multiply
            case .max: .maximum
            case .min: .minimum
            }
        let start: ElementValue? =
            switch kind {
            case .sum, .mean, .sumBySqrt: ElementValue(0, as: dtype)
            case .product: ElementValue(1, as: dtype)
            case .max: .least(dtype)
            case .min: .greatest(dtype)
            }
        guard dtype != .bool, let update = RowUpdate(formula, dtype), let start else { return nil }
        self.update = update
        self.start = start
        self.dtype = dtype
        guard kind == .mean || kind == .sumBySqrt else {
            divisor = nil
            return
        }
        guard let division = RowUpdate(dtype.isInteger ? .divide : .realDivide, dtype) else { return nil }
        divisor = (division, kind == .sumBySqrt)
    }

    /// Divides a fold of `count` rows by what it is to be divided by.
    fileprivate func finish(_ row: UnsafeMutableRawPointer, rowSize: Int, count: Int) {
        guard let divisor, count > 1 else { return }
        let number = divisor.isRoot ? Double(count).squareRoot() : Double(count)
        guard let value = ElementValue(number, as: dtype) else { return }
        divisor.update.apply(value, toAll: row, count: rowSize)
    }
}

/// Neighbouring rows that belong to one segment.
package struct SegmentRun: Sendable {
    let segment: Int
    let rows: Range<Int>

    /// The runs of segment numbers that do not go down.
    package static func runs(_ ids: [Int]) -> [SegmentRun] {
        var result: [SegmentRun] = []
        var first = 0
        for (row, id) in ids.enumerated() where row + 1 == ids.count || ids[row + 1] != id {
            result.append(SegmentRun(segment: id, rows: first..<row + 1))
            first = row + 1
        }
        return result
    }
}

extension Kernel {
    /// Folds runs of rows of input 0, each into the output row of its segment.
    ///
    /// - Parameters:
    ///   - fold: How.
    ///   - runs: Whose segments are rows of the output.
    ///   - rowSize: Elements of a row.
    ///   - empty: What a row without a run is.
    ///   - outputCount: Elements of the output.
    ///   - indices: If given: row `i` of a run is the row that element `i` of this input names, below `limit`.
    /// - Returns: The kernel.
    package static func fold(
        _ fold: SegmentFold, runs: [SegmentRun], rowSize: Int, empty: ElementValue, outputCount: Int,
        indices: (input: Int, reader: IndexReader, limit: Int)? = nil
    ) -> Kernel {
        let width = fold.update.width
        let rowBytes = rowSize &* width
        return Kernel { frame in
            let output = frame.rawOutput()
            output.fill(with: empty, width: width, count: outputCount)
            for run in runs {
                let result = output + run.segment &* rowBytes
                for number in run.rows {
                    if frame.isOver(after: 1 &+ rowSize) { return }
                    var row = number
                    if let indices {
                        row = indices.reader.read(frame.rawInput(indices.input), at: number)
                        guard row >= 0, row < indices.limit else {
                            frame.report(.indexOutOfRange(position: number, value: row, limit: indices.limit))
                            continue
                        }
                    }
                    let source = frame.rawInput(0) + row &* rowBytes
                    if number == run.rows.lowerBound {
                        result.copyShort(from: source, byteCount: rowBytes)
                    } else {
                        fold.update.apply(source, to: result, count: rowSize, frame)
                    }
                }
                fold.finish(result, rowSize: rowSize, count: run.rows.count)
            }
        }
    }

    /// Folds each row of input 0 into the output row that an element of input 1 names; a negative one names none.
    ///
    /// - Parameters:
    ///   - fold: How; no mean.
    ///   - ids: How to read input 1.
    ///   - idsShape: Its shape.
    ///   - rowSize: Elements of a row.
    ///   - segmentCount: Rows of the output.
    /// - Returns: The kernel.
    package static func fold(
        _ fold: SegmentFold, ids: IndexReader, idsShape: Shape, rowSize: Int, segmentCount: Int
    ) -> Kernel {
        let rowBytes = rowSize &* fold.update.width
        return Kernel { frame in
            let output = frame.rawOutput()
            output.fill(with: fold.start, width: fold.update.width, count: segmentCount &* rowSize)
            for row in 0..<idsShape.elementCount {
                if frame.isOver(after: 1 &+ rowSize) { return }
                let segment = ids.read(frame.rawInput(1), at: row)
                guard segment >= 0 else { continue }
                guard segment < segmentCount else {
                    frame.report(
                        .segmentOutOfRange(position: row, value: segment, limit: segmentCount, of: idsShape))
                    continue
                }
                fold.update.apply(
                    frame.rawInput(0) + row &* rowBytes, to: output + segment &* rowBytes, count: rowSize, frame)
            }
        }
    }
}
