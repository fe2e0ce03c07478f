internal import CKernels
package import Tensors

/// The formula of an optimizer, by its number in CKernels. Its variables and numbers are in the order of TensorFlow's op.
package enum OptimizerRule: String, CaseIterable, Sendable {
    case gradientDescent, proximalGradientDescent
    case momentum, nesterovMomentum, kerasMomentum, kerasNesterovMomentum
    case adagrad, adagradFixed, adagradV2, adagradV2Fixed, proximalAdagrad, adagradDA, adadelta
    case adam, nesterovAdam, amsgrad, adaMax
    case rmsProp, centeredRMSProp
    case addSign, powerSign
    case ftrl, ftrlByRate

    fileprivate var code: Int32 {
        let code =
            switch self {
            case .gradientDescent: CK_TRAIN_GRADIENT_DESCENT
            case .proximalGradientDescent: CK_TRAIN_PROXIMAL_GRADIENT_DESCENT
            case .momentum: CK_TRAIN_MOMENTUM
            case .nesterovMomentum: CK_TRAIN_NESTEROV_MOMENTUM
            case .kerasMomentum: CK_TRAIN_KERAS_MOMENTUM
            case .kerasNesterovMomentum: CK_TRAIN_KERAS_NESTEROV_MOMENTUM
            case .adagrad: CK_TRAIN_ADAGRAD
            case .adagradFixed: CK_TRAIN_ADAGRAD_FIXED
            case .adagradV2: CK_TRAIN_ADAGRAD_V2
            case .adagradV2Fixed: CK_TRAIN_ADAGRAD_V2_FIXED
            case .proximalAdagrad: CK_TRAIN_PROXIMAL_ADAGRAD
            case .adagradDA: CK_TRAIN_ADAGRAD_DA
            case .adadelta: CK_TRAIN_ADADELTA
            case .adam: CK_TRAIN_ADAM
            case .nesterovAdam: CK_TRAIN_NESTEROV_ADAM
            case .amsgrad: CK_TRAIN_AMSGRAD
            case .adaMax: CK_TRAIN_ADAMAX
            case .rmsProp: CK_TRAIN_RMSPROP
            case .centeredRMSProp: CK_TRAIN_CENTERED_RMSPROP
            case .addSign: CK_TRAIN_ADD_SIGN
            case .powerSign: CK_TRAIN_POWER_SIGN
            case .ftrl: CK_TRAIN_FTRL
            case .ftrlByRate: CK_TRAIN_FTRL_BY_RATE
            }
        return Int32(code)
    }
}

/// What an optimizer's kernel works on. The variables are the first inputs; the kernel writes them in place.
package struct OptimizerOperands: Sendable {
    /// A number of the formula.
    package enum Number: Sendable {
        /// A scalar input.
        case input(Int, DataType)
        case constant(Double)
    }

    package let dtype: DataType
    package let variableCount: Int
    /// The input that is the gradient.
    package let gradient: Int
    package let numbers: [Number]

    /// - Parameters:
    ///   - dtype: Of the variables and the gradient: float32, float64, float16 or bfloat16.
    ///   - variableCount: How many inputs are variables, from the first.
    ///   - gradient: The input that is the gradient.
    ///   - numbers: The formula's numbers, in its order.
    package init(dtype: DataType, variableCount: Int, gradient: Int, numbers: [Number]) {
        self.dtype = dtype
        self.variableCount = variableCount
        self.gradient = gradient
        self.numbers = numbers
    }
}

extension Kernel {
    /// Changes all elements of variables by a gradient of the same shape.
    ///
    /// - Parameters:
    ///   - rule: The formula.
    ///   - operands: What it works on.
    ///   - count: How many elements each variable has.
    /// - Returns: nil if the formula has no loop for the dtype.
    package static func optimizer(_ rule: OptimizerRule, _ operands: OptimizerOperands, count: Int) -> Kernel? {
        guard let step = OptimizerStep(rule, operands) else { return nil }
        let bytes = operands.dtype.stride * (2 * operands.variableCount + 1)
        return elements(
            Name("optimizer", rule.rawValue), count: count, picoseconds: 200 + picoseconds(moving: bytes), work: 4
        ) { frame, first, count in
            step.withNumbers(frame) { step.run(frame, $0, at: first, gradientAt: first, count: count) }
        }
    }

    /// Changes rows of variables by the rows of a gradient, one after another: a row that comes twice is changed twice.
    ///
    /// - Parameters:
    ///   - rule: The formula.
    ///   - operands: What it works on.
    ///   - indices: The input that has the rows' numbers.
    ///   - reader: How to read it.
    ///   - shape: The shape of the indices.
    ///   - rowCount: How many rows each variable has. An index that is not below it is a fault, and no row is changed.
    ///   - rowSize: How many elements a row has.
    /// - Returns: nil if the formula has no loop for the dtype.
    package static func sparseOptimizer(
        _ rule: OptimizerRule, _ operands: OptimizerOperands, indices: Int, _ reader: IndexReader, _ shape: Shape,
        rowCount: Int, rowSize: Int
    ) -> Kernel? {
        guard let step = OptimizerStep(rule, operands) else { return nil }
        let count = shape.elementCount
        return Kernel(Name("optimizer.rows", rule.rawValue)) { frame in
            let numbers = frame.rawInput(indices)
            for position in 0..<count {
                let row = reader.read(numbers, at: position)
                guard row >= 0, row < rowCount else {
                    return frame.report(
                        .indexOutOfRange(position: position, value: row, limit: rowCount, of: shape))
                }
            }
            step.withNumbers(frame) { values in
                for position in 0..<count {
                    let row = reader.read(numbers, at: position)
                    step.run(frame, values, at: row &* rowSize, gradientAt: position &* rowSize, count: rowSize)
                    if frame.isOver(after: rowSize) { return }
                }
            }
        }
    }
}

