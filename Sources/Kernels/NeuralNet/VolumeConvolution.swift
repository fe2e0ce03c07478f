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

    /// Ways to compute the same convolution.
    package enum Method: Sendable, Hashable {
        /// The volumes are the left matrix of a product, without a copy.
        case product
        /// The values that the filter sees are copied, a block of rows of a matrix at a time.
        case blocks
    }

    /// The ways that there are, with about how long each takes; none for a dtype without a kernel.
    package func methods(_ dtype: DataType) -> [(method: Method, picoseconds: Int)] {
        guard dtype == .float32 || dtype == .float64 else { return [] }
        let each = dtype == .float32 ? Float.picosecondsOfProduct : Double.picosecondsOfProduct
        let patches = batch.saturatingProduct(window.outputCount).saturatingProduct(depth)
        let multiplying = patches.saturatingProduct(outputDepth).saturatingProduct(each)
        let copying = patches.saturatingProduct(30 &* dtype.stride)
        let blocks = (Method.blocks, multiplying.saturatingSum(copying))
        let isProduct = window.isPointwise || window.isWhole
        return isProduct && wholeProduct != nil ? [(.product, multiplying), blocks] : [blocks]
    }

    /// The kernel that computes the result, of volumes (input 0) and filter (input 1), in one of the ways that there are.
    ///
    /// - Parameters:
    ///   - dtype: Of both inputs.
    ///   - method: One of ``methods(_:)``.
    /// - Returns: nil for a dtype without a kernel, and for sizes that BLAS cannot count.
    package func forward(_ dtype: DataType, _ method: Method) -> Kernel? {
        switch dtype {
        case .float32: forward(Float.self, method)
        case .float64: forward(Double.self, method)
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

extension VolumeConvolution.Method {
    /// The name of a kernel that works so.
    package var name: Kernel.Name {
        switch self {
        case .product: "conv3d.product"
        case .blocks: "conv3d.im2col"
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

    /// The product of all volumes with the filter, where the filter sees each pixel once.
    private var wholeProduct: MatrixProduct? {
        MatrixProduct(rows: batch &* window.outputCount, columns: outputDepth, depth: depth)
    }

    private func forward<Element: MatrixElement>(_ type: Element.Type, _ method: Method) -> Kernel? {
        guard method == .blocks else { return wholeProduct.map { product(Element.self, $0) } }
        let width = MemoryLayout<Element>.stride
        let maxRows = rowsPerBlock(width)
        guard let largest = MatrixProduct(rows: maxRows, columns: outputDepth, depth: depth) else { return nil }
        let nanoseconds = nanoseconds(largest.nanoseconds(Element.self), rows: maxRows, bytePicoseconds: 30, width)
        let wanted = parts(nanoseconds)
        let rows = max(1, min(maxRows, (window.outputCount + wanted - 1) / wanted))
        let blocks = max(1, (window.outputCount + rows - 1) / rows)
        let block = largest.part(rows: rows)
        let pixelBytes = Int64(inputDepth &* width)
        let phase = Kernel.Phase(units: batch &* blocks, unitNanoseconds: nanoseconds / blocks) {
            [window = window.window] frame, units, own in
            let patches = own.assumingMemoryBound(to: Element.self)
            for unit in units {
                let (number, index) = unit.quotientAndRemainder(dividingBy: blocks)
                let first = index &* rows
                let count = min(rows, self.window.outputCount &- first)
                // Safety: the window's sizes are those of the volumes; the memory holds a block.
                withUnsafePointer(to: window) { window in
                    ck_volume_patches(
                        window, frame.input(0, as: Element.self) + number &* volumeSize, pixelBytes, Int64(first),
                        Int64(count), patches)
                }
                if frame.isOver(after: count &* depth) { return }
                Element.multiply(
                    frame, block.part(rows: count), patches, frame.input(1),
                    frame.output() + (number &* resultSize &+ first &* outputDepth))
            }
        }
        return Kernel(Method.blocks.name, scratchBytesPerWorker: rows &* depth &* width, phases: [phase])
    }

    private func product<Element: MatrixElement>(_ type: Element.Type, _ product: MatrixProduct) -> Kernel {
        let panels = MatrixPanels(product, nanoseconds: product.nanoseconds(Element.self))
        return Kernel(
            Method.product.name,
            phases: [panels.phase { ($0.input(0), $0.input(1), $0.output()) as MatrixOperands<Element> }])
    }

    /// About how long a volume takes.
    ///
    /// - Parameters:
    ///   - multiplying: About how long the product of a block takes.
    ///   - rows: Of the block.
    ///   - bytePicoseconds: About how long copying a byte takes.
    ///   - width: Bytes of an element.
    /// - Returns: Nanoseconds.
    private func nanoseconds(_ multiplying: Int, rows: Int, bytePicoseconds: Int, _ width: Int) -> Int {
        let copying = rows.saturatingProduct(depth &* width &* bytePicoseconds) / 1000
        let blocks = (window.outputCount + rows - 1) / rows
        return multiplying.saturatingSum(copying).saturatingProduct(blocks)
    }

    /// Into how many parts a volume is cut that takes so long: enough for several workers, but none too short.
    private func parts(_ nanoseconds: Int) -> Int {
        let all = min(Self.maxParts, nanoseconds.saturatingProduct(batch) / Self.leastPartNanoseconds)
        return max(1, (all + batch - 1) / max(1, batch))
    }

    private static let maxParts = 16
    private static let leastPartNanoseconds = 100_000

    private func gradientByVolumes<Element: VolumeElement>(_ type: Element.Type) -> Kernel? {
        if window.isPointwise {
            // Every pixel comes from one place.
            let product = MatrixProduct(
                rows: batch &* window.outputCount, columns: depth, depth: outputDepth, transposesRight: true)
            guard let product else { return nil }
            let panels = MatrixPanels(product, nanoseconds: product.nanoseconds(Element.self))
            return Kernel(
                "conv3d.gradientByVolumes",
                phases: [panels.phase { ($0.input(2), $0.input(1), $0.output()) as MatrixOperands<Element> }])
        }
        let width = MemoryLayout<Element>.stride
        let rows = rowsPerBlock(width)
        let block = MatrixProduct(rows: rows, columns: depth, depth: outputDepth, transposesRight: true)
        guard let block else { return nil }
        let nanoseconds = nanoseconds(block.nanoseconds(Element.self), rows: rows, bytePicoseconds: 60, width)
        let zero = Kernel.Phase(
            elements: batch &* volumeSize, picoseconds: Kernel.picoseconds(moving: width)
        ) { frame, first, count in memset(frame.rawOutput() + first &* width, 0, count &* width) }
        // Workers never add to the same pixel at once.
        let lists = window.disjointGroups(parts(nanoseconds))
        let groupCount = lists.reduce(0) { $0 + $1.count }
        let phases = lists.map { groups in
            Kernel.Phase(units: batch &* groups.count, unitNanoseconds: nanoseconds / groupCount) {
                [window = window.window] frame, units, own in
                let patches = own.assumingMemoryBound(to: Element.self)
                for unit in units {
                    let (number, index) = unit.quotientAndRemainder(dividingBy: groups.count)
                    let gradient = frame.input(2, as: Element.self) + number &* resultSize
                    let volume = frame.output(as: Element.self) + number &* volumeSize
                    for first in stride(from: groups[index].lowerBound, to: groups[index].upperBound, by: rows) {
                        let count = min(rows, groups[index].upperBound &- first)
                        if frame.isOver(after: count &* depth) { return }
                        Element.multiply(
                            frame, block.part(rows: count), gradient + first &* outputDepth, frame.input(1), patches)
                        // Safety: the window's sizes are those of the volumes; the memory holds a block.
                        withUnsafePointer(to: window) { window in
                            Element.scatter(window, patches, Int64(inputDepth), Int64(first), Int64(count), volume)
                        }
                    }
                }
            }
        }
        return Kernel(
            "conv3d.gradientByVolumes", scratchBytesPerWorker: rows &* depth &* width, phases: [zero] + phases)
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
