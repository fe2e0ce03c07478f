package import Tensors

/// Images seen through projective transforms: each pixel of the output is what the input has where the transform sends it.
package struct ProjectiveTransform: Sendable, Hashable {
    /// What is outside of the image.
    package enum Outside: String, Sendable, Hashable {
        case constant = "CONSTANT"
        case nearest = "NEAREST"
        case reflect = "REFLECT"
        case wrap = "WRAP"

        /// Where a place is instead, on an axis of `size` places.
        fileprivate func place(_ place: Float, _ size: Int) -> Float {
            guard self != .constant else { return place }
            guard size > 1, place.isFinite else { return place > 0 ? Float(size - 1) : 0 }
            var result = place
            let last = Float(size - 1)
            let around = Float(size) * (self == .reflect ? 2 : 1)
            switch self {
            case .constant, .nearest: break
            case .reflect where result < 0:
                result += around * (-result / around).rounded(.towardZero)
                result = result < -Float(size) ? result + around : -result - 1
            case .reflect where result > last:
                result -= around * (result / around).rounded(.towardZero)
                if result >= Float(size) { result = around - result - 1 }
            case .wrap where result < 0: result += around * ((-result / last).rounded(.towardZero) + 1)
            case .wrap where result > last: result -= around * (result / last).rounded(.towardZero)
            default: break
            }
            return Swift.min(Swift.max(result, 0), last)
        }
    }

    private let images: [Int]
    private let height: Int
    private let width: Int
    private let transformCount: Int
    private let isNearest: Bool
    private let outside: Outside

    /// - Parameters:
    ///   - images: Their four dimensions.
    ///   - height: The output's.
    ///   - width: The output's.
    ///   - transformCount: One for all images, or one for each.
    ///   - isNearest: Whether a pixel is the nearest one, not one between four.
    ///   - outside: What is outside of the image.
    package init(
        images: [Int], height: Int, width: Int, transformCount: Int, isNearest: Bool, outside: Outside
    ) {
        self.images = images
        self.height = height
        self.width = width
        self.transformCount = transformCount
        self.isNearest = isNearest
        self.outside = outside
    }

    /// The kernel of images and transforms (float32, eight numbers each); nil for a dtype that has none.
    ///
    /// - `fillInput`: The input, a float32 scalar, that says what a constant outside is; nil for zero.
    package func kernel(_ dtype: DataType, fillInput: Int?) -> Kernel? {
        switch dtype {
        case .float32: kernel(fillInput) { Float($0) }
        case .float64: kernel(fillInput) { Double($0) }
        case .float16: kernel(fillInput) { Float16($0) }
        case .uint8: kernel(fillInput) { (x: Float) -> UInt8 in UInt8(truncatingIfNeeded: Self.whole(x)) }
        case .int32: kernel(fillInput) { (x: Float) -> Int32 in Int32(truncatingIfNeeded: Self.whole(x)) }
        case .int64: kernel(fillInput) { (x: Float) -> Int64 in Int64(Self.whole(x)) }
        default: nil
        }
    }

    private static func whole(_ x: Float) -> Int { x.magnitude < 9e18 ? Int(x) : Int.min }

    private func kernel<Element: FloatReadable>(
        _ fillInput: Int?, _ element: @escaping @Sendable (Float) -> Element
    ) -> Kernel {
        Kernel { frame in
            let transforms = frame.input(1, as: Float.self)
            let fill = element(fillInput.map { frame.input($0, as: Float.self)[0] } ?? 0)
            var output = frame.output(as: Element.self)
            let depth = images[3]
            for image in 0..<images[0] {
                let transform = transforms + (transformCount == 1 ? 0 : 8 &* image)
                let source = frame.input(0, as: Element.self) + image &* images[1] &* images[2] &* depth
                for y in 0..<height {
                    for x in 0..<width {
                        if frame.isOver(after: 4 &* depth) { return }
                        write(pixel(transform, Float(x), Float(y)), source, fill, element, output)
                        output += depth
                    }
                }
            }
        }
    }

    /// Where a pixel of the output lies in the image; nil at infinity.
    private func pixel(_ t: UnsafePointer<Float>, _ x: Float, _ y: Float) -> (x: Float, y: Float)? {
        let projection = t[6] * x + t[7] * y + 1
        guard projection != 0 else { return nil }
        return (
            outside.place((t[0] * x + t[1] * y + t[2]) / projection, images[2]),
            outside.place((t[3] * x + t[4] * y + t[5]) / projection, images[1])
        )
    }

    @inline(__always)
    private func write<Element: FloatReadable>(
        _ at: (x: Float, y: Float)?, _ image: UnsafePointer<Element>, _ fill: Element,
        _ element: (Float) -> Element, _ output: UnsafeMutablePointer<Element>
    ) {
        let depth = images[3]
        guard let at, let x = place(at.x), let y = place(at.y) else {
            return output.update(repeating: fill, count: depth)
        }
        func read(_ row: Int, _ column: Int, _ channel: Int) -> Element {
            guard row >= 0, row < images[1], column >= 0, column < images[2] else { return fill }
            return image[(row &* images[2] &+ column) &* depth &+ channel]
        }
        if isNearest {
            let (row, column) = (Int(at.y.rounded()), Int(at.x.rounded()))
            for channel in 0..<depth { output[channel] = read(row, column, channel) }
            return
        }
        let (right, left) = (Float(x) + 1 - at.x, at.x - Float(x))
        let (below, above) = (Float(y) + 1 - at.y, at.y - Float(y))
        for channel in 0..<depth {
            let top = right * read(y, x, channel).float + left * read(y, x + 1, channel).float
            let bottom = right * read(y + 1, x, channel).float + left * read(y + 1, x + 1, channel).float
            output[channel] = element(below * top + above * bottom)
        }
    }

    /// The whole number below; nil where that is far outside of any image.
    private func place(_ x: Float) -> Int? { x.magnitude < 1e9 ? Int(x.rounded(.down)) : nil }
}

/// A number that can be read as float32.
protocol FloatReadable: BitwiseCopyable, Sendable {
    var float: Float { get }
}

extension Float: FloatReadable { var float: Float { self } }
extension Float16: FloatReadable {
    var float: Float { Float(self) }
}
extension Double: FloatReadable { var float: Float { Float(self) } }
extension UInt8: FloatReadable { var float: Float { Float(self) } }
extension Int32: FloatReadable { var float: Float { Float(self) } }
extension Int64: FloatReadable { var float: Float { Float(self) } }
