/// Moves a tensor's space into its batch and back: place `[block, batch, i, ...]` of the blocks is place
/// `[batch, i * blockSize + block - before, ...]` of the whole. What is before and after the whole is zero, or is left out.
package struct BlockMove: Sendable, Hashable {
    /// An axis of the space.
    package struct Axis: Sendable, Hashable {
        let wholeSize: Int
        let blocksSize: Int
        let blockSize: Int
        let before: Int

        /// - Parameters:
        ///   - wholeSize: Places of the whole.
        ///   - blocksSize: Places of a block.
        ///   - blockSize: How many blocks the axis is dealt to.
        ///   - before: Places before the whole.
        package init(wholeSize: Int, blocksSize: Int, blockSize: Int, before: Int) {
            self.wholeSize = wholeSize
            self.blocksSize = blocksSize
            self.blockSize = blockSize
            self.before = before
        }
    }

    private let axes: [Axis]
    private let batch: Int
    private let blockCount: Int
    /// Of one block of one member of the batch, of one of its places, ... : for each axis, and behind the last.
    private let blockStrides: [Int]
    private let wholeStrides: [Int]
    /// How many blocks follow each other before an axis goes on.
    private let repeats: [Int]

    /// - Parameters:
    ///   - axes: The space, outermost first.
    ///   - batch: Of the whole.
    ///   - pixelBytes: What is behind the space.
    package init(_ axes: [Axis], batch: Int, pixelBytes: Int) {
        var blockStrides = [pixelBytes]
        var wholeStrides = [pixelBytes]
        var repeats = [1]
        for axis in axes.reversed() {
            blockStrides.append(blockStrides[blockStrides.count - 1] &* axis.blocksSize)
            wholeStrides.append(wholeStrides[wholeStrides.count - 1] &* axis.wholeSize)
            repeats.append(repeats[repeats.count - 1] &* axis.blockSize)
        }
        self.axes = axes
        self.batch = batch
        blockCount = repeats[repeats.count - 1]
        self.blockStrides = blockStrides.reversed()
        self.wholeStrides = wholeStrides.reversed()
        self.repeats = repeats.reversed()
    }

    /// The kernel that makes blocks, the output, of the whole, input 0.
    package var toBlocks: Kernel {
        Kernel("spaceToBlocks") { frame in
            let whole = frame.rawInput(0)
            each(frame, frame.rawOutput()) { blocks, place, byteCount in
                guard let place else {
                    return _ = blocks.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
                }
                blocks.copyShort(from: whole + place, byteCount: byteCount)
            }
        }
    }

    /// The kernel that makes the whole, the output, of blocks, input 0.
    package var fromBlocks: Kernel {
        Kernel("blocksToSpace") { frame in
            let whole = frame.rawOutput()
            // Safety: the blocks are only read: what is done with their memory is up to the closure.
            each(frame, UnsafeMutableRawPointer(mutating: frame.rawInput(0))) { blocks, place, byteCount in
                if let place { (whole + place).copyShort(from: UnsafeRawPointer(blocks), byteCount: byteCount) }
            }
        }
    }

    private typealias Move = (UnsafeMutableRawPointer, _ place: Int?, _ byteCount: Int) -> Void

    @inline(__always)
    private func each(_ frame: KernelFrame, _ blocks: UnsafeMutableRawPointer, _ move: Move) {
        var blocks = blocks
        for block in 0..<blockCount {
            for member in 0..<batch {
                if frame.isOver(after: 1) { return }
                walk(frame, 0, block, &blocks, member &* wholeStrides[0], move)
            }
        }
    }

    /// As deep as there are axes.
    private func walk(
        _ frame: KernelFrame, _ depth: Int, _ block: Int, _ blocks: inout UnsafeMutableRawPointer, _ whole: Int,
        _ move: Move
    ) {
        guard depth < axes.count else {
            move(blocks, whole, blockStrides[depth])
            blocks += blockStrides[depth]
            return
        }
        let axis = axes[depth]
        let first = block / repeats[depth + 1] % axis.blockSize &- axis.before
        for index in 0..<axis.blocksSize {
            if frame.isOver(after: 1 &+ blockStrides[depth + 1] / 16) { return }
            let place = index &* axis.blockSize &+ first
            if place >= 0 && place < axis.wholeSize {
                walk(frame, depth + 1, block, &blocks, whole &+ place &* wholeStrides[depth + 1], move)
            } else {
                move(blocks, nil, blockStrides[depth + 1])
                blocks += blockStrides[depth + 1]
            }
        }
    }
}
