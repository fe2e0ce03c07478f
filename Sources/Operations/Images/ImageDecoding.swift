internal import Kernels
internal import Tensors

extension OpTable {
    /// Image files to pixels.
    static let imageDecoding: [OpEntry] = [
        OpEntry("DecodeJpeg", make: DecodeImage.init, .jpeg),
        OpEntry("DecodeAndCropJpeg", make: DecodeImage.init, .jpegWindow),
        OpEntry("DecodePng", make: DecodeImage.init, .png),
        OpEntry("DecodeGif", make: DecodeImage.init, .gif),
        OpEntry("DecodeBmp", make: DecodeImage.init, .bmp),
        OpEntry("DecodeImage", make: DecodeImage.init, .any),
        OpEntry("ExtractJpegShape", make: ExtractJpegShape.init),
    ]
}

/// What an image file is, told by its first bytes.
private enum ImageFormatName: String {
    case jpeg = "JPEG"
    case png = "PNG"
    case gif = "GIF"
    case bmp = "BMP"

    init?(_ bytes: UnsafeBufferPointer<UInt8>) {
        if bytes.starts(with: [0xff, 0xd8, 0xff]) {
            self = .jpeg
        } else if bytes.starts(with: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) {
            self = .png
        } else if bytes.starts(with: Array("GIF8".utf8)) {
            self = .gif
        } else if bytes.starts(with: Array("BM".utf8)) {
            self = .bmp
        } else {
            return nil
        }
    }
}

extension Tensor {
    /// The one string of a scalar that holds a file.
    fileprivate func file() throws(OpError) -> UnsafeBufferPointer<UInt8> {
        guard shape.rank == 0, dtype == .string else {
            throw .invalid("`contents` must be scalar but got shape\(shape)")
        }
        let bytes = try oneStringElement("contents")
        guard !bytes.isEmpty else { throw .invalid("Input is empty.") }
        return bytes
    }
}

extension ImageFault {
    /// The error, where memory was refused.
    var refused: OpError? { refusal.map(OpError.init) }
}

extension TensorFact {
    fileprivate func requireFile() throws(OpError) {
        try require(.string, "contents")
        guard shape.rank ?? 0 == 0 else { throw .invalid("`contents` must be scalar but got shape\(shape)") }
    }
}

/// The pixels of an image file: JPEG, PNG, GIF or BMP, whatever the op's name says, but for BMP.
///
/// - Inputs: `contents`, a string; for DecodeAndCropJpeg `crop_window`, four of int32: top, left, height, width.
/// - Outputs: [height, width, channels], uint8 (DecodePng also uint16, DecodeImage also uint16 and float32 in [0, 1]);
///   [frames, height, width, 3] for DecodeGif, and for DecodeImage of a GIF file.
/// - Attributes: `channels`, 0 for as many as there are; of JPEG `ratio`, `fancy_upscaling`, `try_recover_truncated`,
///   `acceptable_fraction` and `dct_method`; of DecodeImage `expand_animations`; `dtype`.
///
/// A file that is damaged, or would become larger than 512 MiB, is `invalidArgument`.
struct DecodeImage: TensorOp {
    enum Kind: Hashable, Sendable {
        case jpeg
        case jpegWindow
        case png
        case gif
        case bmp
        case any
    }

    private let kind: Kind
    private let channels: Int
    private let dtype: DataType
    private let expandsAnimations: Bool
    private let reading: JPEGReading

    private enum CosineTransform: String {
        case standard = ""
        case fast = "INTEGER_FAST"
        case accurate = "INTEGER_ACCURATE"
    }

