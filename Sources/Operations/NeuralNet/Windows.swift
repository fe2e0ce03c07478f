internal import Kernels
internal import Tensors

// What convolutions and pools have in common: where a window stands.

/// In which order images, or volumes, have their dimensions.
enum ImageFormat: String, Hashable, Sendable {
    case channelsLast = "NHWC"
    case channelsFirst = "NCHW"
    case volumesChannelsLast = "NDHWC"
    case volumesChannelsFirst = "NCDHW"

    var isChannelsFirst: Bool { self == .channelsFirst || self == .volumesChannelsFirst }
    /// How many dimensions there are.
    var rank: Int { self == .channelsLast || self == .channelsFirst ? 4 : 5 }
    var depthAxis: Int { isChannelsFirst ? 1 : rank - 1 }
    /// The dimensions that are neither batch nor depth: rows and columns, before them planes.
    var spatialAxes: Range<Int> { isChannelsFirst ? 2..<rank : 1..<rank - 1 }
    var rowAxis: Int { columnAxis - 1 }
    var columnAxis: Int { spatialAxes.upperBound - 1 }
}

/// The attributes that tell how a window moves.
struct WindowAttributes: Hashable, Sendable {
    private enum Padding: String, Hashable, Sendable {
        case same = "SAME"
        case valid = "VALID"
        case explicit = "EXPLICIT"
    }

    private(set) var format: ImageFormat
    /// One for each dimension of the images.
    private(set) var strides: [Int]
    private var padding: Padding
    /// Two for each dimension of the images; empty unless the padding is explicit.
    private var explicitPaddings: [Int]

    var isExplicit: Bool { padding == .explicit }

    /// - Parameters:
    ///   - node: Has the attributes `data_format`, `strides`, `padding` and `explicit_paddings`.
    ///   - fallback: The default format, which tells the rank.
    ///   - givenStrides: The strides, where they are not an attribute.
    /// - Throws: ``OpError`` where an attribute is missing, or does not fit the others.
    init(
        _ node: NodeReader, default fallback: ImageFormat = .channelsLast, strides givenStrides: [Int]? = nil
    ) throws(OpError) {
        format = try node.imageFormat(default: fallback)
        strides = if let givenStrides { givenStrides } else { try node.windowSizes("strides", count: format.rank) }
        padding = try node.choice("padding")
        explicitPaddings = try node.ints("explicit_paddings", default: [])
        guard strides[0] == 1 else { throw .unsupported("strides in the batch dimension are not supported") }
        if padding == .explicit {
            try checkExplicitPaddings(node)
        } else if !explicitPaddings.isEmpty {
            throw node.malformed("explicit_paddings attribute must be empty if the padding attribute is not EXPLICIT")
        }
    }

    private func checkExplicitPaddings(_ node: NodeReader) throws(OpError) {
        guard explicitPaddings.count == format.rank * 2 else {
            throw node.malformed(
                "explicit_paddings attribute must contain \(format.rank * 2) values, but got: \(explicitPaddings.count)"
            )
        }
        guard explicitPaddings.allSatisfy({ (0...Int(Int32.max)).contains($0) }) else {
            throw node.malformed("All elements of explicit_paddings must be nonnegative")
        }
        let fixed = [0, 1, format.depthAxis * 2, format.depthAxis * 2 + 1]
        guard fixed.allSatisfy({ explicitPaddings[$0] == 0 }) else {
            throw node.malformed("Nonzero explicit padding in the batch or depth dimensions is not supported")
        }
    }

    /// Checks that explicit padding is smaller than the window: a pool has to see something everywhere.
    func requirePadding(smallerThan sizes: [Int]) throws(OpError) {
        guard isExplicit else { return }
        let axes = [format.rowAxis, format.columnAxis]
        for (axis, names) in zip(axes, [("Top", "Bottom"), ("Left", "Right")]) {
            for (side, name) in [names.0, names.1].enumerated() {
                let given = explicitPaddings[axis * 2 + side]
                guard given < sizes[axis] else {
                    throw OpError(
                        .malformed, "\(name) padding \(given) needs to be smaller than the window size \(sizes[axis])")
                }
            }
        }
    }

    /// The same with other strides: those of a graph that gives them as an input.
    func with(strides: [Int]) -> WindowAttributes {
        var result = self
        result.strides = strides
        return result
    }

    /// The same over images whose channels come last.
    ///
    /// - Returns: nil where they do already, and for volumes.
    var channelsLast: WindowAttributes? {
        guard format == .channelsFirst else { return nil }
        var result = self
        result.format = .channelsLast
        result.strides = Self.channelsLast(strides)
        if isExplicit {
            result.explicitPaddings = Self.channelsLast(Array(0..<4)).flatMap { explicitPaddings[2 * $0..<2 * $0 + 2] }
        }
        return result
    }

    /// One number for each dimension of images, channels first, in the order of images whose channels come last.
    static func channelsLast(_ numbers: [Int]) -> [Int] { [0, 2, 3, 1].map { numbers[$0] } }

