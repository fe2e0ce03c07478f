internal import CKernels
internal import Tensors

/// Moves elements from one arrangement to another: transposes, slices, concatenates, tiles.
///
/// It knows widths only, not dtypes. Made once a plan: axes that follow each other in both memories are merged, and the
/// fastest way of moving what is left is chosen. Empty where an axis is.
package struct StridedCopy: Sendable, Hashable {
    /// A loop: how often, and how far both sides move each time.
    package struct Axis: Sendable, Hashable {
        let count: Int
        /// In bytes; negative to read backwards, 0 to repeat.
        let source: Int
        /// In bytes.
        let destination: Int

        package init(count: Int, source: Int, destination: Int) {
            self.count = count
            self.source = source
            self.destination = destination
        }
    }

    /// What the innermost loops do.
    private enum Body: Sendable, Hashable {
        case nothing
        case block(byteCount: Int)
        case rows(Axis, byteCount: Int)
        case elements(Axis, width: Int)
        /// The first axis is contiguous in the source, the second in the destination.
        case tiles(Axis, Axis, width: Int)
    }

    private let outer: [Axis]
    private let body: Body

    /// Chooses the loops.
    ///
    /// - Parameters:
    ///   - width: Bytes of an element: 1, 2, 4, 8 or 16.
    ///   - axes: Outermost first, in the order of the destination.
    package init(width: Int, _ axes: [Axis]) {
        guard axes.allSatisfy({ $0.count > 0 }) else {
            (outer, body) = ([], .nothing)
            return
        }
        var rest = Self.merge(axes)
        var width = width
        if let last = rest.last, last.source == width, last.destination == width {
            rest.removeLast()
            let byteCount = last.count * width
            guard let rows = rest.popLast() else {
                (outer, body) = ([], .block(byteCount: byteCount))
                return
            }
            guard [2, 4, 8, 16].contains(byteCount) else {
                (outer, body) = (rest, .rows(rows, byteCount: byteCount))
                return
            }
            // Short rows move as wide elements.
            rest.append(rows)
            width = byteCount
        }
        (outer, body) = Self.chooseElements(width, rest)
    }

    private init(outer: [Axis], body: Body) {
        self.outer = outer
        self.body = body
    }

    /// Whether it copies one block from its beginning to its end: the bytes are the same on both sides.
    package var isPlain: Bool {
        switch body {
        case .nothing, .block: outer.isEmpty
        default: false
        }
    }

    private static func merge(_ axes: [Axis]) -> [Axis] {
        var merged: [Axis] = []
        for axis in axes where axis.count != 1 {
            guard let last = merged.last, last.source == axis.count &* axis.source,
                last.destination == axis.count &* axis.destination
            else {
                merged.append(axis)
                continue
            }
            merged[merged.count - 1] = Axis(
                count: last.count &* axis.count, source: axis.source, destination: axis.destination)
        }
        return merged
    }

    /// Fewer columns than this are not worth a tile.
    private static let smallestTile = 4

    private static func chooseElements(_ width: Int, _ axes: [Axis]) -> ([Axis], Body) {
        var rest = axes
        guard let last = rest.popLast() else { return ([], .block(byteCount: width)) }
        if last.destination == width, last.count >= smallestTile,
            let index = rest.lastIndex(where: { $0.source == width && $0.count >= smallestTile })
        {
            let columns = rest.remove(at: index)
            return (rest, .tiles(columns, last, width: width))
        }
        return (rest, .elements(last, width: width))
    }
}

extension StridedCopy {
    /// Copies, until the run's time is over. The two memories must not overlap.
    package func run(_ frame: KernelFrame, from source: UnsafeRawPointer, to destination: UnsafeMutableRawPointer) {
        outer.withUnsafeBufferPointer { walk(frame, $0, 0, source, destination) }
    }

