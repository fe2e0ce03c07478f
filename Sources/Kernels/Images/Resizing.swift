internal import CKernels
package import Tensors

/// Images, [batch, height, width, depth], that become images of another height and width, of float32.
///
/// Elements of any number type are read as float32.
package struct Resizing: Sendable, Hashable {
    let batch: Int
    let depth: Int
    /// The axis of rows.
    package let rows: ResizeAxis
    /// The axis of columns.
    package let columns: ResizeAxis

    /// How pixels become pixels.
    package enum Method: Sendable, Hashable {
        /// Between the two rows and the two columns that are nearest.
        case bilinear
        /// From four rows and four columns.
        case cubic
        /// The mean of what the pixel covers.
        case area
    }

    /// - Parameters:
    ///   - batch: Images.
    ///   - depth: Channels.
    ///   - rows: The axis of rows.
    ///   - columns: The axis of columns.
    package init(batch: Int, depth: Int, rows: ResizeAxis, columns: ResizeAxis) {
        self.batch = batch
        self.depth = depth
        self.rows = rows
        self.columns = columns
    }

    /// As C has it.
    var sizes: ckernels_resizing {
        ckernels_resizing(
            batch: Int64(batch), height: Int64(rows.inputSize), width: Int64(columns.inputSize), depth: Int64(depth),
            output_height: Int64(rows.outputSize), output_width: Int64(columns.outputSize))
    }

    /// The kernel of the images, input 0; nil for a dtype that has none.
    package func kernel(_ method: Method, _ dtype: DataType) -> Kernel? {
        switch method {
        case .bilinear:
            let (down, across) = (rows.lerps, columns.lerps)
            let work = rows.outputSize &* columns.outputSize &* depth
            return ImageLoop(sizes, work: work, scratchFloats: 2 * columns.outputSize &* depth) {
                sizes, row, images, output, scratch in
                withUnsafePointer(to: sizes) { sizes in
                    down.withLists(from: row) { down in
                        across.withLists { across in
                            // Safety: all places are inside of the image, by the axes' own making; likewise below.
                            switch images {
                            case .float32(let images):
                                ckernels_resize_bilinear_f32(sizes, down, across, images, output, scratch)
                            case .uint8(let images):
                                ckernels_resize_bilinear_u8(sizes, down, across, images, output, scratch)
                            }
                        }
                    }
                }
            }.kernel(dtype, elementCount: inputCount)
        case .cubic: return kernel(rows.cubic, columns.cubic, dtype)
        case .area: return areaKernel(dtype)
        }
    }

    /// The kernel of the images, input 0, sampled by a filter; nil for a dtype that has none.
    ///
    /// - `scale`, `translation`: For rows and for columns; scales are positive.
    package func kernel(
        _ filter: SamplingFilter, scale: (Float, Float), translation: (Float, Float), antialias: Bool, _ dtype: DataType
    ) -> Kernel? {
        kernel(
            rows.taps(filter, scale: scale.0, translation: translation.0, antialias: antialias),
            columns.taps(filter, scale: scale.1, translation: translation.1, antialias: antialias), dtype)
    }

    private var inputCount: Int { batch &* rows.inputSize &* columns.inputSize &* depth }

    private func kernel(_ down: Taps, _ across: Taps, _ dtype: DataType) -> Kernel? {
        let work = (down.count &* columns.inputSize &+ rows.outputSize &* across.count) &* depth
        return ImageLoop(sizes, work: work, scratchFloats: columns.inputSize &* depth) {
            sizes, row, images, output, scratch in
            withUnsafePointer(to: sizes) { sizes in
                down.withLists(from: row) { down in
                    across.withLists { across in
                        switch images {
                        case .float32(let images):
                            ckernels_resample_f32(sizes, down, across, images, output, scratch)
                        case .uint8(let images): ckernels_resample_u8(sizes, down, across, images, output, scratch)
                        }
                    }
                }
            }
        }.kernel(dtype, elementCount: inputCount)
    }

    private func areaKernel(_ dtype: DataType) -> Kernel? {
        let (down, across) = (rows.area, columns.area)
        let scale = Float(1 / Double(rows.scale * columns.scale))
        let work = down.count &* across.count &* depth
        return ImageLoop(sizes, work: work, scratchFloats: columns.outputSize &* depth) {
            sizes, row, images, output, scratch in
            withUnsafePointer(to: sizes) { sizes in
                down.withLists(from: row) { down in
                    across.withLists { across in
                        switch images {
                        case .float32(let images):
                            ckernels_resize_area_f32(sizes, down, across, scale, images, output, scratch)
                        case .uint8(let images):
                            ckernels_resize_area_u8(sizes, down, across, scale, images, output, scratch)
                        }
                    }
                }
            }
        }.kernel(dtype, elementCount: inputCount)
    }
}

/// A loop over images that reads float32 and uint8; other numbers become float32 first.
struct ImageLoop: Sendable {
    /// The elements of input 0.
    enum Images {
        case float32(UnsafePointer<Float>)
        case uint8(UnsafePointer<UInt8>)

