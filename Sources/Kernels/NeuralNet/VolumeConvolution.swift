internal import CKernels
internal import Glibc
package import Tensors

/// A convolution of volumes (images among them) that lie as [batch, planes, rows, columns, depth] with a filter [planes,
/// rows, columns, depth, outputs], and its gradients.
///
/// What the filter sees at each place becomes a row of a matrix, or comes from one, a block of rows at a time.
package struct VolumeConvolution: Sendable, Hashable {
    private let window: VolumeWindow
    private let batch: Int
    private let inputDepth: Int
    private let outputDepth: Int

    /// - Parameters:
    ///   - window: How the filter moves.
    ///   - batch: The number of volumes.
    ///   - inputDepth: Channels of a volume.
    ///   - outputDepth: Channels of the result.
    package init(window: VolumeWindow, batch: Int, inputDepth: Int, outputDepth: Int) {
        self.window = window
        self.batch = batch
        self.inputDepth = inputDepth
        self.outputDepth = outputDepth
    }

    /// The result, of volumes (input 0) and filter (input 1); nil for a dtype without a kernel, and for sizes that BLAS
    /// cannot count.
    package func forward(_ dtype: DataType) -> Kernel? {
        switch dtype {
        case .float32: forward(Float.self)
        case .float64: forward(Double.self)
        default: nil
        }
    }

    /// The gradient by the volumes, of the filter (input 1) and the result's gradient (input 2); nil as ``forward(_:)``.
    package func gradientByVolumes(_ dtype: DataType) -> Kernel? {
        switch dtype {
        case .float32: gradientByVolumes(Float.self)
        case .float64: gradientByVolumes(Double.self)
        case .int32: gradientByVolumes(Int32.self)
        default: nil
        }
    }

    /// The gradient by the filter, of the volumes (input 0) and the result's gradient (input 2); nil as ``forward(_:)``.
    package func gradientByFilter(_ dtype: DataType) -> Kernel? {
        switch dtype {
        case .float32: gradientByFilter(Float.self)
        case .float64: gradientByFilter(Double.self)
        default: nil
        }
    }
}

extension VolumeConvolution {
    /// Rows of patches are made until they take this many bytes; a single row may take more.
    private static let blockBytes = 1 << 20

    /// Elements of a row of patches.
    private var depth: Int { window.filterCount &* inputDepth }
    private var volumeSize: Int { window.pixelCount &* inputDepth }
    private var resultSize: Int { window.outputCount &* outputDepth }

    private func rowsPerBlock(_ width: Int) -> Int {
        max(1, min(window.outputCount, Self.blockBytes / max(1, depth &* width)))
    }

    /// Products of as many rows as a block has: `products[0]` of a whole one, `products[1]` of the rest.
    private func products(_ rows: Int, _ make: (Int) -> MatrixProduct?) -> [MatrixProduct]? {
        guard let whole = make(rows), let rest = make(window.outputCount % rows) else { return nil }
        return [whole, rest]
    }

    /// Calls `body` for each block of a volume: its first place, how many there are, and the product for them.
    @inline(__always)
    private func eachBlock(
        _ frame: KernelFrame, _ rows: Int, _ products: [MatrixProduct], _ body: (Int, Int, MatrixProduct) -> Void
    ) {
        for first in stride(from: 0, to: window.outputCount, by: rows) {
            let count = min(rows, window.outputCount &- first)
            if frame.isOver(after: count &* depth) { return }
            body(first, count, products[count == rows ? 0 : 1])
        }
    }

    private func forward<Element: MatrixElement>(_ type: Element.Type) -> Kernel? {
        let width = MemoryLayout<Element>.stride
        let rows = rowsPerBlock(width)
        let made = products(rows) { MatrixProduct(rows: $0, columns: outputDepth, depth: depth) }
        guard let made else { return nil }
        let pixelBytes = Int64(inputDepth &* width)
        return Kernel("conv3d.im2col", scratchBytes: rows &* depth &* width) { [window = window.window] frame in
            let patches = frame.scratch.assumingMemoryBound(to: Element.self)
            // Safety: the window's sizes are those of the volumes; the scratch holds a block.
            withUnsafePointer(to: window) { window in
                for number in 0..<batch {
                    let volume = frame.input(0, as: Element.self) + number &* volumeSize
                    let result = frame.output(as: Element.self) + number &* resultSize
                    eachBlock(frame, rows, made) { first, count, product in
                        ck_volume_patches(window, volume, pixelBytes, Int64(first), Int64(count), patches)
                        Element.multiply(frame, product, patches, frame.input(1), result + first &* outputDepth)
                    }
                }
            }
        }
    }

