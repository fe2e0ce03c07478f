internal import Glibc

/// How the places of an axis of a resized image lie on the axis of the image. All in float32, as TensorFlow reckons.
package struct ResizeAxis: Sendable, Hashable {
    package let inputSize: Int
    package let outputSize: Int
    private let alignCorners: Bool
    private let halfPixelCenters: Bool
    let scale: Float

    /// More places than this are refused: float32 does not tell them apart.
    package static let maximumSize = 1 << 24

    /// - Parameters:
    ///   - inputSize: Positive, at most ``maximumSize``.
    ///   - outputSize: Positive, at most ``maximumSize``.
    ///   - alignCorners: Whether the first and the last places fall on each other.
    ///   - halfPixelCenters: Whether a pixel is where its center is.
    package init(inputSize: Int, outputSize: Int, alignCorners: Bool, halfPixelCenters: Bool) {
        self.inputSize = inputSize
        self.outputSize = outputSize
        self.alignCorners = alignCorners
        self.halfPixelCenters = halfPixelCenters
        let spreads = alignCorners && inputSize > 1 && outputSize > 1
        scale = spreads ? Float(inputSize - 1) / Float(outputSize - 1) : Float(inputSize) / Float(outputSize)
    }

    private func place(_ index: Int) -> Float {
        halfPixelCenters ? (Float(index) + 0.5) * scale - 0.5 : Float(index) * scale
    }

    private func clamped(_ place: Float) -> Int { clamped(Int(place)) }

    private func clamped(_ place: Int) -> Int { Swift.min(Swift.max(place, 0), inputSize - 1) }

    /// The place that is nearest to each.
    package var nearest: [Int] {
        (0..<outputSize).map { index in
            let place = halfPixelCenters ? (Float(index) + 0.5) * scale : Float(index) * scale
            return clamped(alignCorners ? place.rounded() : place.rounded(.down))
        }
    }

    /// The two places that each lies between.
    var lerps: Lerps {
        var result = Lerps()
        result.reserve(outputSize)
        for index in 0..<outputSize {
            let place = place(index)
            let floor = place.rounded(.down)
            let upper = Swift.min(Int(place.rounded(.up)), inputSize - 1)
            result.lower.append(Int32(Swift.min(Swift.max(Int(floor), 0), Swift.max(upper, 0))))
            result.upper.append(Int32(Swift.max(upper, 0)))
            result.fraction.append(place - floor)
        }
        return result
    }

    /// The four places around each, by the cubic convolution: Keys's where pixels are where their centers are, with places
    /// outside of the image left out; else a sharper one, with the edge repeated.
    var cubic: Taps {
        var result = Taps()
        result.reserve(outputSize, perPlace: 4)
        for index in 0..<outputSize {
            let place = place(index)
            let floor = place.rounded(.down)
            let offset = ((place - floor) * Float(CubicWeights.steps)).rounded(.toNearestOrEven)
            let weights = CubicWeights(sharpness: halfPixelCenters ? -0.5 : -0.75, offset: Int(offset)).values
            let places = (-1...2).map { Int(floor) + $0 }
            guard halfPixelCenters else {
                for (place, weight) in zip(places, weights) { result.add(clamped(place), weight) }
                result.endPlace()
                continue
            }
            let inside = zip(places, weights).map { $0 == clamped($0) ? $1 : 0 }
            let sum = inside[0] + inside[1] + inside[2] + inside[3]
            let factor = Swift.abs(sum) >= 1000 * Float.leastNormalMagnitude ? 1 / sum : 1
            for (place, weight) in zip(places, inside) { result.add(clamped(place), weight * factor) }
            result.endPlace()
        }
        return result
    }

    /// The places that a filter makes each of.
    func taps(_ filter: SamplingFilter, scale: Float, translation: Float, antialias: Bool) -> Taps {
        filter.taps(
            inputSize: inputSize, outputSize: outputSize, scale: scale, translation: translation, antialias: antialias)
    }

    /// All places that each covers, by how much it covers of them.
    var area: Taps {
        var result = Taps()
        result.reserve(outputSize, perPlace: 2)
        for index in 0..<outputSize {
            let begin = Float(index) * scale
            let end = Float(index + 1) * scale
            let first = Int(begin.rounded(.down))
            for place in first..<Swift.max(Int(end.rounded(.up)), first + 1) {
                let low = Float(place)
                let weight =
                    low < begin
                    ? (low + 1 > end ? scale : low + 1 - begin)
                    : (low + 1 > end ? end - low : 1)
                result.add(clamped(place), weight)
            }
            result.endPlace()
        }
        return result
    }
}

/// The weights of the four places around one, of which the fraction is a multiple of 1/1024.
private struct CubicWeights {
    static let steps = 1024

    let values: [Float]

    init(sharpness: Double, offset: Int) {
        values = [
            Self.far(sharpness, offset), Self.near(sharpness, offset), Self.near(sharpness, Self.steps - offset),
            Self.far(sharpness, Self.steps - offset),
        ]
    }

    private static func near(_ a: Double, _ offset: Int) -> Float {
        let x = Double(offset) / Double(steps)
        return Float(((a + 2) * x - (a + 3)) * x * x + 1)
    }

    private static func far(_ a: Double, _ offset: Int) -> Float {
        let x = Double(offset) / Double(steps) + 1
        return Float(((a * x - 5 * a) * x + 8 * a) * x - 4 * a)
    }
}
