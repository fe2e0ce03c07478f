internal import CKernels
internal import Glibc

/// For each place of an axis two places of another axis, and how far it lies between them.
struct Lerps: Sendable {
    var lower: [Int32] = []
    var upper: [Int32] = []
    var fraction: [Float] = []

    mutating func reserve(_ count: Int) {
        lower.reserveCapacity(count)
        upper.reserveCapacity(count)
        fraction.reserveCapacity(count)
    }

    /// Calls `body` with the lists as C has them, from a place on.
    func withLists(from first: Int = 0, _ body: (ckernels_lerps) -> Void) {
        lower.withUnsafeBufferPointer { lower in
            upper.withUnsafeBufferPointer { upper in
                fraction.withUnsafeBufferPointer { fraction in
                    // Safety: the lists outlive the call.
                    body(
                        ckernels_lerps(
                            lower: lower.baseAddress.map { $0 + first },
                            upper: upper.baseAddress.map { $0 + first },
                            fraction: fraction.baseAddress.map { $0 + first }))
                }
            }
        }
    }
}

/// For each place of an axis any number of places of another axis, with weights.
struct Taps: Sendable {
    private var begins: [Int64] = [0]
    private var places: [Int32] = []
    private var weights: [Float] = []

    mutating func reserve(_ count: Int, perPlace: Int) {
        begins.reserveCapacity(count + 1)
        places.reserveCapacity(count * perPlace)
        weights.reserveCapacity(count * perPlace)
    }

    /// Adds a place to the current one's. It must fit into 32 bits.
    mutating func add(_ place: Int, _ weight: Float) {
        places.append(Int32(place))
        weights.append(weight)
    }

    /// Places of the other axis, counted for each place of this one.
    var count: Int { places.count }

    /// Goes on to the next place.
    mutating func endPlace() { begins.append(Int64(places.count)) }

    /// Calls `body` with the lists as C has them, from a place on.
    func withLists(from first: Int = 0, _ body: (ckernels_taps) -> Void) {
        begins.withUnsafeBufferPointer { begins in
            places.withUnsafeBufferPointer { places in
                weights.withUnsafeBufferPointer { weights in
                    // Safety: the lists outlive the call.
                    body(
                        ckernels_taps(
                            begins: begins.baseAddress.map { $0 + first }, places: places.baseAddress,
                            weights: weights.baseAddress))
                }
            }
        }
    }
}

/// A filter by which an image is sampled anew.
package enum SamplingFilter: String, Sendable, Hashable {
    case lanczos1
    case lanczos3
    case lanczos5
    case gaussian
    case box
    case triangle
    case keyscubic
    case mitchellcubic

    private var radius: Float {
        switch self {
        case .lanczos1, .box, .triangle: 1
        case .lanczos3: 3
        case .lanczos5: 5
        case .gaussian: 1.5
        case .keyscubic, .mitchellcubic: 2
        }
    }

    /// The weight of what is `x` away; `x` is not negative.
    private func weight(_ x: Float) -> Float {
        switch self {
        case .lanczos1, .lanczos3, .lanczos5:
            if x > radius { return 0 }
            if x <= 1e-3 { return 1 }
            let pi: Float = 3.14159265359
            return radius * sinf(pi * x) * sinf(pi * x / radius) / (pi * pi * x * x)
        case .gaussian: return x >= radius ? 0 : Float(exp(Double(-x * x) / 0.5))
        case .box: return x < 0.5 ? 1 : x == 0.5 ? 0.5 : 0
        case .triangle: return x < 1 ? 1 - x : 0
        case .keyscubic:
            if x >= 2 { return 0 }
            return x >= 1 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : ((1.5 * x - 2.5) * x) * x + 1
        case .mitchellcubic:
            if x >= 2 { return 0 }
            if x >= 1 { return (((-7.0 / 18.0) * x + 2) * x - 10.0 / 3.0) * x + 16.0 / 9.0 }
            return (((7.0 / 6.0) * x - 2) * x) * x + 8.0 / 9.0
        }
    }

    /// The places of an axis that each place of the output is made of; none where it lies outside of the image.
    ///
    /// Every place of the image is in few of the lists: the lists together are not much longer than both axes.
    ///
    /// - Parameters:
    ///   - inputSize: Positive, below 2^24.
    ///   - outputSize: Positive.
    ///   - scale: The output's size in relation to the input's, positive.
    ///   - translation: How far the output is moved.
    ///   - antialias: Whether the filter grows when the image shrinks.
    /// - Returns: The lists.
    func taps(inputSize: Int, outputSize: Int, scale: Float, translation: Float, antialias: Bool) -> Taps {
        let inverse = 1 / scale
        let shift = -inverse * translation
        let width = antialias ? Swift.max(inverse, 1) : 1
        var result = Taps()
        result.reserve(outputSize, perPlace: 2)
        for index in 0..<outputSize {
            defer { result.endPlace() }
            let center = (Float(index) + 0.5) * inverse + shift
            guard center >= 0, center <= Float(inputSize) else { continue }
            let begin = place((center - radius * width - 0.5).rounded(.up), inputSize)
            let end = place((center + radius * width - 0.5).rounded(.down), inputSize)
            guard begin <= end else { continue }
            let weights = (begin...end).map { weight(Swift.abs((Float($0) + 0.5 - center) * (1 / width))) }
            let sum = weights.reduce(0, +)
            guard Swift.abs(sum) >= 1000 * Float.leastNormalMagnitude else { continue }
            for (offset, weight) in weights.enumerated() { result.add(begin + offset, weight * (1 / sum)) }
        }
        return result
    }

    private func place(_ place: Float, _ size: Int) -> Int {
        guard place > 0 else { return 0 }
        return place < Float(size - 1) ? Int(place) : size - 1
    }
}