        /// The elements from one on.
        func advanced(by count: Int) -> Images {
            switch self {
            case .float32(let elements): .float32(elements + count)
            case .uint8(let elements): .uint8(elements + count)
            }
        }
    }

    private let sizes: ckernels_resizing
    private let work: Int
    private let scratchFloats: Int
    private let body: Body

    /// Takes sizes, the first row of the output, images, the output from that row on, and scratch.
    typealias Body =
        @Sendable (ckernels_resizing, Int, Images, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) -> Void

    /// - Parameters:
    ///   - sizes: Of all images.
    ///   - work: How much work an image is.
    ///   - scratchFloats: What the body needs.
    ///   - body: The loop over some rows of one image's result.
    init(_ sizes: ckernels_resizing, work: Int, scratchFloats: Int, _ body: @escaping Body) {
        self.sizes = sizes
        self.work = work
        self.scratchFloats = scratchFloats
        self.body = body
    }

    /// The loop over input 0, to output 0, cut into rows of images; nil for a dtype that is not a number.
    func kernel(_ dtype: DataType, elementCount: Int) -> Kernel? {
        let ownBytes = scratchFloats &* 4
        switch dtype {
        case .float32: return Kernel(scratchBytesPerWorker: ownBytes, phases: [phase { .float32($0.input(0)) }])
        case .uint8: return Kernel(scratchBytesPerWorker: ownBytes, phases: [phase { .uint8($0.input(0)) }])
        case .bool, .string, .complex64, .complex128: return nil
        default: break
        }
        guard let cast = Loop(ck_cast_loop(dtype.rawValue, DataType.float32.rawValue)) else { return nil }
        let width = dtype.stride
        let convert = Kernel.Phase(
            elements: elementCount, picoseconds: Kernel.picoseconds(moving: width + 4)
        ) { frame, first, count in
            cast.call(frame.rawInput(0) + first &* width, frame.scratch + first &* 4, count)
        }
        let resize = phase { .float32(UnsafePointer($0.scratch.assumingMemoryBound(to: Float.self))) }
        return Kernel(scratchBytes: elementCount &* 4, scratchBytesPerWorker: ownBytes, phases: [convert, resize])
    }

    private static let unitNanoseconds = 40_000

    private func phase(_ images: @escaping @Sendable (KernelFrame) -> Images) -> Kernel.Phase {
        let (batch, rows) = (Int(sizes.batch), Int(sizes.output_height))
        let imageSize = Int(sizes.height &* sizes.width &* sizes.depth)
        let rowSize = Int(sizes.output_width &* sizes.depth)
        // An element takes about half a nanosecond.
        let rowNanoseconds = max(1, work / max(1, 2 &* rows))
        let rowsPerUnit = min(max(1, Self.unitNanoseconds / rowNanoseconds), max(1, rows))
        let unitsPerImage = max(1, (rows + rowsPerUnit - 1) / rowsPerUnit)
        let rowWork = work / max(1, rows)
        return Kernel.Phase(
            units: max(1, batch &* unitsPerImage), unitNanoseconds: rowsPerUnit.saturatingProduct(rowNanoseconds)
        ) { frame, units, own in
            let images = images(frame)
            for unit in units {
                let (image, part) = unit.quotientAndRemainder(dividingBy: unitsPerImage)
                let first = part &* rowsPerUnit
                let count = min(rowsPerUnit, rows &- first)
                guard image < batch, count > 0 else { continue }
                var sizes = sizes
                (sizes.batch, sizes.output_height) = (1, Int64(count))
                body(
                    sizes, first, images.advanced(by: image &* imageSize),
                    frame.output() + (image &* rows &+ first) &* rowSize, own.assumingMemoryBound(to: Float.self))
                if frame.isOver(after: count.saturatingProduct(rowWork)) { return }
            }
        }
    }

    /// A kernel that reads input 0 as float32 or uint8.
    ///
    /// - Parameters:
    ///   - dtype: Input 0's.
    ///   - elementCount: Input 0's; at most a quarter of what memory could hold.
    ///   - scratchBytes: What the body needs, at the beginning of the scratch.
    ///   - body: The loop.
    /// - Returns: nil for a dtype that is not a number.
    static func kernel(
        _ dtype: DataType, elementCount: Int, scratchBytes: Int,
        _ body: @escaping @Sendable (Images, KernelFrame) -> Void
    ) -> Kernel? {
        switch dtype {
        case .float32: return Kernel(scratchBytes: scratchBytes) { body(.float32($0.input(0)), $0) }
        case .uint8: return Kernel(scratchBytes: scratchBytes) { body(.uint8($0.input(0)), $0) }
        case .bool, .string, .complex64, .complex128: return nil
        default: break
        }
        guard let cast = Loop(ck_cast_loop(dtype.rawValue, DataType.float32.rawValue)) else { return nil }
        let begin = scratchBytes.roundedUp(to: 64)
        return Kernel(scratchBytes: begin &+ elementCount &* 4) { frame in
            cast.run(frame, frame.rawInput(0), dtype.stride, frame.scratch + begin, 4, count: elementCount)
            body(.float32((frame.scratch + begin).assumingMemoryBound(to: Float.self)), frame)
        }
    }
}
