import Foundation
import Tensors
import Testing
import VectorSupport

@testable import Operations

/// What float32 kernels may be off by, relative to what Double's functions say of the same float32 arguments.
private let allowedError = 2e-6

@Suite("Accuracy of float32")
struct AccuracyTests {
    /// An op of one argument, and the ranges where it is looked at.
    struct Function: Sendable, CustomTestStringConvertible {
        let op: String
        let ranges: [ClosedRange<Double>]
        /// How many arguments of each range.
        let count: Int
        let exact: @Sendable (Double) -> Double
        var testDescription: String { op }

        init(
            _ op: String, _ ranges: ClosedRange<Double>..., count: Int = AccuracyTests.count,
            exact: @escaping @Sendable (Double) -> Double
        ) {
            self.op = op
            self.ranges = ranges
            self.count = count
            self.exact = exact
        }
    }

    /// A prime, so that steps through the arguments meet all of them.
    private static let count = 5003

    /// The argument's float32 neighbourhood of zero, where differences from 1 or 0 show what a formula loses.
    private static let tiny = -1e-4...1e-4

    static let functions: [Function] = [
        Function("Exp", -87...88.7, tiny) { exp($0) },
        Function("Expm1", -20...88, -1...1, tiny) { expm1($0) },
        Function("Log", 1e-30...1e30, 0.4...2.5, 0.999...1.001) { log($0) },
        Function("Log1p", -0.9999...50, -0.5...0.5, tiny) { log1p($0) },
        Function("Sqrt", 1e-30...1e30, 0...4) { $0.squareRoot() },
        Function("Rsqrt", 1e-30...1e30, 0.1...4) { 1 / $0.squareRoot() },
        Function("Square", -1e15...1e15) { $0 * $0 },
        Function("Reciprocal", 0.001...1e30, -4 ... -0.1) { 1 / $0 },
        Function("Inv", 0.001...1e30) { 1 / $0 },
        Function("Sin", -10...10, -1e5...1e5, 1e6...1e7, tiny) { sin($0) },
        Function("Cos", -10...10, -1e5...1e5, 1e6...1e7, tiny) { cos($0) },
        Function("Tan", -10...10, -1e5...1e5, 1e6...1e7, tiny) { tan($0) },
        Function("Asin", -1...1, tiny) { asin($0) },
        Function("Acos", -1...1, 0.99...1) { acos($0) },
        Function("Atan", -50...50, tiny) { atan($0) },
        Function("Sinh", -80...80, -1...1, tiny) { sinh($0) },
        Function("Cosh", -80...80, tiny) { cosh($0) },
        Function("Tanh", -12...12, -0.7...0.7, tiny) { tanh($0) },
        Function("Asinh", -1e6...1e6, -2...2, tiny) { asinh($0) },
        Function("Acosh", 1...1e6, 1...1.01) { acosh($0) },
        Function("Atanh", -0.99999...0.99999, tiny) { atanh($0) },
        Function("Sigmoid", -80...40) { 1 / (1 + exp(-$0)) },
        Function("Erf", -5...5, tiny) { erf($0) },
        Function("Erfc", -5...9, tiny) { erfc($0) },
        Function("Softplus", -80...80, -2...2) { max($0, 0) + log1p(exp(-abs($0))) },
        Function("Softsign", -1e6...1e6, tiny) { $0 / (1 + abs($0)) },
        Function("Elu", -80...80, tiny) { $0 < 0 ? expm1($0) : $0 },
        Function("Selu", -80...80, tiny) {
            $0 < 0 ? 1.0507009873554805 * 1.6732632423543772 * expm1($0) : 1.0507009873554805 * $0
        },
        Function("Lgamma", 0.001...50, 0.9...2.1) { lgamma($0) },
        Function("BesselJ0", -30...30) { j0($0) },
        Function("BesselJ1", -30...30, tiny) { j1($0) },
        Function("BesselY0", 0.01...30) { y0($0) },
        Function("BesselY1", 0.01...30) { y1($0) },
        Function("BesselI0e", -60...60, count: 307) { besselI(0, $0) * exp(-abs($0)) },
        Function("BesselI1e", -60...60, count: 307) { besselI(1, $0) * exp(-abs($0)) },
        Function("BesselI0", -60...60, count: 307) { besselI(0, $0) },
        Function("BesselI1", -60...60, count: 307) { besselI(1, $0) },
        Function("BesselK0", 0.01...80, count: 307) { besselK(0, $0) },
        Function("BesselK1", 0.01...80, count: 307) { besselK(1, $0) },
        Function("BesselK0e", 0.01...80, count: 307) { besselK(0, $0) * exp($0) },
        Function("BesselK1e", 0.01...80, count: 307) { besselK(1, $0) * exp($0) },
        Function("Dawsn", -8...8, tiny, count: 307) { dawson($0) },
        Function("Digamma", 0.01...1.4, 1.5...50) { digamma($0) },
        Function("Expint", 0.01...0.3, 0.5...80, count: 307) { expint($0) },
        Function("FresnelSin", 0.01...4, count: 307) { x in integral(0, x) { sin(Double.pi / 2 * $0 * $0) } },
        Function("FresnelCos", 0.01...4, count: 307) { x in integral(0, x) { cos(Double.pi / 2 * $0 * $0) } },
        Function("Spence", 0.01...0.9, 1.1...9, count: 307) { x in
            -integral(0, log(x)) { $0 == 0 ? 1 : $0 / -expm1(-$0) }
        },
        Function("Relu", -9...9) { max($0, 0) },
        Function("Relu6", -9...9) { min(max($0, 0), 6) },
        Function("LeakyRelu", -9...9) { $0 > 0 ? $0 : $0 * Double(Float(0.2)) },
        Function("Neg", -9...9) { -$0 },
        Function("Abs", -9...9) { abs($0) },
        Function("Sign", -9...9) { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 },
        Function("Floor", -1e6...1e6, -3...3) { $0.rounded(.down) },
        Function("Ceil", -1e6...1e6, -3...3) { $0.rounded(.up) },
        Function("Round", -1e6...1e6, -3...3) { $0.rounded(.toNearestOrEven) },
        Function("Rint", -1e6...1e6, -3...3) { $0.rounded(.toNearestOrEven) },
    ]

