import Operations
import TensorFlowProtos
import Tensors
import Testing

/// The outputs of a node with seeds that runs twice in one session of TensorFlow 2.21.
@Suite("Streams of random numbers")
struct RandomStreamTests {
    struct Sample: Sendable, CustomTestStringConvertible {
        let op: String
        let inputs: [Tensor?]
        var dtype: DataType?
        let runs: [[Double]]

        var testDescription: String { op }
    }

    private static func shape(_ sizes: Int32...) -> Tensor? { Tensor(sizes) }

    private static func scalar<Scalar: TensorScalar>(_ value: Scalar) -> Tensor? { Tensor([value], shape: []) }

    static let samples = [
        Sample(
            op: "RandomShuffle", inputs: [Tensor((0..<6).map { Int32($0) })],
            runs: [[5, 1, 4, 0, 3, 2], [5, 1, 4, 0, 2, 3]]),
        Sample(
            op: "Multinomial", inputs: [Tensor([Float](repeating: 0, count: 18), shape: [2, 9]), scalar(Int32(5))],
            runs: [[2, 3, 2, 2, 8, 7, 4, 5, 7, 2], [4, 1, 1, 1, 6, 6, 4, 2, 6, 4]]),
        Sample(
            op: "RandomUniformInt", inputs: [shape(4), scalar(Int32(0)), scalar(Int32(100))],
            runs: [[99, 15, 2, 9], [79, 30, 49, 65]]),
        Sample(
            op: "RandomPoissonV2", inputs: [shape(2), Tensor([Float(3), 30])], dtype: .int64,
            runs: [[2, 25, 2, 26], [1, 35, 2, 23]]),
        Sample(
            op: "RandomStandardNormal", inputs: [shape(3)], dtype: .float64,
            runs: [
                [0.58105877128258, -1.557429113677359, 1.555896998265924],
                [1.4214151757493292, -0.3081369815335189, -0.14890773561329823],
            ]),
        Sample(
            op: "ParameterizedTruncatedNormal",
            inputs: [shape(3), scalar(Float(0)), scalar(Float(1)), scalar(Float(-2)), scalar(Float(2))],
            dtype: .float32,
            runs: [
                [-1.0467792749404907, 0.8397045731544495, 1.235836386680603],
                [-1.3694567680358887, 0.3164469599723816, 1.6462761163711548],
            ]),
        Sample(
            op: "ParameterizedTruncatedNormal",
            inputs: [shape(2, 3), Tensor([Float(0), 5]), scalar(Float(1)), scalar(Float(-2)), scalar(Float(20))],
            dtype: .float32,
            runs: [
                [
                    -1.0467792749404907, 0.8397045731544495, 1.235836386680603, 5.3037428855896, 6.296325206756592,
                    5.480193138122559,
                ],
                [
                    -1.83939790725708, 0.3722669184207916, 0.2359134405851364, 6.403188705444336, 6.60369873046875,
                    5.795337200164795,
                ],
            ]),
    ]

    @Test("A second run goes on where the first ended", arguments: samples)
    func goesOn(_ sample: Sample) throws {
        var attributes: [String: AttrValue] = [:]
        for (name, seed) in [("seed", Int64(1)), ("seed2", 2)] {
            var value = AttrValue()
            value.i = seed
            attributes[name] = value
        }
        if let dtype = sample.dtype {
            var value = AttrValue()
            value.type = dtype.rawValue
            attributes["dtype"] = value
        }
        let op = try plainOp(sample.op, inputs: sample.inputs.count, attributes)
        let inputs = try sample.inputs.map { TensorFact(try #require($0)) }
        for expected in sample.runs {
            let result = try op.evaluate(inputs)[0]
            let numbers =
                result.scalars(as: Double.self) ?? result.scalars(as: Float.self)?.map { Double($0) }
                ?? result.integers?.map { Double($0) } ?? []
            #expect(numbers.count == expected.count)
            for (number, wanted) in zip(numbers, expected) { #expect(abs(number - wanted) <= 2e-6 * abs(wanted)) }
        }
        #expect(op.traits.contains(.random))
    }
}
