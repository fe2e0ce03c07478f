internal import CKernels
package import Tensors

/// How a row of elements goes into a row that is there.
package struct RowUpdate: Sendable {
    private enum Work: Sendable {
        case replace
        case compute(Loop<ck_binary_fn>)
        case joinStrings
        case or
        /// The larger or the smaller of two narrow floats, NaN if either is.
        case choose(OrderReader, larger: Bool)
    }

    private let work: Work
    /// Bytes of an element.
    package let width: Int

    /// Puts the new row in the place of the old one.
    package static func replace(width: Int) -> RowUpdate { RowUpdate(.replace, width) }

    private init(_ work: Work, _ width: Int) {
        self.work = work
        self.width = width
    }

    /// Combines the old row and the new one, in this order.
    ///
    /// Strings add by joining, truth values by "or".
    ///
    /// - Returns: nil if the formula has no loop for the dtype.
    package init?(_ formula: BinaryFormula, _ dtype: DataType) {
        width = dtype.stride
        switch dtype {
        case .string where formula == .add: work = .joinStrings
        case .bool where formula == .add: work = .or
        case .float16, .bfloat16:
            guard formula == .maximum || formula == .minimum, let reader = OrderReader(dtype) else { return nil }
            work = .choose(reader, larger: formula == .maximum)
        default:
            guard let loop = Loop(ck_binary_loop(formula.code, dtype.rawValue)) else { return nil }
            work = .compute(loop)
        }
    }

    @inline(__always)
    func apply(
        _ source: UnsafeRawPointer, to destination: UnsafeMutableRawPointer, count: Int, _ frame: KernelFrame
    ) {
        switch work {
        case .replace: destination.copyShort(from: source, byteCount: count &* width)
        case .compute(let loop): _ = loop.call(destination, 1, source, 1, destination, count)
        case .joinStrings:
            let old = destination.assumingMemoryBound(to: TensorString.self)
            let new = source.assumingMemoryBound(to: TensorString.self)
            for index in 0..<count { old[index] = Kernel.join(old[index], new[index], frame) }
        case .or:
            let old = destination.assumingMemoryBound(to: UInt8.self)
            let new = source.assumingMemoryBound(to: UInt8.self)
            for index in 0..<count { old[index] |= new[index] }
        case .choose(let reader, let larger):
            let old = destination.assumingMemoryBound(to: UInt16.self)
            let new = source.assumingMemoryBound(to: UInt16.self)
            for index in 0..<count {
                let (mine, theirs) = (reader.key(destination, at: index), reader.key(source, at: index))
                if reader.isNaN(key: mine) { continue }
                if reader.isNaN(key: theirs) || (larger ? theirs > mine : theirs < mine) { old[index] = new[index] }
            }
        }
    }

    /// Combines all elements of a row with one value.
    func apply(_ value: ElementValue, toAll destination: UnsafeMutableRawPointer, count: Int) {
        guard case .compute(let loop) = work else { return }
        value.withBytes { _ = loop.call(destination, 1, $0, 0, destination, count) }
    }
}