    private func gradientByVolumes<Element: VolumeElement>(_ type: Element.Type) -> Kernel? {
        let width = MemoryLayout<Element>.stride
        let rows = window.isPointwise ? max(1, window.outputCount) : rowsPerBlock(width)
        let made = products(rows) {
            MatrixProduct(rows: $0, columns: depth, depth: outputDepth, transposesRight: true)
        }
        guard let made else { return nil }
        let isDirect = window.isPointwise
        let scratchBytes = isDirect ? 0 : rows &* depth &* width
        return Kernel(scratchBytes: scratchBytes) { [window = window.window] frame in
            let patches = frame.scratch.assumingMemoryBound(to: Element.self)
            if !isDirect { memset(frame.rawOutput(), 0, batch &* volumeSize &* width) }
            // Safety: the window's sizes are those of the volumes; the scratch holds a block.
            withUnsafePointer(to: window) { window in
                for number in 0..<batch {
                    let gradient = frame.input(2, as: Element.self) + number &* resultSize
                    let volume = frame.output(as: Element.self) + number &* volumeSize
                    eachBlock(frame, rows, made) { first, count, product in
                        let from = gradient + first &* outputDepth
                        if isDirect { return Element.multiply(frame, product, from, frame.input(1), volume) }
                        Element.multiply(frame, product, from, frame.input(1), patches)
                        Element.scatter(window, patches, Int64(inputDepth), Int64(first), Int64(count), volume)
                    }
                }
            }
        }
    }

    private func gradientByFilter<Element: MatrixElement & BinaryFloatingPoint>(_ type: Element.Type) -> Kernel? {
        let width = MemoryLayout<Element>.stride
        let rows = rowsPerBlock(width)
        let made = products(rows) {
            MatrixProduct(rows: depth, columns: outputDepth, depth: $0, transposesLeft: true)
        }
        guard let made else { return nil }
        let filterSize = depth &* outputDepth
        // More is no memory that there could be.
        guard depth < Int.max / 64, filterSize < Int.max / 64 else { return nil }
        let blockBytes = (rows &* depth &* width).roundedUp(to: TensorStorage.alignment)
        let pixelBytes = Int64(inputDepth &* width)
        return Kernel(scratchBytes: blockBytes &+ filterSize &* width) { [window = window.window] frame in
            let patches = frame.scratch.assumingMemoryBound(to: Element.self)
            let part = (frame.scratch + blockBytes).assumingMemoryBound(to: Element.self)
            let sum = frame.output(as: Element.self)
            memset(sum, 0, filterSize &* width)
            // Safety: the window's sizes are those of the volumes; the scratch holds a block and a filter.
            withUnsafePointer(to: window) { window in
                for number in 0..<batch {
                    let volume = frame.input(0, as: Element.self) + number &* volumeSize
                    let gradient = frame.input(2, as: Element.self) + number &* resultSize
                    eachBlock(frame, rows, made) { first, count, product in
                        ck_volume_patches(window, volume, pixelBytes, Int64(first), Int64(count), patches)
                        Element.multiply(frame, product, patches, gradient + first &* outputDepth, part)
                        for index in 0..<filterSize { sum[index] += part[index] }
                    }
                }
            }
        }
    }
}

/// An element that patches of a volume are added up in.
private protocol VolumeElement: MatrixElement {
    static func scatter(
        _ window: UnsafePointer<ck_volume>, _ patches: UnsafePointer<Self>, _ depth: Int64, _ first: Int64,
        _ count: Int64, _ volume: UnsafeMutablePointer<Self>)
}

extension Float: VolumeElement {
    fileprivate static func scatter(
        _ window: UnsafePointer<ck_volume>, _ patches: UnsafePointer<Float>, _ depth: Int64, _ first: Int64,
        _ count: Int64, _ volume: UnsafeMutablePointer<Float>
    ) { ck_volume_scatter_f32(window, patches, depth, first, count, volume) }
}

extension Double: VolumeElement {
    fileprivate static func scatter(
        _ window: UnsafePointer<ck_volume>, _ patches: UnsafePointer<Double>, _ depth: Int64, _ first: Int64,
        _ count: Int64, _ volume: UnsafeMutablePointer<Double>
    ) { ck_volume_scatter_f64(window, patches, depth, first, count, volume) }
}

extension Int32: VolumeElement {
    fileprivate static func scatter(
        _ window: UnsafePointer<ck_volume>, _ patches: UnsafePointer<Int32>, _ depth: Int64, _ first: Int64,
        _ count: Int64, _ volume: UnsafeMutablePointer<Int32>
    ) {
        ck_volume_scatter_u32(
            window, UnsafeRawPointer(patches).assumingMemoryBound(to: UInt32.self), depth, first, count,
            UnsafeMutableRawPointer(volume).assumingMemoryBound(to: UInt32.self))
    }
}
