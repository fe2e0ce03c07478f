package import Tensors

extension Kernel {
    /// Copies images, input 0, float32 or float16 [batch, height, width, depth], and draws the edges of boxes, input 1, float32
    /// [batch, boxes, 4], on them.
    ///
    /// - Parameters:
    ///   - dtype: The images'.
    ///   - images: Their dimensions; the depth is 1, 3 or 4.
    ///   - boxCount: Boxes of each image.
    ///   - colorCount: How many colors input 2 has, [colors, depth or more]; 0 for ten colors of ours.
    ///   - colorDepth: The numbers of each of them.
    /// - Returns: nil for another dtype.
    package static func boxes(
        _ dtype: DataType, _ images: [Int], boxCount: Int, colorCount: Int, colorDepth: Int
    ) -> Kernel? {
        switch dtype {
        case .float32: boxes(Float.self, images, boxCount, colorCount, colorDepth)
        case .float16: boxes(Float16.self, images, boxCount, colorCount, colorDepth)
        default: nil
        }
    }

    private static func boxes<Element: BinaryFloatingPoint & BitwiseCopyable & SendableMetatype>(
        _ type: Element.Type, _ images: [Int], _ boxCount: Int, _ colorCount: Int, _ colorDepth: Int
    ) -> Kernel {
        let (height, width, depth) = (images[1], images[2], images[3])
        let size = height &* width &* depth
        return Kernel { frame in
            let output = frame.output(as: Element.self)
            output.update(from: frame.input(0), count: images[0] &* size)
            let boxes = frame.input(1, as: Float.self)
            let colors: UnsafePointer<Float>? = colorCount > 0 ? frame.input(2) : nil
            for image in 0..<images[0] {
                for box in 0..<boxCount {
                    let at = boxes + 4 &* (image &* boxCount &+ box)
                    let color =
                        if let colors { BoxColor(colors + box % colorCount &* colorDepth, depth) } else {
                            BoxColor(number: box, depth)
                        }
                    let frame = BoxFrame(at, height: height, width: width)
                    frame?.draw(color, on: output + image &* size, depth: depth)
                }
            }
        }
    }
}

/// The color of a box: as many numbers as there are channels.
private struct BoxColor {
    let values: SIMD4<Float>

    init(_ memory: UnsafePointer<Float>, _ depth: Int) {
        var values = SIMD4<Float>()
        for channel in 0..<depth { values[channel] = memory[channel] }
        self.values = values
    }

    init(number: Int, _ depth: Int) {
        var values: SIMD4<Float> =
            switch number % 10 {
            case 0: [1, 1, 0, 1]
            case 1: [0, 0, 1, 1]
            case 2: [1, 0, 0, 1]
            case 3: [0, 1, 0, 1]
            case 4: [0.5, 0, 0.5, 1]
            case 5: [0.5, 0.5, 0, 1]
            case 6: [0.5, 0, 0, 1]
            case 7: [0, 0, 0.5, 1]
            case 8: [0, 1, 1, 1]
            default: [1, 0, 1, 1]
            }
        if depth == 1 { values[0] = 1 }
        self.values = values
    }
}

/// The rows and columns on which a box's edges are, some of them perhaps outside of the image.
private struct BoxFrame {
    private let top: Int
    private let bottom: Int
    private let left: Int
    private let right: Int
    private let height: Int
    private let width: Int

    /// - Returns: nil if there is nothing to draw: the box is inverted, or outside of the image.
    init?(_ box: UnsafePointer<Float>, height: Int, width: Int) {
        let places = (0..<4).map { Self.place(box[$0] * Float(($0 & 1 == 0 ? height : width) - 1)) }
        (top, left, bottom, right) = (places[0], places[1], places[2], places[3])
        (self.height, self.width) = (height, width)
        guard top <= bottom, left <= right, top < height, left < width, bottom >= 0, right >= 0 else { return nil }
    }

    /// Towards zero; far away where that is no number.
    private static func place(_ x: Float) -> Int { x.magnitude < 1e15 ? Int(x) : x > 0 ? 1 << 50 : -1 << 50 }

    func draw<Element: BinaryFloatingPoint>(
        _ color: BoxColor, on image: UnsafeMutablePointer<Element>, depth: Int
    ) {
        let rows = max(top, 0)...min(bottom, height - 1)
        let columns = max(left, 0)...min(right, width - 1)
        func dot(_ row: Int, _ column: Int) {
            let pixel = image + (row &* width &+ column) &* depth
            for channel in 0..<depth { pixel[channel] = Element(color.values[channel]) }
        }
        for row in [top, bottom] where row >= 0 && row < height { for column in columns { dot(row, column) } }
        for column in [left, right] where column >= 0 && column < width { for row in rows { dot(row, column) } }
    }
}
