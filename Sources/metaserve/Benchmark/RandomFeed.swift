import API
import Serving
import Tensors

/// Random values for an input, the same in each run of the program.
struct RandomFeed {
    private let input: TensorDescription
    private let shape: Shape
    private let decodesImages: Bool
    private var state: UInt64 = 0x9e37_79b9_7f4a_7c15

    /// - Parameters:
    ///   - input: The input.
    ///   - shape: The shape of the feed.
    ///   - decodesImages: Whether the graph expects image files as strings.
    init(_ input: TensorDescription, _ shape: Shape, decodesImages: Bool) {
        self.input = input
        self.shape = shape
        self.decodesImages = decodesImages
    }

    /// Floats from 0 to 1; whole numbers and Booleans of 0 and 1, which every table has; bytes from 0 to 255 where an image is likely; a
    /// word or a small image for a string. A switch such as that of dropout gets its usual value, another single float 1.
    ///
    /// - Parameter dtype: The dtype of the feed.
    /// - Returns: The tensor; nil if memory is short, or for a dtype that cannot be fed.
    mutating func tensor(of dtype: DataType) -> Tensor? {
        let count = shape.elementCount
        let isSwitch = shape.rank == 0 && dtype.isFloating
        let constant = input.usualValue ?? (isSwitch ? 1 : nil)
        switch dtype {
        case .string: return strings()
        case .float16, .bfloat16:
            let numbers = (0..<count).map { _ in Float(constant ?? next()) }
            return Tensor(halfPrecisionFloats: numbers, dtype: dtype, shape: shape.dimensions)
        case .float32, .float64, .complex64, .complex128:
            return Tensor(dtype: dtype, shape: shape) { memory in
                if dtype == .float32 || dtype == .complex64 {
                    for index in 0..<memory.count / 4 {
                        memory.storeBytes(
                            of: Float(constant ?? next()), toByteOffset: 4 * index, as: Float.self)
                    }
                } else {
                    for index in 0..<memory.count / 8 {
                        memory.storeBytes(of: constant ?? next(), toByteOffset: 8 * index, as: Double.self)
                    }
                }
            }
        case .resource, .variant: return nil
        default:
            // The lowest byte of a whole number comes first.
            let isImage = dtype == .uint8 && shape.rank >= 3
            return Tensor(dtype: dtype, shape: shape) { memory in
                memory.initializeMemory(as: UInt8.self, repeating: 0)
                for index in 0..<count {
                    let number = constant ?? (next() * (isImage ? 256 : 2))
                    memory[index * dtype.stride] = UInt8(exactly: number.rounded(.down)) ?? 0
                }
            }
        }
    }

    private func strings() -> Tensor? {
        let element =
            decodesImages ? FeedValue(text: "{\"b64\":\"\(ExampleImage.base64)\"}") : FeedValue(stringLiteral: "word")
        let values = FeedValue(Array(repeating: element, count: shape.elementCount))
        return try? values.tensor(of: .string, feed: input.name).reshaped(to: shape)
    }

    /// The next number from 0 to below 1 (SplitMix64).
    private mutating func next() -> Double {
        state &+= 0x9e37_79b9_7f4a_7c15
        var bits = state
        bits = (bits ^ bits >> 30) &* 0xbf58_476d_1ce4_e5b9
        bits = (bits ^ bits >> 27) &* 0x94d0_49bb_1331_11eb
        // 24 bits, so that the nearest float is below 1 too.
        return Double((bits ^ bits >> 31) >> 40) / Double(1 << 24)
    }
}