    @Test("Functions of one argument are within 2e-6 of the exact ones", arguments: functions)
    func unaryIsAccurate(_ function: Function) throws {
        let op = try plainOp(function.op, inputs: 1)
        for range in function.ranges {
            let arguments = Self.sweep(range, count: function.count)
            let results = try floats(op, [arguments])
            for (x, y) in zip(arguments, results) {
                try check(y, function.exact(Double(x)), "\(function.op) of \(x)")
            }
        }
    }

    /// Functions whose inverse the library has, or whose value is known otherwise: f(inverse(y)) is y.
    @Test("Inverses of the error function and of the normal distribution lead back")
    func inversesAreAccurate() throws {
        let values = Self.sweep(-0.9999...0.9999)
        for (x, y) in zip(values, try floats(plainOp("Erfinv", inputs: 1), [values])) where x != 0 {
            // The slope at y turns the error of y into one of x.
            let error = abs(erf(Double(y)) - Double(x)) / (2 / Double.pi.squareRoot() * exp(-Double(y) * Double(y)))
            #expect(error <= allowedError * abs(Double(y)), "Erfinv of \(x)")
        }
        let parts = Self.sweep(1e-6...0.999999)
        for (p, y) in zip(parts, try floats(plainOp("Ndtri", inputs: 1), [parts])) where abs(y) > 1e-3 {
            let back = 0.5 * erfc(-Double(y) / 2.0.squareRoot())
            let density = exp(-0.5 * Double(y) * Double(y)) / (2 * Double.pi).squareRoot()
            #expect(abs(back - Double(p)) / density <= allowedError * abs(Double(y)), "Ndtri of \(p)")
        }
    }

    /// An op of two arguments.
    struct BinaryFunction: Sendable, CustomTestStringConvertible {
        let op: String
        let left: ClosedRange<Double>
        let right: ClosedRange<Double>
        let exact: @Sendable (Double, Double) -> Double
        var testDescription: String { op }

        init(
            _ op: String, _ left: ClosedRange<Double>, _ right: ClosedRange<Double>,
            exact: @escaping @Sendable (Double, Double) -> Double
        ) {
            self.op = op
            self.left = left
            self.right = right
            self.exact = exact
        }
    }

