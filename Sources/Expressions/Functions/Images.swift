internal import Graphs
internal import Tensors

extension Call {
    /// `tf.image.resize` of TensorFlow 2: sampling points are pixel centres, and the result is float32 but for "nearest".
    fileprivate func resized() throws(ExpressionError) -> Operand {
        let images = try tensor("images")
        let size = try tensor("size", .int32)
        let method = try choice("method", of: ["bilinear", "nearest", "bicubic", "area"])
        guard let rank = images.rank, rank == 3 || rank == 4 else {
            throw error("images have shape \(images.shape), expected rank 3 or 4")
        }
        let ops = [
            "bilinear": "ResizeBilinear", "nearest": "ResizeNearestNeighbor", "bicubic": "ResizeBicubic",
            "area": "ResizeArea",
        ]
        let batch =
            rank == 4 ? images : try one("ExpandDims", [images, try builder.scalar(0)], ["Tdim": .type(.int32)])
        // TensorFlow returns images as they are, with their dtype, if the size is theirs already.
        if let dimensions = images.shape.dimensions, let wanted = size.integers,
            Array(dimensions.suffix(3).prefix(2)) == wanted
        {
            return method == "nearest" ? images : try builder.cast(images, .float32)
        }
        let result = try one(
            ops[method] ?? "", [batch, size],
            method == "area"
                ? ["align_corners": .bool(false)] : ["half_pixel_centers": .bool(true), "align_corners": .bool(false)])
        guard rank == 3 else { return result }
        var axes = AttributeValue.List()
        axes.ints = [0]
        return try one("Squeeze", [result], ["squeeze_dims": .list(axes)])
    }

    /// Whole numbers as fractions of the largest one, and the other way round.
    fileprivate func converted() throws(ExpressionError) -> Operand {
        let (image, dtype) = (try tensor("image"), try dtype("dtype"))
        guard image.dtype.isInteger, dtype.isFloating else {
            guard image.dtype.isFloating, dtype.isFloating else {
                throw error("conversion of \(image.dtype) to \(dtype) is not supported; use cast")
            }
            return try builder.cast(image, dtype)
        }
        let largest: Double? =
            switch image.dtype {
            case .uint8: 255
            case .uint16: 65535
            case .int8: 127
            case .int16: 32767
            default: nil
            }
        guard let largest else { throw error("images of \(image.dtype) are not supported; use cast") }
        return try one("Mul", [try builder.cast(image, dtype), try builder.scalar(1 / largest, dtype)])
    }

    fileprivate func standardized() throws(ExpressionError) -> Operand {
        let image = try tensor("image")
        guard let dimensions = image.shape.dimensions, dimensions.count >= 3 else {
            throw error("the image has shape \(image.shape), expected rank 3 or more")
        }
        let x = image.dtype == .float16 ? image : try builder.cast(image, .float32)
        let axes = try builder.integers([-1, -2, -3])
        let keeps: [String: AttributeValue] = ["keep_dims": .bool(true), "Tidx": .type(.int32)]
        let mean = try one("Mean", [x, axes], keeps)
        let difference = try one("Sub", [x, mean])
        let deviation = try one("Sqrt", [try one("Mean", [try one("Square", [difference]), axes], keeps)])
        let last = try builder.index(
            .tensor(try builder.shape(of: x)), [.slice(begin: .literal(.int(-3)), end: nil, step: nil)])
        let count = try one(
            "Prod", [try builder.tensor(last), try builder.integers([0])], ["Tidx": .type(.int32)])
        let least = try one("Rsqrt", [try builder.cast(count, x.dtype)])
        return try one("RealDiv", [difference, try one("Maximum", [deviation, least])])
    }

