internal import Kernels
internal import Tensors

// What convolutions and pools have in common: where a window stands.

/// In which order images have their dimensions.
enum ImageFormat: String, Hashable, Sendable {
    case channelsLast = "NHWC"
    case channelsFirst = "NCHW"

    var depthAxis: Int { self == .channelsLast ? 3 : 1 }
    var rowAxis: Int { self == .channelsLast ? 1 : 2 }
    var columnAxis: Int { rowAxis + 1 }
}

/// The attributes that tell how a window moves.
struct WindowAttributes: Hashable, Sendable {
    private enum Padding: String, Hashable, Sendable {
        case same = "SAME"
        case valid = "VALID"
        case explicit = "EXPLICIT"
    }

    let format: ImageFormat
    /// One for each dimension of the images.
    let strides: [Int]
    private let padding: Padding
    /// Two for each dimension of the images; empty unless the padding is explicit.
    private let explicitPaddings: [Int]

    var isExplicit: Bool { padding == .explicit }

    init(_ node: NodeReader) throws(CompileError) {
        format = try node.choice("data_format", default: .channelsLast)
        strides = try node.windowSizes("strides")
        padding = try node.choice("padding")
        explicitPaddings = try node.ints("explicit_paddings", default: [])
        guard strides[0] == 1 else { throw .unsupported("strides in the batch dimension are not supported") }
        if padding == .explicit {
            try checkExplicitPaddings(node)
        } else if !explicitPaddings.isEmpty {
            throw node.malformed("explicit_paddings attribute must be empty if the padding attribute is not EXPLICIT")
        }
    }

    private func checkExplicitPaddings(_ node: NodeReader) throws(CompileError) {
        guard explicitPaddings.count == 8 else {
            throw node.malformed(
                "explicit_paddings attribute must contain 8 values, but got: \(explicitPaddings.count)")
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
    func requirePadding(smallerThan sizes: [Int], _ node: NodeReader) throws(CompileError) {
        guard isExplicit else { return }
        let axes = [format.rowAxis, format.columnAxis]
        for (axis, names) in zip(axes, [("Top", "Bottom"), ("Left", "Right")]) {
            for (side, name) in [names.0, names.1].enumerated() {
                let given = explicitPaddings[axis * 2 + side]
                guard given < sizes[axis] else {
                    throw node.malformed(
                        "\(name) padding \(given) needs to be smaller than the window size \(sizes[axis])")
                }
            }
        }
    }

    /// How the window moves over the images' dimension `axis`.
    ///
    /// - Returns: nil where a size is not known.
    /// - Throws: `invalidArgument` where the window does not fit.
    func window(_ axis: Int, size: Int, filter: Int, dilation: Int = 1) throws(CompileError) -> WindowAxis? {
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
            before = max(0, needed - size) / 2
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
    /// A list of four positive numbers, one for each dimension of the images.
    func windowSizes(_ name: String, default fallback: [Int]? = nil) throws(CompileError) -> [Int] {
        let sizes = try ints(name, default: fallback)
        guard sizes.count == 4 else { throw malformed("attribute \(name) must have 4 values, it has \(sizes.count)") }
        for size in sizes where !(1...Int(Int32.max)).contains(size) {
            throw malformed("attribute \(name) must be positive, it is \(sizes)")
        }
        return sizes
    }
}
