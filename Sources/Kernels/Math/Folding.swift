internal import CKernels
internal import Tensors

/// A fold of one run of neighbouring axes: the sizes before, of and after them.
struct FoldPass: Sendable {
    let outer: Int
    let count: Int
    let inner: Int

    var outputCount: Int { outer &* inner }

    /// The passes that fold the given axes, the last axes first.
    ///
    /// Axes of size 1 need none.
    static func passes(_ shape: Shape, axes: [Int]) -> [FoldPass] {
        var runs: [(size: Int, isFolded: Bool)] = []
        for (axis, size) in shape.dimensions.enumerated() where size != 1 {
            let isFolded = axes.contains(axis)
            if let last = runs.last, last.isFolded == isFolded {
                runs[runs.count - 1].size = last.size &* size
            } else {
                runs.append((size, isFolded))
            }
        }
        var result: [FoldPass] = []
        var inner = 1
        while let run = runs.popLast() {
            if run.isFolded {
                let outer = runs.reduce(1) { $0 &* $1.size }
                result.append(FoldPass(outer: outer, count: run.size, inner: inner))
            } else {
                inner &*= run.size
            }
        }
        return result
    }
}

/// Passes one after another. All but the last write to scratch memory, alternately to two areas.
struct Folding: Sendable {
    /// Where a pass reads or writes.
    private enum Place: Sendable {
        case input
        case output
        case scratch(Int)

        func source(_ frame: KernelFrame) -> UnsafeRawPointer {
            if case .scratch(let offset) = self { UnsafeRawPointer(frame.scratch + offset) } else { frame.rawInput(0) }
        }

        func target(_ frame: KernelFrame) -> UnsafeMutableRawPointer {
            if case .scratch(let offset) = self { frame.scratch + offset } else { frame.rawOutput() }
        }
    }

    /// A computation on each element of the result, such as the division of a mean.
    ///
    /// - `result`: The memory of the whole result.
    typealias Finish =
        @Sendable (_ frame: KernelFrame, _ result: UnsafeMutableRawPointer, _ first: Int, _ count: Int) -> Void

    let passes: [FoldPass]
    /// The loop of the first pass, which reads the input.
    let first: Loop<ck_reduce_fn>
    /// The loop of the other passes.
    let next: Loop<ck_reduce_fn>
    /// Folds the folds of parts of an axis. It is nil if folding parts would change the result.
    let join: Loop<ck_reduce_fn>?
    /// Bytes of an element of the input.
    let inputWidth: Int
    /// Bytes of an element between passes.
    let width: Int
    /// Whether elements are complex.
    var isComplex = false
    /// Whether the last pass also writes to scratch memory.
    var endsInScratch = false

    /// The size of each area.
    private var areaBytes: Int {
        let counts = endsInScratch ? passes[...] : passes.dropLast()
        return bytes(counts.reduce(0) { max($0, $1.outputCount) })
    }

    private var partsBytes: Int {
        bytes(
            passes.indices.reduce(0) { largest, index in
                guard case .parts(let parts) = cut(index) else { return largest }
                return max(largest, parts.count.saturatingProduct(passes[index].outputCount))
            })
    }

    /// Aligned bytes of so many elements. A size that no memory has stands for all larger ones.
    private func bytes(_ count: Int) -> Int {
        count > Int.max / 64 ? Int.max / 8 : (count * width).roundedUp(to: TensorStorage.alignment)
    }

    var scratchBytes: Int { areaBytes * 2 + partsBytes }

    /// The phases that compute all passes.
    ///
    /// - Parameters:
    ///   - offset: Where in scratch memory the first pass reads; nil if it reads the input.
    ///   - finish: Computed on the results of the last pass.
    /// - Returns: The phases.
    func phases(readingScratchAt offset: Int? = nil, finish: Finish? = nil) -> [Kernel.Phase] {
        let area = areaBytes
        var source = offset.map { Place.scratch($0) } ?? .input
        var phases: [Kernel.Phase] = []
        for index in passes.indices {
            let isLast = index == passes.count - 1
            let target = isLast && !endsInScratch ? Place.output : .scratch((index & 1) * area)
            phases += self.phases(index, from: source, to: target, finish: isLast ? finish : nil)
            source = target
        }
        return phases
    }
}

// How passes are cut.
extension Folding {
    /// The ways to cut a pass into units.
    private enum Cut: Sendable {
        /// Some rows of the outer axis.
        case rows(perUnit: Int)
        /// Some columns of the inner axis.
        case columns(perUnit: Int)
        /// Some parts of the folded axis, which are joined afterwards.
        case parts(Parts)
    }

    /// The parts of a folded axis. Their size is the size of the blocks in which the loops add up numbers. Sums of parts
    /// are therefore the same, bit for bit, as sums of the whole.
    private struct Parts: Sendable {
        let size: Int
        let wholeCount: Int
        /// Elements after the last whole part.
        let rest: Int
        /// Whether each element of the rest is a part of its own.
        let isRestSingle: Bool
        let perUnit: Int

        var count: Int { wholeCount + (rest == 0 ? 0 : isRestSingle ? rest : 1) }
        var unitsPerRow: Int { (wholeCount + perUnit - 1) / perUnit }
    }

    private static let unitNanoseconds = 25_000
    /// With so many units, work is shared out well enough.
    private static let goodUnitCount = 16
    /// The loops compute so many columns at a time.
    private static let columnBlock = 64

    private func nanoseconds(_ index: Int) -> Int {
        let pass = passes[index]
        let bytes = pass.outputCount.saturatingProduct(pass.count).saturatingProduct(index == 0 ? inputWidth : width)
        let isSlow = pass.inner > 1 && pass.inner < 16
        return bytes / 1000 * (isSlow ? 240 : 30)
    }

