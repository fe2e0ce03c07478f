internal import CKernels
internal import Tensors

/// A convolution of images [batch, height, width, depth] with a filter of 3 x 3 or 5 x 5 by Winograd's way: see `ckernels_winograd.h`.
///
/// Many tiles are done a chunk at a time, so that what is between the transforms stays in the second cache. Few tiles of many channels are
/// done all at once, so that the filter is read once.
package struct WinogradConvolution: Hashable, Sendable {
    private let window: SpatialWindow
    private let batch: Int
    private let filter: WinogradFilter
    private let finish: LinearFinish

    /// - Parameters:
    ///   - window: How the filter moves.
    ///   - batch: The number of images.
    ///   - filter: How the filter lies.
    ///   - finish: What is done with each element.
    package init(window: SpatialWindow, batch: Int, _ filter: WinogradFilter, _ finish: LinearFinish) {
        self.window = window
        self.batch = batch
        self.filter = filter
        self.finish = finish
    }

    /// What all chunks share.
    private struct Task: Sendable {
        let winograd: ck_winograd
        let filter: WinogradFilter
        let operands: PanelOperands
        /// The tiles that there is room for.
        let tiles: Int
        let zeroBytes: Int

        /// Floats between tiles, so that their positions do not share the sets of a cache.
        private static let gap = Int(CK_LANES)

        init(_ convolution: WinogradConvolution, tiles: Int) {
            filter = convolution.filter
            winograd = ck_winograd(
                window: convolution.window.window, level: filter.level.code, channels: Int64(filter.channels),
                outputs: Int64(filter.outputs), size: Int64(filter.size))
            operands = PanelOperands(convolution.finish)
            self.tiles = tiles
            zeroBytes = (filter.channels &* MemoryLayout<Float>.stride).roundedUp(to: TensorStorage.alignment)
        }

        /// Floats from one transformed tile to the next, and from the products of one to those of the next.
        private var inputStep: Int { filter.positions &* filter.channels &+ Self.gap }
        private var productStep: Int { filter.positions &* filter.outputs &+ Self.gap }

        private var inputBytes: Int {
            (tiles &* inputStep &* MemoryLayout<Float>.stride).roundedUp(to: TensorStorage.alignment)
        }

        private var productBytes: Int {
            (tiles &* productStep &* MemoryLayout<Float>.stride).roundedUp(to: TensorStorage.alignment)
        }

        /// Zeros, transformed tiles, products.
        var bytes: Int { zeroBytes &+ inputBytes &+ productBytes }

        /// What tiles need that are convolved without being transformed.
        var directBytes: Int { withUnsafePointer(to: winograd) { Int(ck_winograd_direct_bytes($0)) } }

        private func transformed(_ memory: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Float> {
            (memory + zeroBytes).assumingMemoryBound(to: Float.self)
        }

        private func products(_ memory: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Float> {
            (memory + zeroBytes + inputBytes).assumingMemoryBound(to: Float.self)
        }

        // Safety, of all three: the memory is as large as `bytes` says; the window's sizes are those of the images and of the output.

        func setZeros(_ memory: UnsafeMutableRawPointer) {
            memory.initializeMemory(as: UInt8.self, repeating: 0, count: zeroBytes)
        }

        /// Transforms tiles, to a place behind the first of the memory.
        func transform(
            _ frame: KernelFrame, first: Int, count: Int, place: Int, _ memory: UnsafeMutableRawPointer
        ) {
            let zeros = UnsafePointer(memory.assumingMemoryBound(to: Float.self))
            withUnsafePointer(to: winograd) { winograd in
                ck_winograd_input(
                    winograd, frame.input(0), Int64(first), Int64(count), inputStep, zeros,
                    transformed(memory) + place &* inputStep)
            }
        }

        func multiply(_ frame: KernelFrame, position: Int, count: Int, _ memory: UnsafeMutableRawPointer) {
            let format = filter.format
            var product = ck_panel_product()
            product.level = filter.level.code
            product.precision = filter.precision.code
            product.taps = 1
            product.depth = Int64(filter.channels)
            product.columns = Int64(filter.outputs)
            product.panels = frame.input(1, as: Float.self) + position &* (format.wordCount ?? 0)
            product.output = products(memory) + position &* filter.outputs
            product.output_stride = productStep
            product.goes_on = position &+ 1 < filter.positions
            product.finish = CK_FINISH_NONE
            ck_panels_multiply(
                &product, transformed(memory) + position &* filter.channels, inputStep, 0, Int64(count), 0,
                Int64(format.panelCount))
        }

        /// Transforms products back; `direct` is memory of the worker's own, of ``directBytes``.
        func finish(
            _ frame: KernelFrame, first: Int, count: Int, place: Int, _ memory: UnsafeMutableRawPointer,
            direct: UnsafeMutableRawPointer
        ) {
            var product = operands.product(frame, filter.format)
            product.panels = frame.input(1, as: Float.self) + filter.directOffset
            withUnsafePointer(to: winograd) { winograd in
                ck_winograd_output(
                    winograd, &product, products(memory) + place &* productStep, frame.input(0), Int64(first),
                    Int64(count), productStep, direct)
            }
        }
    }

    private static let chunkBytes = 1 << 20
    private static let leastTiles = 24
    private static let mostTiles = 96
    /// With fewer chunks than these the workers would not get equal parts.
    private static let leastChunks = 4

    /// The kernel: inputs are the images, the filter as it is packed, and what the finish takes.
    package var kernel: Kernel {
        let tiles = batch.saturatingProduct(filter.tileCount(window))
        let each = max(1, filter.positions &* (filter.channels &+ filter.outputs) &* MemoryLayout<Float>.stride)
        let chunk = max(Self.leastTiles, min(Self.mostTiles, Self.chunkBytes / each))
        return tiles >= Self.leastChunks * chunk
            ? kernel(chunks: (tiles + chunk - 1) / chunk, tiles) : kernelOfAll(tiles)
    }

    private var name: Kernel.Name {
        switch (filter.taps, filter.size, filter.precision) {
        case (3, 4, .fp32): "conv2d.winograd4"
        case (5, _, .fp32): "conv2d.winograd5x5"
        case (_, _, .fp32): "conv2d.winograd2"
        case (_, _, .bf16): "conv2d.bf16Winograd2"
        }
    }

    /// About how long the products of a tile take.
    private var tileNanoseconds: Int {
        max(
            1,
            filter.positions.saturatingProduct(filter.channels.saturatingProduct(filter.outputs)).saturatingProduct(
                filter.level.picosecondsOfProduct * 3 / 2) / 1000)
    }

    private func kernel(chunks: Int, _ tiles: Int) -> Kernel {
        let task = Task(self, tiles: (tiles + chunks - 1) / chunks)
        let nanoseconds = task.tiles.saturatingProduct(tileNanoseconds)
        let phase = Kernel.Phase(units: chunks, unitNanoseconds: nanoseconds) { frame, units, own in
            task.setZeros(own)
            for unit in units {
                let (first, end) = (tiles * unit / chunks, tiles * (unit + 1) / chunks)
                task.transform(frame, first: first, count: end - first, place: 0, own)
                for position in 0..<task.filter.positions {
                    task.multiply(frame, position: position, count: end - first, own)
                }
                task.finish(frame, first: first, count: end - first, place: 0, own, direct: own + task.bytes)
                if frame.isOver(after: nanoseconds) { return }
            }
        }
        return Kernel(
            name, scratchBytesPerWorker: task.bytes &+ task.directBytes,
            overwritableInputs: task.operands.overwritableInputs, phases: [phase])
    }

    private func kernelOfAll(_ tiles: Int) -> Kernel {
        let task = Task(self, tiles: tiles)
        let transforming = filter.positions &* (filter.channels &+ filter.outputs) / 2
        let parts = max(1, min(tiles, 8))
        let partNanoseconds = (tiles / parts).saturatingProduct(transforming)
        let zeros = Kernel.Phase { frame in task.setZeros(frame.scratch) }
        let transform = Kernel.Phase(units: parts, unitNanoseconds: partNanoseconds) { frame, units, _ in
            let (first, end) = (tiles * units.lowerBound / parts, tiles * units.upperBound / parts)
            task.transform(frame, first: first, count: end - first, place: first, frame.scratch)
            _ = frame.isOver(after: partNanoseconds)
        }
        let nanoseconds = tiles.saturatingProduct(tileNanoseconds) / filter.positions
        let multiply = Kernel.Phase(units: filter.positions, unitNanoseconds: nanoseconds) { frame, units, _ in
            for position in units {
                task.multiply(frame, position: position, count: tiles, frame.scratch)
                if frame.isOver(after: nanoseconds) { return }
            }
        }
        let finish = Kernel.Phase(units: parts, unitNanoseconds: partNanoseconds) { frame, units, own in
            let (first, end) = (tiles * units.lowerBound / parts, tiles * units.upperBound / parts)
            task.finish(frame, first: first, count: end - first, place: first, frame.scratch, direct: own)
            _ = frame.isOver(after: partNanoseconds)
        }
        return Kernel(
            name, scratchBytes: task.bytes, scratchBytesPerWorker: task.directBytes,
            overwritableInputs: task.operands.overwritableInputs, phases: [zeros, transform, multiply, finish])
    }
}