    static let binaryFunctions: [BinaryFunction] = [
        BinaryFunction("AddV2", 0...100, 0...100) { $0 + $1 },
        BinaryFunction("Add", 0...100, 0...100) { $0 + $1 },
        BinaryFunction("Sub", 100...200, 0...50) { $0 - $1 },
        BinaryFunction("Mul", -100...100, -100...100) { $0 * $1 },
        BinaryFunction("MulNoNan", -100...100, 1...100) { $0 * $1 },
        BinaryFunction("RealDiv", -100...100, 0.1...100) { $0 / $1 },
        BinaryFunction("Div", -100...100, 0.1...100) { $0 / $1 },
        BinaryFunction("DivNoNan", -100...100, 0.1...100) { $0 / $1 },
        BinaryFunction("Xdivy", -100...100, 0.1...100) { $0 / $1 },
        BinaryFunction("SquaredDifference", -100...100, -100...100) {
            let difference = Double(Float($0) - Float($1))
            return difference * difference
        },
        BinaryFunction("Pow", 0.001...1000, -9...9) { pow($0, $1) },
        BinaryFunction("Pow", 0.9...1.1, -500...500) { pow($0, $1) },
        BinaryFunction("Atan2", -9...9, -9...9) { atan2($0, $1) },
        BinaryFunction("Xlogy", -9...9, 0.01...100) { $0 * log($1) },
        BinaryFunction("Xlog1py", -9...9, -0.9...100) { $0 * log1p($1) },
        BinaryFunction("FloorMod", 0...1000, 1...9) { fmod($0, $1) },
        BinaryFunction("FloorDiv", 0...1000, 1...9) { Double((Float($0) / Float($1)).rounded(.down)) },
        BinaryFunction("TruncateDiv", 0...1000, 1...9) { Double((Float($0) / Float($1)).rounded(.towardZero)) },
        BinaryFunction("NextAfter", -9...9, -9...9) {
            $0 == $1 ? $0 : Double($1 > $0 ? Float($0).nextUp : Float($0).nextDown)
        },
        BinaryFunction("Igamma", 1...1, 0.01...30) { 1 - exp(-$1) + 0 * $0 },
        BinaryFunction("Igamma", 0.5...0.5, 0.01...30) { erf($1.squareRoot()) + 0 * $0 },
        BinaryFunction("Igammac", 2...2, 0.01...50) { (1 + $1) * exp(-$1) + 0 * $0 },
        BinaryFunction("Igammac", 0.5...0.5, 0.01...50) { erfc($1.squareRoot()) + 0 * $0 },
        BinaryFunction("Zeta", 1.5...9, 0.1...9) { zeta($0, $1) },
        BinaryFunction("Polygamma", 1...1, 0.1...9) { zeta($0 + 1, $1) },
        BinaryFunction("Polygamma", 2...2, 0.1...9) { -2 * zeta($0 + 1, $1) },
        BinaryFunction("LeakyReluGrad", -9...9, -9...9) { $1 > 0 ? $0 : $0 * Double(Float(0.2)) },
        BinaryFunction("SeluGrad", -9...9, 0.1...9) { $0 * ($1 > 0 ? 1.0507009873554805 : 0) },
        BinaryFunction("Mod", -1000...1000, 1...9) { fmod($0, $1) },
        BinaryFunction("TruncateMod", -1000...1000, 1...9) { fmod($0, $1) },
        BinaryFunction("Maximum", -9...9, -9...9) { max($0, $1) },
        BinaryFunction("Minimum", -9...9, -9...9) { min($0, $1) },
        BinaryFunction("TanhGrad", -0.9...0.9, -9...9) { $1 * (1 - $0 * $0) },
        BinaryFunction("SigmoidGrad", 0.01...0.9, -9...9) { $1 * $0 * (1 - $0) },
        BinaryFunction("SqrtGrad", 0.1...9, -9...9) { 0.5 * $1 / $0 },
        BinaryFunction("RsqrtGrad", 0.1...9, -9...9) { -0.5 * $1 * $0 * $0 * $0 },
        BinaryFunction("ReciprocalGrad", 0.1...9, -9...9) { -$1 * $0 * $0 },
        BinaryFunction("InvGrad", 0.1...9, -9...9) { -$1 * $0 * $0 },
        BinaryFunction("EluGrad", -9...9, -0.9...3) { $1 < 0 ? ($1 + 1) * $0 : $0 },
        BinaryFunction("SoftplusGrad", -9...9, -30...30) { $0 / (exp(-$1) + 1) },
        BinaryFunction("SoftsignGrad", -9...9, -30...30) { $0 / ((1 + abs($1)) * (1 + abs($1))) },
        BinaryFunction("ReluGrad", -9...9, -9...9) { $1 > 0 ? $0 : 0 },
        BinaryFunction("Relu6Grad", -9...9, -9...9) { $1 > 0 && $1 < 6 ? $0 : 0 },
    ]