    private func cut(_ index: Int) -> Cut {
        let pass = passes[index]
        let wanted = nanoseconds(index) / Self.unitNanoseconds
        guard wanted > 1 else { return .rows(perUnit: max(1, pass.outer)) }
        let rows = Cut.rows(perUnit: (pass.outer + wanted - 1) / wanted)
        guard pass.outer < min(wanted, Self.goodUnitCount) else { return rows }
        let units = (wanted + pass.outer - 1) / pass.outer
        if pass.inner >= Self.goodUnitCount * Self.columnBlock {
            return .columns(perUnit: ((pass.inner + units - 1) / units).roundedUp(to: Self.columnBlock))
        }
        let isRow = pass.inner == 1 && !isComplex
        let size = Int(isRow ? CK_SUM_ROW_PART : CK_SUM_COLUMN_PART)
        guard join != nil, pass.count >= 2 * size else { return rows }
        let (whole, rest) = pass.count.quotientAndRemainder(dividingBy: size)
        return .parts(
            Parts(
                size: size, wholeCount: whole, rest: rest, isRestSingle: isRow && rest < CK_SUM_SHORT_ROW,
                perUnit: (whole + units - 1) / units))
    }

    private func phases(_ index: Int, from source: Place, to target: Place, finish: Finish?) -> [Kernel.Phase] {
        switch cut(index) {
        case .rows(let perUnit): [rowsPhase(index, perUnit, source, target, finish)]
        case .columns(let perUnit): [columnsPhase(index, perUnit, source, target, finish)]
        case .parts(let parts): partsPhases(index, parts, source, target, finish)
        }
    }

    private func rowsPhase(
        _ index: Int, _ perUnit: Int, _ source: Place, _ target: Place, _ finish: Finish?
    ) -> Kernel.Phase {
        let (pass, loop) = (passes[index], index == 0 ? first : next)
        let (each, made) = (pass.count &* pass.inner &* (index == 0 ? inputWidth : width), pass.inner &* width)
        let units = max(1, (pass.outer + perUnit - 1) / perUnit)
        return Kernel.Phase(units: units, unitNanoseconds: nanoseconds(index) / units) { frame, units, _ in
            let (from, to) = (source.source(frame), target.target(frame))
            let rows = units.lowerBound &* perUnit..<min(pass.outer, units.upperBound &* perUnit)
            frame.inBlocks(ofRows: rows, work: pass.count &* pass.inner) { first, count in
                loop.call(from + first &* each, to + first &* made, count, pass.count, pass.inner, pass.inner)
                finish?(frame, to, first &* pass.inner, count &* pass.inner)
            }
        }
    }

    private func columnsPhase(
        _ index: Int, _ perUnit: Int, _ source: Place, _ target: Place, _ finish: Finish?
    ) -> Kernel.Phase {
        let (pass, loop) = (passes[index], index == 0 ? first : next)
        let (sourceWidth, width) = (index == 0 ? inputWidth : width, width)
        let unitsPerRow = (pass.inner + perUnit - 1) / perUnit
        let count = pass.outer &* unitsPerRow
        return Kernel.Phase(units: count, unitNanoseconds: nanoseconds(index) / count) { frame, units, _ in
            let (from, to) = (source.source(frame), target.target(frame))
            for unit in units {
                let (row, place) = unit.quotientAndRemainder(dividingBy: unitsPerRow)
                let column = place &* perUnit
                let columns = min(perUnit, pass.inner &- column)
                let result = row &* pass.inner &+ column
                loop.call(
                    from + (row &* pass.count &* pass.inner &+ column) &* sourceWidth, to + result &* width, 1,
                    pass.count, pass.inner, columns)
                finish?(frame, to, result, columns)
                if frame.isOver(after: pass.count &* columns) { return }
            }
        }
    }

    private func partsPhases(
        _ index: Int, _ parts: Parts, _ source: Place, _ target: Place, _ finish: Finish?
    ) -> [Kernel.Phase] {
        let (pass, loop, join) = (passes[index], index == 0 ? first : next, join)
        let (each, made) = (pass.inner &* (index == 0 ? inputWidth : width), pass.inner &* width)
        let offset = areaBytes * 2
        let count = pass.outer &* parts.unitsPerRow
        let fold = Kernel.Phase(units: count, unitNanoseconds: nanoseconds(index) / count) { frame, units, _ in
            let (from, to) = (source.source(frame), frame.scratch + offset)
            for unit in units {
                let (row, group) = unit.quotientAndRemainder(dividingBy: parts.unitsPerRow)
                let (begin, end) = (group &* parts.perUnit, min(parts.wholeCount, (group &+ 1) &* parts.perUnit))
                let (input, output) = (from + row &* pass.count &* each, to + row &* parts.count &* made)
                loop.call(
                    input + begin &* parts.size &* each, output + begin &* made, end &- begin, parts.size, pass.inner,
                    pass.inner)
                if end == parts.wholeCount, parts.rest > 0 {
                    let (outer, size) = parts.isRestSingle ? (parts.rest, 1) : (1, parts.rest)
                    loop.call(
                        input + end &* parts.size &* each, output + end &* made, outer, size, pass.inner, pass.inner)
                }
                if frame.isOver(after: (end &- begin) &* parts.size &* pass.inner) { return }
            }
        }
        let combine = Kernel.Phase { frame in
            let to = target.target(frame)
            join?.call(frame.scratch + offset, to, pass.outer, parts.count, pass.inner, pass.inner)
            finish?(frame, to, 0, pass.outputCount)
            _ = frame.isOver(after: parts.count &* pass.outputCount)
        }
        return [fold, combine]
    }
}