/// One call of a formula.
private struct OptimizerStep: Sendable {
    private let loop: Loop<ck_train_fn>
    private let operands: OptimizerOperands
    /// From half precision to float32, and back; nil where the loop takes the elements as they are.
    private let conversion: Conversion?

    private struct Conversion: Sendable {
        let widen: Loop<ck_unary_fn>
        let narrow: Loop<ck_unary_fn>
    }

    /// So many elements are converted at once.
    private static let blockSize = 256
    private static let maxVariables = Int(CK_TRAIN_MAX_VARIABLES)
    private static let maxNumbers = Int(CK_TRAIN_MAX_NUMBERS)

    init?(_ rule: OptimizerRule, _ operands: OptimizerOperands) {
        guard operands.variableCount <= Self.maxVariables, operands.numbers.count <= Self.maxNumbers else { return nil }
        self.operands = operands
        let computed = operands.dtype.isHalfPrecision ? DataType.float32 : operands.dtype
        guard let loop = Loop(ck_train_loop(rule.code, computed.rawValue)) else { return nil }
        self.loop = loop
        if computed == operands.dtype {
            conversion = nil
        } else {
            guard let widen = Loop(ck_cast_loop(operands.dtype.rawValue, computed.rawValue)),
                let narrow = Loop(ck_cast_loop(computed.rawValue, operands.dtype.rawValue))
            else { return nil }
            conversion = Conversion(widen: widen, narrow: narrow)
        }
    }

    /// Reads the numbers once for many calls.
    @inline(__always)
    func withNumbers(_ frame: KernelFrame, _ body: (UnsafePointer<Double>) -> Void) {
        withUnsafeTemporaryAllocation(of: Double.self, capacity: Self.maxNumbers) { values in
            values.initialize(repeating: 0)
            for (index, number) in operands.numbers.enumerated() {
                switch number {
                case .constant(let value): values[index] = value
                case .input(let input, let dtype): values[index] = Self.number(frame.rawInput(input), dtype)
                }
            }
            if let base = values.baseAddress { body(UnsafePointer(base)) }
        }
    }

    private static func number(_ memory: UnsafeRawPointer, _ dtype: DataType) -> Double {
        var value = 0.0
        guard let loop = Loop(ck_cast_loop(dtype.rawValue, DataType.float64.rawValue)) else { return .nan }
        withUnsafeMutableBytes(of: &value) { bytes in
            if let base = bytes.baseAddress { loop.call(memory, base, 1) }
        }
        return value
    }

    /// Changes some elements.
    ///
    /// - Parameters:
    ///   - frame: Of the call.
    ///   - numbers: See ``withNumbers(_:_:)``.
    ///   - first: The first element of each variable.
    ///   - gradientFirst: The first element of the gradient.
    ///   - count: How many elements.
    @inline(__always)
    func run(
        _ frame: KernelFrame, _ numbers: UnsafePointer<Double>, at first: Int, gradientAt gradientFirst: Int, count: Int
    ) {
        let width = operands.dtype.stride
        withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer?.self, capacity: Self.maxVariables) { places in
            for index in 0..<Self.maxVariables {
                let variable = index < operands.variableCount ? index : 0
                places.initializeElement(at: index, to: frame.rawOperand(variable) + first &* width)
            }
            let gradient = frame.rawInput(operands.gradient) + gradientFirst &* width
            if let conversion {
                convert(conversion, places, gradient, numbers, count)
            } else {
                loop.call(places.baseAddress, gradient, numbers, count)
            }
        }
    }

    /// Computes in float32, block by block.
    private func convert(
        _ conversion: Conversion, _ places: UnsafeMutableBufferPointer<UnsafeMutableRawPointer?>,
        _ gradient: UnsafeRawPointer, _ numbers: UnsafePointer<Double>, _ count: Int
    ) {
        let size = Self.blockSize
        let width = operands.dtype.stride
        withUnsafeTemporaryAllocation(of: Float.self, capacity: size * (Self.maxVariables + 1)) { floats in
            guard let base = floats.baseAddress.map(UnsafeMutableRawPointer.init) else { return }
            let (wide, blockBytes) = (base + size * MemoryLayout<Float>.stride, size * MemoryLayout<Float>.stride)
            withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer?.self, capacity: places.count) { blocks in
                for index in places.indices {
                    let variable = index < operands.variableCount ? index : 0
                    blocks.initializeElement(at: index, to: wide + variable * blockBytes)
                }
                for first in stride(from: 0, to: count, by: size) {
                    let length = min(size, count - first)
                    conversion.widen.call(gradient + first * width, base, length)
                    for index in 0..<operands.variableCount {
                        guard let place = places[index], let block = blocks[index] else { return }
                        conversion.widen.call(place + first * width, block, length)
                    }
                    loop.call(blocks.baseAddress, base, numbers, length)
                    for index in 0..<operands.variableCount {
                        guard let place = places[index], let block = blocks[index] else { return }
                        conversion.narrow.call(block, place + first * width, length)
                    }
                }
            }
        }
    }
}
