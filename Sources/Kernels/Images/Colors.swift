internal import Glibc
package import Tensors

/// How three numbers of a pixel become three others.
package enum ColorFormula: Sendable, Hashable {
    case rgbToHSV
    case hsvToRGB
    /// Turns the hue by input 1, of which 1 is the whole circle.
    case turnHue
    /// Multiplies the saturation by input 1; the result is in [0, 1].
    case scaleSaturation

    /// Whether input 1, one float32, is a part of it.
    package var hasParameter: Bool { self == .turnHue || self == .scaleSaturation }
}

extension Kernel {
    /// A formula for the three channels of each pixel of input 0; nil for a dtype that has none.
    package static func color(_ formula: ColorFormula, _ dtype: DataType, pixelCount: Int) -> Kernel? {
        switch (formula, dtype) {
        case (.rgbToHSV, .float32): pixels(Float.self, pixelCount) { HSV($0).simd }
        case (.rgbToHSV, .float64): pixels(Double.self, pixelCount) { HSV($0).simd }
        case (.rgbToHSV, .float16): pixels(Float16.self, pixelCount) { HSV($0).simd }
        case (.hsvToRGB, .float16): pixels(Float16.self, pixelCount) { HSV(simd: $0).rgb }
        case (.hsvToRGB, .float32): pixels(Float.self, pixelCount) { HSV(simd: $0).rgb }
        case (.hsvToRGB, .float64): pixels(Double.self, pixelCount) { HSV(simd: $0).rgb }
        case (.turnHue, .float32): adjusted(pixelCount) { turnHue($0, by: $1) }
        case (.scaleSaturation, .float32): adjusted(pixelCount) { scaleSaturation($0, by: $1) }
        default: nil
        }
    }

    @inline(__always)
    private static func pixels<F: BinaryFloatingPoint & SIMDScalar & Sendable>(
        _ type: F.Type, _ count: Int, _ formula: @escaping @Sendable (SIMD3<F>) -> SIMD3<F>
    ) -> Kernel where F: BitwiseCopyable {
        Kernel(overwritableInputs: [0]) { frame in
            let (input, output) = (frame.input(0, as: F.self), frame.output(as: F.self))
            frame.eachElement(of: count, work: 8) { pixel in store(formula(load(input, pixel)), output, pixel) }
        }
    }

    private static func adjusted(
        _ count: Int, _ formula: @escaping @Sendable (SIMD3<Float>, Float) -> SIMD3<Float>
    ) -> Kernel {
        Kernel(overwritableInputs: [0]) { frame in
            let (input, output) = (frame.input(0, as: Float.self), frame.output(as: Float.self))
            let parameter = frame.input(1, as: Float.self)[0]
            frame.eachElement(of: count, work: 8) { pixel in
                store(formula(load(input, pixel), parameter), output, pixel)
            }
        }
    }

    @inline(__always)
    private static func load<F: SIMDScalar>(_ memory: UnsafePointer<F>, _ pixel: Int) -> SIMD3<F> {
        let at = memory + 3 &* pixel
        return SIMD3(at[0], at[1], at[2])
    }

    @inline(__always)
    private static func store<F: SIMDScalar>(_ color: SIMD3<F>, _ memory: UnsafeMutablePointer<F>, _ pixel: Int) {
        let at = memory + 3 &* pixel
        (at[0], at[1], at[2]) = (color.x, color.y, color.z)
    }
}

/// A color as hue, saturation and value, all in [0, 1] for colors whose red, green and blue are.
private struct HSV<F: BinaryFloatingPoint & SIMDScalar> {
    let simd: SIMD3<F>

    @inline(__always)
    init(simd: SIMD3<F>) { self.simd = simd }

    @inline(__always)
    init(_ rgb: SIMD3<F>) {
        let value = Swift.max(rgb.x, Swift.max(rgb.y, rgb.z))
        let range = value - Swift.min(rgb.x, Swift.min(rgb.y, rgb.z))
        var hue: F = 0
        if range > 0 {
            let norm = (1 / range) * (1 / 6)
            if rgb.x == value {
                hue = norm * (rgb.y - rgb.z)
            } else if rgb.y == value {
                hue = norm * (rgb.z - rgb.x) + 2 / 6
            } else {
                hue = norm * (rgb.x - rgb.y) + 4 / 6
            }
        }
        simd = SIMD3(hue < 0 ? hue + 1 : hue, value > 0 ? range / value : 0, value)
    }

