import Foundation
import Graphs
import Kernels
import Operations
import TensorFlowProtos
import Tensors
import Testing

private func attribute(type: DataType) -> AttrValue {
    var value = AttrValue()
    value.type = type.rawValue
    return value
}

private func attribute(int: Int64) -> AttrValue {
    var value = AttrValue()
    value.i = int
    return value
}

@Suite("Numerics")
struct NumericsTests {
    struct Function: Sendable, CustomTestStringConvertible {
        let op: String
        let low: Double
        let high: Double
        let exact: @Sendable (Double) -> Double

        var testDescription: String { op }
    }

    static let functions = [
        Function(op: "Exp", low: -87, high: 88.7, exact: { exp($0) }),
        Function(op: "Log", low: 1e-6, high: 1e6, exact: { log($0) }),
        Function(op: "Log", low: 0.4, high: 2.5, exact: { log($0) }),
        Function(op: "Tanh", low: -12, high: 12, exact: { tanh($0) }),
        Function(op: "Tanh", low: -0.7, high: 0.7, exact: { tanh($0) }),
        Function(op: "Sigmoid", low: -80, high: 40, exact: { 1 / (1 + exp(-$0)) }),
        Function(op: "Rsqrt", low: 1e-3, high: 1e3, exact: { 1 / $0.squareRoot() }),
    ]

    /// Relative errors of a sweep, in units of the dtype's precision.
    private func worstError<F: BinaryFloatingPoint & TensorScalar>(_ function: Function, _ type: F.Type) throws
        -> Double
    {
        let count = 20_011
        let inputs = (0..<count).map {
            F(function.low + (function.high - function.low) * Double($0) / Double(count - 1))
        }
        let tensor = try #require(Tensor(inputs))
        let result = try plainOp(function.op, inputs: 1).evaluate([TensorFact(tensor)])[0]
        let values = try #require(result.scalars(as: F.self))
        var worst = 0.0
        for (input, value) in zip(inputs, values) {
            let exact = function.exact(Double(input))
            guard exact != 0 else { continue }
            worst = max(worst, abs(Double(value) / exact - 1) / Double(F.ulpOfOne))
        }
        return worst
    }

    @Test("Transcendental functions are within a few units in the last place", arguments: functions)
    func functionsAreAccurate(_ function: Function) throws {
        let single = try worstError(function, Float.self)
        let double = try worstError(function, Double.self)
        #expect(single < 3, "float32")
        #expect(double < 4, "float64")
    }

    @Test("Denormals, which TensorFlow flushes to zero, are computed as they are")
    func denormalsAreComputed() throws {
        let cases: [(op: String, inputs: [Double], exact: @Sendable (Double) -> Double)] = [
            ("Exp", [-100, -103, -87.4, 1e-40], { exp($0) }), ("Log", [1e-40, 1.4e-45, 1.1e-38], { log($0) }),
            ("Sqrt", [1e-40, 1.4e-45], { $0.squareRoot() }), ("Rsqrt", [1e-40, 1.4e-45], { 1 / $0.squareRoot() }),
            ("Tanh", [1e-40, -1.4e-45], { tanh($0) }), ("Square", [1e-20, 1e-22], { $0 * $0 }),
        ]
        for (op, inputs, exact) in cases {
            let tensor = try #require(Tensor(inputs.map { Float($0) }))
            let result = try plainOp(op, inputs: 1).evaluate([TensorFact(tensor)])[0].scalars(as: Float.self) ?? []
            for (input, value) in zip(inputs, result) {
                let expected = exact(Double(Float(input)))
                let allowed = max(abs(expected) * 4e-7, Double(Float.leastNonzeroMagnitude))
                #expect(abs(Double(value) - expected) <= allowed, "\(op) of \(input) is \(value), not \(expected)")
            }
        }
    }

    @Test("Random numbers go on from run to run as TensorFlow's do")
    func randomNumbersGoOn() throws {
        let op = try plainOp(
            "RandomUniform", inputs: 1,
            ["dtype": attribute(type: .float32), "seed": attribute(int: 1), "seed2": attribute(int: 2)])
        let shape = TensorFact(try #require(Tensor([Int32(3)])))
        let runs = try (0..<3).map { _ in try op.evaluate([shape])[0].scalars(as: Float.self) }
        // A session of TensorFlow 2.21 that runs the node three times.
        #expect(
            runs == [
                [0.406396746635437, 0.8575996160507202, 0.05539584159851074],
                [0.16840732097625732, 0.8891061544418335, 0.5354969501495361],
                [0.49945497512817383, 0.06284701824188232, 0.4600658416748047],
            ])
    }

    @Test("The time is that of the clock, and goes on")
    func timeGoesOn() throws {
        let op = try plainOp("Timestamp", inputs: 0)
        let before = Date().timeIntervalSince1970
        let times = try (0..<2).map { _ in try #require(try op.evaluate([])[0].scalars(as: Double.self)?.first) }
        #expect(times[0] >= before - 1e-3 && times[1] >= times[0] && times[1] <= Date().timeIntervalSince1970)
        #expect(op.traits.contains(.random))
    }

    @Test("Random numbers without seeds differ from node to node and from run to run, and lie in [0, 1)")
    func unseededNumbersDiffer() throws {
        let shape = TensorFact(try #require(Tensor([Int32(1000)])))
        let ops = try (0..<2).map { _ in try plainOp("RandomUniform", inputs: 1, ["dtype": attribute(type: .float64)]) }
        let runs = try [ops[0], ops[0], ops[1]].map {
            try #require(try $0.evaluate([shape])[0].scalars(as: Double.self))
        }
        #expect(Set(runs.map { $0[0] }).count == 3)
        #expect(runs.joined().allSatisfy { (0..<1).contains($0) })
        let mean = runs.joined().reduce(0, +) / 3000
        #expect(abs(mean - 0.5) < 0.05)
    }

    @Test("Errors say what does not fit, in TensorFlow's words")
    func errorsAreClear() throws {
        let add = try plainOp("Add", inputs: 2)
        let shapes = [PartialShape([2, 3]), PartialShape([4, 3])]
        let error = #expect(throws: OpError.self) { try add.outputs(for: shapes.map { TensorFact(.float32, $0) }) }
        #expect(error?.reason == "Incompatible shapes: [2,3] vs. [4,3]")
        #expect(error?.kind == .invalidArgument)
        let strings = TensorFact(try #require(Tensor(strings: [[65]], shape: .scalar)))
        let refusal = #expect(throws: OpError.self) { try plainOp("Exp", inputs: 1).evaluate([strings]) }
        #expect(refusal?.reason == "dtype string is not supported")
        #expect(refusal?.kind == .unsupported)
    }

    @Test("More than eight axes of broadcasting are refused, as many as eight are not")
    func broadcastingHasALimit() throws {
        let add = try plainOp("Add", inputs: 2)
        for rank in [8, 9] {
            let left = (0..<rank).map { $0 % 2 == 0 ? 2 : 1 }
            let right = left.map { 3 - $0 }
            let operands = try [left, right].map {
                let count = $0.reduce(1, *)
                return TensorFact(try #require(Tensor((0..<count).map { Int32($0) }, shape: $0)))
            }
            if rank == 8 {
                let sum = try #require(try add.evaluate(operands)[0].scalars(as: Int32.self))
                #expect(sum.count == 256)
                #expect(sum[0] == 0 && sum[255] == 30 && sum[1] == 1 && sum[2] == 1)
            } else {
                #expect(throws: OpError.self) { try add.evaluate(operands) }
            }
        }
    }
}
