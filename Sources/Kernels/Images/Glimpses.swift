internal import Glibc

/// Windows of one size on images, [batch, height, width, depth] of float32, one for each; noise where they look outside.
package struct Glimpses: Sendable, Hashable {
    /// What is outside of an image.
    package enum Noise: String, Sendable, Hashable {
        /// Any number between the smallest and the largest of the image.
        case uniform
        /// Of each channel's mean and deviation, between its smallest and its largest number.
        case gaussian
        case zero
    }

    private let images: [Int]
    private let height: Int
    private let width: Int
    private let isNormalized: Bool
    private let isCentered: Bool
    private let isFirstVersion: Bool
    private let noise: Noise

    /// - Parameters:
    ///   - images: Their four dimensions.
    ///   - height: Of a window.
    ///   - width: Of a window.
    ///   - isNormalized: Whether offsets are fractions of the image.
    ///   - isCentered: Whether offsets are counted from the middle of the image.
    ///   - isFirstVersion: Whether they are read as ExtractGlimpse does, not ExtractGlimpseV2.
    ///   - noise: What is outside.
    package init(
        images: [Int], height: Int, width: Int, isNormalized: Bool, isCentered: Bool, isFirstVersion: Bool, noise: Noise
    ) {
        self.images = images
        self.height = height
        self.width = width
        self.isNormalized = isNormalized
        self.isCentered = isCentered
        self.isFirstVersion = isFirstVersion
        self.noise = noise
    }

    /// The kernel of images, input 0, and offsets, input 2, float32 [batch, 2]: y and x.
    package var kernel: Kernel {
        Kernel { frame in
            let offsets = frame.input(2, as: Float.self)
            var image = frame.input(0, as: Float.self)
            var output = frame.output(as: Float.self)
            let depth = images[3]
            var generator = SplitMix()
            for index in 0..<images[0] {
                let top = begin(offsets[2 &* index], images[1], height)
                let left = begin(offsets[2 &* index &+ 1], images[2], width)
                if frame.isOver(after: height &* width &* depth) { return }
                if top < 0 || left < 0 || top &+ height > images[1] || left &+ width > images[2] {
                    fill(output, image, &generator)
                }
                for y in max(0, -top)..<max(max(0, -top), min(height, images[1] &- top)) {
                    let from = max(0, -left)
                    let count = min(width, images[2] &- left) &- from
                    guard count > 0 else { continue }
                    let source = image + ((top &+ y) &* images[2] &+ left &+ from) &* depth
                    (output + (y &* width &+ from) &* depth).update(from: source, count: count &* depth)
                }
                image += images[1] &* images[2] &* depth
                output += height &* width &* depth
            }
        }
    }

    /// Where a window begins on an axis of the image.
    private func begin(_ offset: Float, _ size: Int, _ window: Int) -> Int {
        var place = offset
        if isNormalized { place *= Float(size) }
        if isFirstVersion || isNormalized {
            if isCentered { place = place / 2 + Float(size) / 2 }
            if isFirstVersion || isCentered { place -= Float(window) / 2 }
        } else if isCentered {
            place += Float(size) / 2
        }
        guard place.magnitude < 1e15 else { return place < 0 ? -1 << 50 : 1 << 50 }
        return Int(place)
    }

    private func fill(
        _ output: UnsafeMutablePointer<Float>, _ image: UnsafePointer<Float>, _ generator: inout SplitMix
    ) {
        let depth = images[3]
        let pixels = images[1] &* images[2]
        let count = height &* width
        output.update(repeating: 0, count: count &* depth)
        guard noise != .zero, pixels > 0 else { return }
        if noise == .uniform {
            let range = Range(image, count: pixels &* depth, step: 1)
            for index in 0..<count &* depth {
                output[index] = range.low + generator.uniform() * (range.high - range.low)
            }
            return
        }
        for channel in 0..<depth {
            let range = Range(image + channel, count: pixels, step: depth)
            for index in 0..<count {
                let number = range.mean + generator.normal() * range.deviation
                output[index &* depth &+ channel] = max(range.low, min(range.high, number))
            }
        }
    }

    /// What is to be known of some numbers to make others like them.
    private struct Range {
        private(set) var low = Float.infinity
        private(set) var high = -Float.infinity
        let mean: Float
        let deviation: Float

        init(_ numbers: UnsafePointer<Float>, count: Int, step: Int) {
            var (sum, squares) = (0.0, 0.0)
            for index in 0..<count {
                let number = numbers[index &* step]
                low = min(low, number)
                high = max(high, number)
                sum += Double(number)
            }
            for index in 0..<count {
                let distance = Double(numbers[index &* step]) - sum / Double(count)
                squares += distance * distance
            }
            mean = Float(sum / Double(count))
            deviation = Float((squares / Double(count)).squareRoot())
        }
    }
}

/// Random numbers for noise, from a seed of the system's.
private struct SplitMix {
    private var state: UInt64

    init() {
        var generator = SystemRandomNumberGenerator()
        state = generator.next()
    }

    mutating func uniform() -> Float {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return Float((mixed ^ (mixed >> 31)) >> 40) / Float(1 << 24)
    }

    mutating func normal() -> Float {
        let radius = (-2 * logf(1 - uniform())).squareRoot()
        return radius * cosf(2 * Float.pi * uniform())
    }
}