    /// How much work the innermost loops are.
    private var bodyWork: Int {
        switch body {
        case .nothing: 0
        case .block(let byteCount): byteCount / 16
        case .rows(let axis, let byteCount): axis.count &* (1 &+ byteCount / 16)
        case .elements(let axis, _): axis.count
        case .tiles(let columns, let rows, _): columns.count &* rows.count
        }
    }

    /// As deep as there are axes: at most the rank.
    private func walk(
        _ frame: KernelFrame, _ axes: UnsafeBufferPointer<Axis>, _ depth: Int, _ source: UnsafeRawPointer,
        _ destination: UnsafeMutableRawPointer
    ) {
        guard depth < axes.count else { return runBody(frame, source, destination) }
        let axis = axes[depth]
        for index in 0..<axis.count {
            if depth == axes.count - 1, frame.isOver(after: bodyWork) { return }
            walk(frame, axes, depth + 1, source + index &* axis.source, destination + index &* axis.destination)
        }
    }

    private func runBody(
        _ frame: KernelFrame, _ source: UnsafeRawPointer, _ destination: UnsafeMutableRawPointer
    ) {
        switch body {
        case .nothing: return
        case .block(let byteCount): frame.copy(source, to: destination, byteCount: byteCount)
        case .rows(let axis, let byteCount):
            frame.eachElement(of: axis.count, work: 1 &+ byteCount / 16) { index in
                (destination + index &* axis.destination).copyMemory(
                    from: source + index &* axis.source, byteCount: byteCount)
            }
        case .elements(let axis, let width):
            frame.inBlocks(of: axis.count) { first, count in
                let part = Axis(count: count, source: axis.source, destination: axis.destination)
                let (source, destination) = (source + first &* axis.source, destination + first &* axis.destination)
                switch width {
                case 1: Self.move(UInt8.self, part, source, destination)
                case 2: Self.move(UInt16.self, part, source, destination)
                case 4: Self.move(UInt32.self, part, source, destination)
                case 8: Self.move(UInt64.self, part, source, destination)
                default: Self.move(SixteenBytes.self, part, source, destination)
                }
            }
        case .tiles(let columns, let rows, let width):
            // Safety: every element of both axes lies in the two memories.
            frame.inBlocks(ofRows: (columns.count + 63) / 64, work: 64 &* rows.count) { first, count in
                let (begin, end) = (64 &* first, min(64 &* (first + count), columns.count))
                ckernels_transpose(
                    Int64(width), Int64(rows.count), Int64(end - begin), source + begin &* columns.source,
                    Int64(rows.source), destination + begin &* columns.destination, Int64(columns.destination))
            }
        }
    }

    @inline(__always)
    private static func move<Element: BitwiseCopyable>(
        _ type: Element.Type, _ axis: Axis, _ source: UnsafeRawPointer, _ destination: UnsafeMutableRawPointer
    ) {
        var source = source
        var destination = destination
        for _ in 0..<axis.count {
            destination.storeBytes(of: source.loadUnaligned(as: Element.self), as: Element.self)
            source += axis.source
            destination += axis.destination
        }
    }
}

extension StridedCopy {
    /// A part of a copy, which does not depend on the other parts.
    struct Part: Sendable {
        let copy: StridedCopy
        /// Where it begins in the source, in bytes.
        let source: Int
        /// Where it begins in the destination, in bytes.
        let destination: Int
    }

    /// About how long the copy takes.
    var picoseconds: Int {
        let each =
            switch body {
            case .nothing: 0
            case .block(let byteCount): byteCount.saturatingProduct(100).saturatingSum(5000)
            case .rows(let axis, let byteCount): axis.count.saturatingProduct(byteCount * 100 + 5000)
            case .elements(let axis, let width): axis.count.saturatingProduct(width * 100 + 600)
            case .tiles(let columns, let rows, let width):
                columns.count.saturatingProduct(rows.count).saturatingProduct(width * 100 + 600)
            }
        return outer.reduce(each) { $0.saturatingProduct($1.count) }
    }