    init(_ node: NodeReader, _ kind: Kind) throws(OpError) {
        try node.expectInputs(kind == .jpegWindow ? 2 : 1)
        self.kind = kind
        channels = kind == .gif ? 3 : try node.int("channels", default: 0)
        dtype = kind == .png || kind == .any ? try node.type("dtype", default: .uint8) : .uint8
        expandsAnimations = kind == .any ? try node.bool("expand_animations", default: true) : true
        guard [0, 1, 3, 4].contains(channels) else {
            throw node.malformed("`channels` must be 0, 1, 3 or 4 but got \(channels)")
        }
        guard dtype == .uint8 || dtype == .uint16 || dtype == .float32 && kind == .any else {
            throw node.malformed("attribute dtype must be uint8 or uint16, not \(dtype)")
        }
        var reading = JPEGReading()
        reading.channels = channels
        if kind == .jpeg || kind == .jpegWindow {
            reading.ratio = try node.int("ratio", default: 1)
            reading.fancyUpsampling = try node.bool("fancy_upscaling", default: true)
            reading.recoversTruncated = try node.bool("try_recover_truncated", default: false)
            reading.acceptableFraction = try node.float("acceptable_fraction", default: 1)
            let transform: CosineTransform = try node.choice("dct_method", default: .standard)
            reading.isAccurate = transform == .accurate
        }
        guard [1, 2, 4, 8].contains(reading.ratio) else {
            throw node.malformed("ratio must be 1, 2, 4, or 8, got \(reading.ratio)")
        }
        self.reading = reading
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].requireFile()
        let depth = channels == 0 ? PartialShape.unknownDimension : channels
        if kind == .any, expandsAnimations { return [TensorFact(dtype, .unknown)] }
        let frames = kind == .gif ? [PartialShape.unknownDimension] : []
        return [TensorFact(dtype, PartialShape(frames + [-1, -1, depth]))]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        let bytes = try inputs[0].file()
        guard let format = ImageFormatName(bytes) else {
            throw .invalid("Unknown image file format. One of JPEG, PNG, GIF, BMP required.")
        }
        if kind == .bmp, format != .bmp {
            throw .invalid(
                "Trying to decode \(format.rawValue) format using DecodeBmp op. Use "
                    + "`decode_\(format.rawValue.lowercased())` or `decode_image` instead.")
        }
        if kind == .jpegWindow, format != .jpeg {
            throw .invalid("DecodeAndCropJpeg operation can run on JPEG only, but detected \(format.rawValue).")
        }
        do throws(OpError) {
            switch format {
            case .jpeg: return [try jpeg(bytes, inputs, account)]
            case .png: return [try png(bytes, account)]
            case .gif: return [try gif(bytes, account)]
            case .bmp: return [try bmp(bytes, account)]
            }
        } catch {
            // What stopped because the time was over is no damaged file.
            try account.checkTime()
            throw error
        }
    }

    private func jpeg(
        _ bytes: UnsafeBufferPointer<UInt8>, _ inputs: [Tensor], _ account: RunAccount
    ) throws(OpError) -> Tensor {
        guard channels != 4 else { throw .invalid("JPEG does not support 4 channels") }
        var reading = reading
        if kind == .jpegWindow {
            guard inputs[1].shape.dimensions == [4], let window = inputs[1].scalars(as: Int32.self) else {
                throw .invalid("crop_window must be 1-D and have four elements of int32: \(inputs[1].shape)")
            }
            reading.window = window
        }
        do throws(ImageFault) {
            return try finished(try reading.read(bytes, account), account)
        } catch {
            throw error.refused
                ?? .invalid(
                    "jpeg::Uncompress failed. Invalid JPEG data or crop window: \(error.reason)")
        }
    }

    private func png(_ bytes: UnsafeBufferPointer<UInt8>, _ account: RunAccount) throws(OpError) -> Tensor {
        do throws(ImageFault) {
            let image = try PNGFile.read(bytes, channels: channels, dtype == .uint8 ? .uint8 : .uint16, account)
            return try finished(image, account)
        } catch { throw error.refused ?? .invalid("Invalid PNG data, size \(bytes.count): \(error.reason)") }
    }

    private func gif(_ bytes: UnsafeBufferPointer<UInt8>, _ account: RunAccount) throws(OpError) -> Tensor {
        guard channels == 0 || channels == 3 else {
            throw .invalid("channels must be 0 or 3 for GIF, got \(channels)")
        }
        do throws(ImageFault) {
            let file = try GIFFile(bytes, account)
            if kind == .png || kind == .jpeg, file.frameCount != 1 {
                throw ImageFault(
                    "Got \(file.frameCount) frames, but animated gifs can only be decoded by tf.io.decode_gif or "
                        + "tf.io.decode_image")
            }
            return try finished(try file.read(onlyFirst: !expandsAnimations), account)
        } catch { throw error.refused ?? .invalid("Invalid GIF data (size \(bytes.count)), \(error.reason)") }
    }

    private func bmp(_ bytes: UnsafeBufferPointer<UInt8>, _ account: RunAccount) throws(OpError) -> Tensor {
        guard channels != 1 else { throw .invalid("`channels` must be 0, 3 or 4 for BMP, but got \(channels)") }
        guard kind == .bmp || kind == .any else {
            throw .invalid(
                "Trying to decode BMP format using a wrong op. Use `decode_bmp` or `decode_image` instead.")
        }
        do { return try finished(try BitmapFile.read(bytes, channels: channels, account), account) } catch {
            throw error.refused ?? .invalid(error.reason)
        }
    }

    /// The image in the op's dtype and rank.
    private func finished(_ image: Image, _ account: RunAccount) throws(ImageFault) -> Tensor {
        var dimensions = image.shape.dimensions
        if dimensions.count == 4, kind == .png || kind == .jpeg || !expandsAnimations { dimensions.removeFirst() }
        if dimensions.count == 3, kind == .gif { dimensions.insert(1, at: 0) }
        guard image.dtype != dtype else {
            guard let shape = Shape(dimensions), let result = image.reshaped(to: shape) else {
                throw ImageFault("the image has no such shape")
            }
            return result
        }
        // Eight bits become sixteen; eight or sixteen a fraction.
        return try ImageFault.makeImage(dtype, dimensions, account) { memory in
            image.withUnsafeBytes { source in
                switch (image.dtype, dtype) {
                case (.uint8, .uint16):
                    let target = memory.bindMemory(to: UInt16.self)
                    for index in source.indices { target[index] = UInt16(source[index]) << 8 }
                case (.uint8, _):
                    let target = memory.bindMemory(to: Float.self)
                    for index in source.indices { target[index] = Float(source[index]) * Float(1 / 255.0) }
                default:
                    let target = memory.bindMemory(to: Float.self)
                    let numbers = source.bindMemory(to: UInt16.self)
                    for index in numbers.indices { target[index] = Float(numbers[index]) * Float(1 / 65535.0) }
                }
            }
        }
    }
}

/// Height, width and channels of a JPEG file, without reading its pixels.
///
/// - Inputs: `contents`, a string. Attributes: `output_type`, int32 or int64.
struct ExtractJpegShape: TensorOp {
    private let dtype: DataType

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        dtype = try node.type("output_type", default: .int32)
        guard dtype == .int32 || dtype == .int64 else { throw node.malformed("attribute output_type is \(dtype)") }
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].requireFile()
        return [TensorFact(dtype, PartialShape([3]))]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        let bytes = try inputs[0].file()
        let dimensions: [Int]
        do { dimensions = try JPEGReading.shape(bytes, account) } catch {
            throw error.refused ?? .invalid("Invalid JPEG data, size \(bytes.count): \(error.reason)")
        }
        let fact = try TensorFact(dimensions, as: dtype, shape: .vector(3)) { _ in "the image is too large" }
        return [fact.value].compactMap { $0 }
    }
}