    @Test("Functions of two arguments are within 2e-6 of the exact ones", arguments: binaryFunctions)
    func binaryIsAccurate(_ function: BinaryFunction) throws {
        let left = Self.sweep(function.left)
        // In another order, so that all parts of the ranges meet.
        let right = Self.sweep(function.right).enumerated().sorted {
            ($0.offset * 7919) % Self.count < ($1.offset * 7919) % Self.count
        }
        .map(\.element)
        let results = try floats(plainOp(function.op, inputs: 2), [left, right])
        for index in left.indices {
            let exact = function.exact(Double(left[index]), Double(right[index]))
            try check(results[index], exact, "\(function.op) of \(left[index]) and \(right[index])")
        }
    }

    @Test("Every op of one or two float32 tensors that gives float32 is among them")
    func nothingIsForgotten() throws {
        let known = Set(Self.functions.map(\.op) + Self.binaryFunctions.map(\.op) + ["Erfinv", "Ndtri", "AddN"])
        let tables = [
            OpTable.elementwiseUnary, OpTable.functions, OpTable.elementwiseBinary, OpTable.elementwiseGradients,
        ]
        let float = TensorFact(try #require(Tensor([Float(1)])))
        var forgotten: [String] = []
        for name in tables.joined().map(\.name) where !known.contains(name) && !Self.moving.contains(name) {
            for count in 1...2 {
                guard let op = try? plainOp(name, inputs: count) else { continue }
                let results = try? op.evaluate(Array(repeating: float, count: count))
                if results?.first?.dtype == .float32 { forgotten.append(name) }
            }
        }
        #expect(forgotten == [])
    }

    /// Ops that hand elements on as they are.
    private static let moving: Set<String> = [
        "Identity", "StopGradient", "PreventGradient", "Snapshot", "ZerosLike", "OnesLike", "RefIdentity", "IdentityN",
        "AccumulateNV2", "BiasAdd",
    ]

    @Test("A sum of many tensors is within 2e-6 of the exact one")
    func addNIsAccurate() throws {
        let operands = (0..<20).map { shift in Self.sweep(0...100).map { $0 + Float(shift) } }
        let results = try floats(plainOp("AddN", inputs: 20), operands)
        for index in results.indices {
            try check(results[index], operands.reduce(0) { $0 + Double($1[index]) }, "AddN [\(index)]")
        }
    }

    /// A fold of a million numbers.
    struct Fold: Sendable, CustomTestStringConvertible {
        let op: String
        let range: ClosedRange<Float>
        let exact: @Sendable ([Float]) -> Double
        var testDescription: String { "\(op) \(range)" }
    }

    static let folds: [Fold] = [
        Fold(op: "Sum", range: 0...1) { $0.reduce(0) { $0 + Double($1) } },
        Fold(op: "Sum", range: 1000...1001) { $0.reduce(0) { $0 + Double($1) } },
        Fold(op: "Mean", range: 0...1) { $0.reduce(0) { $0 + Double($1) } / Double($0.count) },
        Fold(op: "EuclideanNorm", range: -1...1) { $0.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot() },
        Fold(op: "Prod", range: 0.9999...1.0001) { $0.reduce(1) { $0 * Double($1) } },
        Fold(op: "Max", range: -1...1) { $0.reduce(-.infinity) { Swift.max($0, Double($1)) } },
        Fold(op: "Min", range: -1...1) { $0.reduce(.infinity) { Swift.min($0, Double($1)) } },
    ]

    @Test("Folds of a million numbers, in rows and in columns, are within 2e-6 of the exact ones", arguments: folds)
    func foldsAreAccurate(_ fold: Fold) throws {
        let count = 1_000_003
        let (low, width) = (fold.range.lowerBound, fold.range.upperBound - fold.range.lowerBound)
        let values = Self.fractions.map { low + width * $0 }
        let op = try plainOp(fold.op, inputs: 2)
        for axis in [0, 1] {
            let shape = axis == 1 ? [2, count] : [count, 2]
            let input = TensorFact(try #require(Tensor(values, shape: shape)))
            let axes = TensorFact(try #require(Tensor([Int32(axis)])))
            let results = try #require(op.evaluate([input, axes])[0].scalars(as: Float.self))
            let first = axis == 1 ? Array(values[..<count]) : (0..<count).map { values[2 * $0] }
            try check(results[0], fold.exact(first), "\(fold.op) along \(axis)")
        }
    }

    /// Two million numbers in [0, 1).
    private static let fractions: [Float] = {
        var generator = SplitMix(state: 11)
        return (0..<2 * 1_000_003).map { _ in Float(generator.next() >> 40) * 0x1p-24 }
    }()

    // MARK: -

    private static func sweep(_ range: ClosedRange<Double>, count: Int = count) -> [Float] {
        (0..<count).map {
            Float(range.lowerBound + (range.upperBound - range.lowerBound) * Double($0) / Double(count - 1))
        }
    }

    private func floats(_ op: any Op, _ inputs: [[Float]]) throws -> [Float] {
        let facts = try inputs.map { TensorFact(try #require(Tensor($0))) }
        return try #require(try op.evaluate(facts)[0].scalars(as: Float.self))
    }

    private func check(_ value: Float, _ exact: Double, _ what: @autoclosure () -> String) throws {
        // What float32 cannot hold, it rounds: to infinity, to a denormal.
        if exact.isNaN && value.isNaN || Double(value) == exact || Float(exact) == value { return }
        let allowed = max(allowedError * abs(exact), Double(Float.leastNonzeroMagnitude))
        guard abs(Double(value) - exact) <= allowed else {
            Issue.record("\(what()) is \(value), not \(exact): off by \(abs(Double(value) / exact - 1))")
            throw AccuracyFailure()
        }
    }
}

private struct AccuracyFailure: Error {}

// References of another kind than the kernels': integrals, by Simpson's rule and the trapezoidal rule.

/// I of order 0 or 1: the mean of e^(x cos t) cos(n t) over half a turn.
private func besselI(_ order: Int, _ x: Double) -> Double {
    guard order == 0 || x != 0 else { return 0 }
    let steps = 400
    var sum = 0.0
    for index in 0...steps {
        let t = Double.pi * Double(index) / Double(steps)
        sum += exp(x * cos(t)) * cos(Double(order) * t) * (index == 0 || index == steps ? 0.5 : 1)
    }
    return sum / Double(steps)
}

/// K of order 0 or 1: the integral of e^(-x cosh t) cosh(n t) from 0 on.
private func besselK(_ order: Int, _ x: Double) -> Double {
    let (steps, end) = (1200, 12.0)
    var sum = 0.0
    for index in 0...steps {
        let t = end * Double(index) / Double(steps)
        sum += exp(-x * cosh(t)) * cosh(Double(order) * t) * (index == 0 ? 0.5 : 1)
    }
    return sum * end / Double(steps)
}

/// e^(-x^2) times the integral of e^(t^2) from 0 to x.
private func dawson(_ x: Double) -> Double {
    let steps = 4000
    var sum = 0.0
    for index in 0...steps {
        let t = x * Double(index) / Double(steps)
        sum += exp(t * t - x * x) * (index == 0 || index == steps ? 1 : index % 2 == 1 ? 4 : 2)
    }
    return sum * x / Double(steps) / 3
}

/// Simpson's rule.
private func integral(_ low: Double, _ high: Double, _ body: (Double) -> Double) -> Double {
    let steps = 2000
    var sum = 0.0
    for index in 0...steps {
        let x = low + (high - low) * Double(index) / Double(steps)
        sum += body(x) * (index == 0 || index == steps ? 1 : index % 2 == 1 ? 4 : 2)
    }
    return sum * (high - low) / Double(steps) / 3
}

/// By the recurrence, from where the asymptotic series needs two terms.
private func digamma(_ x: Double) -> Double {
    let far = x + 200
    return (0..<200).reduce(log(far) - 0.5 / far - 1 / (12 * far * far)) { $0 - 1 / (x + Double($1)) }
}

/// Euler's constant, the logarithm, and the integral of (e^t - 1) / t.
private func expint(_ x: Double) -> Double {
    0.57721566490153286 + log(x) + integral(0, x) { $0 == 0 ? 1 : expm1($0) / $0 }
}

/// A sum of 200 terms, and the first of Euler and Maclaurin's for the rest.
private func zeta(_ x: Double, _ q: Double) -> Double {
    let far = q + 200
    return (0..<200).reduce(pow(far, 1 - x) / (x - 1) + 0.5 * pow(far, -x) + x / 12 * pow(far, -x - 1)) {
        $0 + pow(q + Double($1), -x)
    }
}