    private static let maxParts = 64
    /// A column of tiles, a row of them, and a block are cut at multiples of so many columns, rows and bytes.
    private static let (columnStep, rowStep, byteStep) = (64, 32, 4096)

    /// Parts of about as long as a unit of a kernel takes, cut along the axis that has the most places.
    var parts: [Part] {
        let wanted = min(Self.maxParts, picoseconds / 1000 / Kernel.loopUnitNanoseconds)
        guard wanted > 1 else { return [Part(copy: self, source: 0, destination: 0)] }
        let longest = outer.indices.max { outer[$0].count < outer[$1].count }
        if let longest, outer[longest].count >= min(wanted, bodySteps) {
            return Self.split(outer[longest].count, step: 1, wanted) { range in
                var axes = outer
                axes[longest] = axes[longest].part(range)
                return Part(copy: StridedCopy(outer: axes, body: body), along: outer[longest], range)
            }
        }
        func part(_ axis: Axis, _ range: Range<Int>, _ body: Body) -> Part {
            Part(copy: StridedCopy(outer: outer, body: body), along: axis, range)
        }
        switch body {
        case .nothing: return [Part(copy: self, source: 0, destination: 0)]
        case .block(let byteCount):
            return Self.split(byteCount, step: Self.byteStep, wanted) { range in
                part(Axis(count: byteCount, source: 1, destination: 1), range, .block(byteCount: range.count))
            }
        case .rows(let axis, let byteCount):
            return Self.split(axis.count, step: 1, wanted) { range in
                part(axis, range, .rows(axis.part(range), byteCount: byteCount))
            }
        case .elements(let axis, let width):
            return Self.split(axis.count, step: Self.columnStep, wanted) { range in
                part(axis, range, .elements(axis.part(range), width: width))
            }
        case .tiles(let columns, let rows, let width):
            if columns.count / Self.columnStep >= rows.count / Self.rowStep {
                return Self.split(columns.count, step: Self.columnStep, wanted) { range in
                    part(columns, range, .tiles(columns.part(range), rows, width: width))
                }
            }
            return Self.split(rows.count, step: Self.rowStep, wanted) { range in
                part(rows, range, .tiles(columns, rows.part(range), width: width))
            }
        }
    }

    /// Into how many parts the innermost loops can be cut.
    private var bodySteps: Int {
        switch body {
        case .nothing: 1
        case .block(let byteCount): byteCount / Self.byteStep
        case .rows(let axis, _): axis.count
        case .elements(let axis, _): axis.count / Self.columnStep
        case .tiles(let columns, let rows, _): max(columns.count / Self.columnStep, rows.count / Self.rowStep)
        }
    }

    /// Calls `body` for ranges of places, all but the last of which have the same multiple of `step` places.
    private static func split(_ count: Int, step: Int, _ wanted: Int, _ body: (Range<Int>) -> Part) -> [Part] {
        let size = ((count + wanted - 1) / wanted).roundedUp(to: step)
        return stride(from: 0, to: count, by: size).map { body($0..<min(count, $0 + size)) }
    }
}

extension StridedCopy.Axis {
    /// Some places of the axis.
    fileprivate func part(_ range: Range<Int>) -> StridedCopy.Axis {
        StridedCopy.Axis(count: range.count, source: source, destination: destination)
    }
}

extension StridedCopy.Part {
    /// - Parameters:
    ///   - copy: What it moves.
    ///   - axis: The axis that was cut.
    ///   - range: The places of the axis.
    fileprivate init(copy: StridedCopy, along axis: StridedCopy.Axis, _ range: Range<Int>) {
        self.init(
            copy: copy, source: range.lowerBound &* axis.source, destination: range.lowerBound &* axis.destination)
    }
}

/// An element of 16 bytes (a string's descriptor, a complex128) that may lie on any multiple of 8.
struct SixteenBytes: BitwiseCopyable {
    let low: UInt64
    let high: UInt64
}