    @inline(__always)
    var rgb: SIMD3<F> {
        let turned = simd.x * 6
        let red = Self.clamped((turned - 3).magnitude - 1)
        let green = Self.clamped(2 - (turned - 2).magnitude)
        let blue = Self.clamped(2 - (turned - 4).magnitude)
        let grey = 1 - simd.y
        return SIMD3(
            (grey + simd.y * red) * simd.z, (grey + simd.y * green) * simd.z, (grey + simd.y * blue) * simd.z)
    }

    @inline(__always)
    private static func clamped(_ x: F) -> F { Swift.min(Swift.max(x, 0), 1) }
}

/// Moves the middle one of the three between the largest and the smallest, which stay.
@inline(__always)
private func turnHue(_ rgb: SIMD3<Float>, by delta: Float) -> SIMD3<Float> {
    let (r, g, b) = (rgb.x, rgb.y, rgb.z)
    // The sextant of the circle, and the three numbers in order.
    let sextant: Float
    let (low, middle, high): (Float, Float, Float)
    if r < g {
        if b < r {
            (sextant, low, middle, high) = (1, b, r, g)
        } else if b > g {
            (sextant, low, middle, high) = (3, r, g, b)
        } else {
            (sextant, low, middle, high) = (2, r, b, g)
        }
    } else if b < g {
        (sextant, low, middle, high) = (0, b, g, r)
    } else if b > r {
        (sextant, low, middle, high) = (4, g, r, b)
    } else {
        (sextant, low, middle, high) = (5, g, b, r)
    }
    var hue: Float = 0
    if high != low {
        let ratio = (middle - low) / (high - low)
        hue = sextant + (Int(sextant) & 1 == 0 ? ratio : 1 - ratio)
    }
    hue += delta * 6
    // As many turns as there are, in one step where there are many.
    if hue.magnitude > 1000 { hue = fmodf(hue, 6) }
    while hue < 0 { hue += 6 }
    while hue >= 6 { hue -= 6 }
    let place = hue >= 0 ? Int(hue) : 5
    var ratio = hue - Float(place)
    if place & 1 == 1 { ratio = 1 - ratio }
    let between = low + ratio * (high - low)
    return switch place {
    case 0: SIMD3(high, between, low)
    case 1: SIMD3(between, high, low)
    case 2: SIMD3(low, high, between)
    case 3: SIMD3(low, between, high)
    case 4: SIMD3(between, low, high)
    default: SIMD3(high, low, between)
    }
}

@inline(__always)
private func scaleSaturation(_ rgb: SIMD3<Float>, by scale: Float) -> SIMD3<Float> {
    let hsv = HSV(rgb).simd
    let saturation = Swift.min(1, Swift.max(0, hsv.y * scale))
    let chroma = saturation * hsv.z
    let grey = hsv.z - chroma
    let turned = hsv.x * 6
    guard turned >= 0, turned < 6 else { return SIMD3(grey, grey, grey) }
    let place = Int(turned)
    var even = turned
    while even >= 2 { even -= 2 }
    let x = chroma * (1 - (even - 1).magnitude) + grey
    let c = chroma + grey
    return switch place {
    case 0: SIMD3(c, x, grey)
    case 1: SIMD3(x, c, grey)
    case 2: SIMD3(grey, c, x)
    case 3: SIMD3(grey, x, c)
    case 4: SIMD3(x, grey, c)
    default: SIMD3(c, grey, x)
    }
}

extension Kernel {
    /// Moves each element of input 0, float32, away from its channel's mean in its image: by the factor that input 1 is.
    ///
    /// - Parameters:
    ///   - images: How many there are.
    ///   - pixels: In each of them.
    ///   - depth: Channels.
    /// - Returns: The kernel.
    package static func contrast(images: Int, pixels: Int, depth: Int) -> Kernel {
        Kernel(scratchBytes: depth &* 8) { frame in
            var input = frame.input(0, as: Float.self)
            var output = frame.output(as: Float.self)
            let factor = frame.input(1, as: Float.self)[0]
            let sums = frame.scratch.assumingMemoryBound(to: Double.self)
            for _ in 0..<images {
                sums.update(repeating: 0, count: depth)
                frame.eachElement(of: pixels, work: depth) { pixel in
                    for channel in 0..<depth { sums[channel] += Double(input[pixel &* depth &+ channel]) }
                }
                for channel in 0..<depth { sums[channel] /= Double(pixels) }
                if frame.isOver(after: depth) { return }
                frame.eachElement(of: pixels, work: depth) { pixel in
                    for channel in 0..<depth {
                        let mean = Float(sums[channel])
                        let index = pixel &* depth &+ channel
                        output[index] = mean + (input[index] - mean) * factor
                    }
                }
                input += pixels &* depth
                output += pixels &* depth
            }
        }
    }
}
