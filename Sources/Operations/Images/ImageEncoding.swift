internal import Kernels
internal import Tensors

extension OpTable {
    /// Pixels to image files.
    static let imageEncoding: [OpEntry] = [
        OpEntry("EncodeJpeg", make: EncodeJpeg.init),
        OpEntry("EncodeJpegVariableQuality", make: EncodeJpegVariableQuality.init),
        OpEntry("EncodePng", make: EncodePng.init),
    ]
}

extension Tensor {
    /// The JPEG file of this image, uint8 [height, width, channels].
    fileprivate func jpeg(_ writing: JPEGWriting, _ account: RunAccount) throws(OpError) -> Tensor {
        let dimensions = shape.dimensions
        guard dimensions.count == 3, dtype == .uint8 else { throw .invalid("image must be 3-dimensional\(shape)") }
        guard dimensions[2] == 1 || dimensions[2] == 3 else {
            throw .invalid("image must have 1 or 3 channels, got \(shape)")
        }
        guard dimensions[0] > 0, dimensions[1] > 0, dimensions[0] <= 65500, dimensions[1] <= 65500,
            dimensions[0] * dimensions[1] < 1 << 29
        else { throw .invalid("JPEG encoding failed: the image's shape is \(shape)") }
        let file: ImageBytes?
        do throws(ImageFault) {
            file = try withUnsafeBytes { memory throws(ImageFault) -> ImageBytes? in
                guard let pixels = memory.bindMemory(to: UInt8.self).baseAddress else { return nil }
                return try writing.write(
                    pixels, height: dimensions[0], width: dimensions[1], channels: dimensions[2], account)
            }
        } catch {
            try account.checkTime()
            throw error.refused ?? .invalid("JPEG encoding failed: \(error.reason)")
        }
        var result = try StringTensorBuilder(.scalar, byteCount: file?.bytes.count ?? 0, account)
        if let file { try result.append(file.bytes) }
        try result.endString()
        withExtendedLifetime(file) {}
        return try result.tensor()
    }
}

/// A JPEG file of an image.
///
/// - Inputs: `image`, uint8 [height, width, 1 or 3]. Outputs: a string.
/// - Attributes: `format` (grayscale, rgb, or empty for what the channels tell), `quality`, `progressive`, `optimize_size`,
///   `chroma_downsampling`, `density_unit`, `x_density`, `y_density`, `xmp_metadata`.
struct EncodeJpeg: TensorOp {
    private enum Format: String, Hashable, Sendable {
        case any = ""
        case grey = "grayscale"
        case rgb
    }

    private enum DensityUnit: String {
        case inch = "in"
        case centimetre = "cm"
    }

    private let format: Format
    private let writing: JPEGWriting

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        format = try node.choice("format", default: .any)
        var writing = JPEGWriting()
        writing.quality = try node.int("quality", default: 95)
        writing.isProgressive = try node.bool("progressive", default: false)
        writing.optimizesSize = try node.bool("optimize_size", default: false)
        writing.downsamplesChroma = try node.bool("chroma_downsampling", default: true)
        let unit: DensityUnit = try node.choice("density_unit", default: .inch)
        writing.isPerCentimetre = unit == .centimetre
        writing.density = (x: try node.int("x_density", default: 300), y: try node.int("y_density", default: 300))
        writing.xmp = Array(try node.string("xmp_metadata", default: "").utf8)
        guard (0...100).contains(writing.quality) else {
            throw node.malformed("quality must be in [0,100], got \(writing.quality)")
        }
        self.writing = writing
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].require(.uint8, "image")
        try inputs[0].requireRank(3, "image")
        return [TensorFact(.string, .scalar)]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        let channels = inputs[0].shape.dimensions.last ?? 0
        guard format == .any || channels == (format == .grey ? 1 : 3) else {
            throw .invalid(
                "format \(format.rawValue) expects \(format == .grey ? 1 : 3) channels, got \(inputs[0].shape)")
        }
        return [try inputs[0].jpeg(writing, account)]
    }
}

/// A JPEG file of an image, of the quality that input 1, an int32 scalar, tells.
struct EncodeJpegVariableQuality: TensorOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(2) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].require(.uint8, "image")
        try inputs[0].requireRank(3, "image")
        guard inputs[1].shape.rank ?? 0 == 0 else { throw .invalid("quality must be scalar: \(inputs[1].shape)") }
        return [TensorFact(.string, .scalar)]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        guard let quality = inputs[1].integers?.first, (0...100).contains(quality) else {
            throw .invalid("quality must be in [0,100], got \((inputs[1].integers ?? []).prefix(8))")
        }
        var writing = JPEGWriting()
        writing.quality = quality
        return [try inputs[0].jpeg(writing, account)]
    }
}

/// PNG files of images.
///
/// - Inputs: `image`, uint8 or uint16 [..., height, width, 1 to 4]. Outputs: a string for each image.
/// - Attributes: `compression`, 0 to 9, or -1 for the usual one.
struct EncodePng: TensorOp {
    private let compression: Int

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        compression = try node.int("compression", default: -1)
        guard (-1...9).contains(compression) else {
            throw node.malformed("compression should be in [-1,9], got \(compression)")
        }
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].requireRank(atLeast: 3, "image")
        guard inputs[0].dtype == .uint8 || inputs[0].dtype == .uint16 else { throw .unsupported(inputs[0].dtype) }
        return [TensorFact(.string, inputs[0].shape.dimensions.map { PartialShape(Array($0.dropLast(3))) } ?? .unknown)]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        let image = inputs[0]
        guard image.shape.rank >= 3 else { throw .invalid("image must be at least rank 3") }
        let dimensions = Array(image.shape.dimensions.suffix(3))
        guard let batch = Shape(image.shape.dimensions.dropLast(3)),
            image.shape.elementCount > 0 || batch.elementCount == 0
        else { throw .invalid("image is not empty: \(image.shape)") }
        guard (1...4).contains(dimensions[2]) else {
            throw .invalid("image must have 1, 2, 3, or 4 channels, got \(image.shape)")
        }
        let imageBytes = dimensions.wrappingProduct * image.dtype.stride
        // Files are about as large as a half of their pixels, often less.
        var files = try StringTensorBuilder(batch, byteCount: image.byteCount / 8, account)
        try image.withUnsafeBytes { memory throws(OpError) in
            for index in 0..<batch.elementCount {
                guard let start = memory.baseAddress else { return }
                let file: ImageBytes
                do throws(ImageFault) {
                    file = try PNGFile.write(
                        start + index * imageBytes, image.dtype, height: dimensions[0], width: dimensions[1],
                        channels: dimensions[2], compression: compression, account)
                } catch {
                    try account.checkTime()
                    throw error.refused ?? .invalid("PNG encoding failed: \(error.reason)")
                }
                try files.append(file.bytes)
                withExtendedLifetime(file) {}
                try files.endString()
            }
        }
        return [try files.tensor()]
    }
}