    fileprivate func greyscale() throws(ExpressionError) -> Operand {
        let images = try tensor("images")
        let isWhole = images.dtype.isInteger
        guard !isWhole || images.dtype == .uint8 else {
            throw error("images are \(images.dtype), expected uint8 or floats")
        }
        let x =
            isWhole
            ? try one("Mul", [try builder.cast(images, .float32), try builder.scalar(1 / 255.0, .float32)]) : images
        guard let rank = x.rank, rank > 0 else { throw error("the rank of the images is not known, or 0") }
        let weights = try builder.constant([.float(0.2989), .float(0.587), .float(0.114)], x.dtype, shape: [3, 1])
        let letters = String("abcdefgh".prefix(max(0, rank - 1)))
        guard rank <= 8 else { throw error("the images have rank \(rank), expected 8 at most") }
        let grey = try one(
            "Einsum", [x, weights], ["equation": .bytes(Array("\(letters)y,yz->\(letters)z".utf8)), "N": .int(2)])
        guard isWhole else { return grey }
        let scaled = try one("Mul", [grey, try builder.scalar(255.5, .float32)])
        let bounded = try one("Minimum", [scaled, try builder.scalar(255.0, .float32)])
        return try builder.cast(try one("Maximum", [bounded, try builder.scalar(0.0, .float32)]), images.dtype)
    }

    fileprivate func decoded(_ op: String, _ extra: [String: AttributeValue] = [:]) throws(ExpressionError) -> Operand {
        var attributes = extra
        attributes["channels"] = .int(Int64(try int("channels")))
        return try one(op, [try tensor("contents", .string)], attributes)
    }

    fileprivate func flipped(_ axis: Int) throws(ExpressionError) -> Operand {
        try one("ReverseV2", [try tensor("image"), try builder.integers([axis])], ["Tidx": .type(.int32)])
    }
}

extension FunctionTable {
    static let images: [ExpressionFunction] = [
        ExpressionFunction(
            "io.decode_jpeg image.decode_jpeg", "contents, channels=0, ratio=1",
            one: { call throws(ExpressionError) in
                try call.decoded("DecodeJpeg", ["ratio": .int(Int64(try call.int("ratio")))])
            }),
        ExpressionFunction(
            "io.decode_png image.decode_png", "contents, channels=0, dtype=uint8",
            one: { call throws(ExpressionError) in
                try call.decoded("DecodePng", ["dtype": .type(try call.dtype("dtype"))])
            }),
        ExpressionFunction(
            "io.decode_image image.decode_image", "contents, channels=0, dtype=uint8, expand_animations=True",
            one: { call throws(ExpressionError) in
                try call.decoded(
                    "DecodeImage",
                    [
                        "dtype": .type(try call.dtype("dtype")),
                        "expand_animations": .bool(try call.bool("expand_animations")),
                    ])
            }),
        ExpressionFunction(
            "image.resize", "images, size, method='bilinear'",
            one: { call throws(ExpressionError) in try call.resized() }),
        ExpressionFunction(
            "image.convert_image_dtype", "image, dtype", one: { call throws(ExpressionError) in try call.converted() }),
        ExpressionFunction(
            "image.per_image_standardization", "image", one: { call throws(ExpressionError) in try call.standardized() }
        ),
        ExpressionFunction(
            "image.rgb_to_grayscale", "images", one: { call throws(ExpressionError) in try call.greyscale() }),
        ExpressionFunction(
            "image.flip_left_right", "image", one: { call throws(ExpressionError) in try call.flipped(-2) }),
        ExpressionFunction(
            "image.flip_up_down", "image", one: { call throws(ExpressionError) in try call.flipped(-3) }),
        ExpressionFunction(
            "image.crop_and_resize", "image, boxes, box_indices, crop_size, method='bilinear', extrapolation_value=0.0",
            one: { call throws(ExpressionError) in
                try call.one(
                    "CropAndResize",
                    [
                        try call.tensor("image"), try call.tensor("boxes", .float32),
                        try call.tensor("box_indices", .int32),
                        try call.tensor("crop_size", .int32),
                    ],
                    [
                        "method": .bytes(try call.bytes("method")),
                        "extrapolation_value": .float(Float(try call.number("extrapolation_value"))),
                    ])
            }),
        ExpressionFunction(
            "image.non_max_suppression", "boxes, scores, max_output_size, iou_threshold=0.5, score_threshold=-inf",
            one: { call throws(ExpressionError) in
                try call.one(
                    "NonMaxSuppressionV3",
                    [
                        try call.tensor("boxes", .float32), try call.tensor("scores", .float32),
                        try call.tensor("max_output_size", .int32), try call.tensor("iou_threshold", .float32),
                        try call.tensor("score_threshold", .float32),
                    ], ["T": .type(.float32), "T_threshold": .type(.float32)])
            }),
        .floating("image.rgb_to_hsv", "RGBToHSV", "images"), .floating("image.hsv_to_rgb", "HSVToRGB", "images"),
    ]
}