    /// The same over images with zeros around them.
    ///
    /// - Parameter zeros: How many before and after each dimension.
    /// - Returns: nil where they are not around spatial dimensions alone, or the padding follows the size.
    func padded(with zeros: [Int]) -> WindowAttributes? {
        guard padding != .same, zeros.count == format.rank * 2 else { return nil }
        let own = isExplicit ? explicitPaddings : zeros.map { _ in 0 }
        var result = self
        result.padding = .explicit
        result.explicitPaddings = []
        for (index, (own, more)) in zip(own, zeros).enumerated() {
            let (sum, overflow) = own.addingReportingOverflow(more)
            guard !overflow, (0...Int(Int32.max)).contains(sum),
                more == 0 || format.spatialAxes.contains(index / 2)
            else { return nil }
            result.explicitPaddings.append(sum)
        }
        return result
    }

    /// How the window moves over the images' spatial dimensions.
    ///
    /// - Parameters:
    ///   - images: The shape of the images.
    ///   - filter: How much the window sees along each spatial dimension.
    ///   - dilations: One for each dimension of the images; none are dilated if left out.
    ///   - centers: Whether a window that leaves places of the image out leaves out as many at the beginning as at the end.
    /// - Returns: nil for a dimension of which a size is not known.
    /// - Throws: `invalidArgument` where the window does not fit.
    func windows(
        _ images: PartialShape, filter: [Int], dilations: [Int]? = nil, centers: Bool = false
    ) throws(OpError) -> [WindowAxis?] {
        var result: [WindowAxis?] = []
        for (axis, size) in zip(format.spatialAxes, filter) {
            let dilation = dilations?[axis] ?? 1
            result.append(
                try window(
                    axis, size: images.dimension(axis), filter: size, dilation: dilation, centers: centers))
        }
        return result
    }

    /// The shape of what windows make of images.
    ///
    /// - Parameters:
    ///   - windows: How they move.
    ///   - batch: The number of images.
    ///   - depth: Channels of the result.
    /// - Returns: The shape, as far as it is known.
    func shape(_ windows: [WindowAxis?], batch: Int, depth: Int) -> PartialShape {
        var result = Array(repeating: batch, count: format.rank)
        result[format.depthAxis] = depth
        for (axis, window) in zip(format.spatialAxes, windows) {
            result[axis] = window?.outputSize ?? PartialShape.unknownDimension
        }
        return PartialShape(result)
    }

    /// How the window moves over the images' dimension `axis`.
    ///
    /// - Returns: nil where a size is not known.
    /// - Throws: `invalidArgument` where the window does not fit.
    func window(
        _ axis: Int, size: Int, filter: Int, dilation: Int = 1, centers: Bool = false
    ) throws(OpError) -> WindowAxis? {
        guard size >= 0, filter >= 0 else { return nil }
        let stride = strides[axis]
        // The sizes are below 2^31, but for the image's and the filter's own.
        let reach = try max(0, filter - 1).times(dilation).plus(1)
        var before = 0
        var output: Int
        switch padding {
        case .same:
            output = try size.plus(stride - 1) / stride
            let needed = try max(0, output - 1).times(stride).plus(reach)
            before = (centers ? needed - size : max(0, needed - size)) / 2
        case .valid, .explicit:
            let pads = padding == .explicit ? explicitPaddings[axis * 2...axis * 2 + 1] : [0, 0]
            before = pads[pads.startIndex]
            let padded = try size.plus(pads.reduce(0, +))
            output = try padded.plus(stride - 1) - reach + 1
            output /= stride
        }
        guard output >= 0 else {
            throw .invalid(
                "Computed output size would be negative: \(output) [input_size: \(size), effective_filter_size: "
                    + "\(reach), stride: \(stride)]")
        }
        return WindowAxis(
            size: size, outputSize: output, filter: filter, stride: stride, dilation: dilation, padding: before)
    }
}

extension NodeReader {
    /// The attribute `data_format`, of images of as many dimensions as the default has.
    func imageFormat(default fallback: ImageFormat = .channelsLast) throws(OpError) -> ImageFormat {
        // The one format that only TensorFlow has, for graphics processors.
        guard try string("data_format", default: fallback.rawValue) != "NCHW_VECT_C" else {
            throw OpError(.unsupported, "data_format NCHW_VECT_C is not supported", node: name, op: op)
        }
        let format: ImageFormat = try choice("data_format", default: fallback)
        guard format.rank == fallback.rank else {
            throw malformed("attribute data_format = \"\(format.rawValue)\" is for images of \(format.rank) dimensions")
        }
        return format
    }

    /// A list of positive numbers, one for each dimension of the images.
    func windowSizes(
        _ name: String, count: Int = 4, default fallback: [Int]? = nil
    ) throws(OpError) -> [Int] {
        let sizes = try ints(name, default: fallback)
        guard sizes.count == count else {
            throw malformed("attribute \(name) must have \(count) values, it has \(sizes.count)")
        }
        for size in sizes where !(1...Int(Int32.max)).contains(size) {
            throw malformed("attribute \(name) must be positive, it is \(sizes)")
        }
        return sizes
    }
}
