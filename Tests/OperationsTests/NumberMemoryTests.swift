import Foundation
import Kernels
import Operations
import TensorFlowProtos
import Tensors
import Testing

/// What ops on numbers take is counted before it is taken.
@Suite("Memory of ops on numbers")
struct NumberMemoryTests {
    private static let limitBytes = 1 << 20

    /// A case: an op, and inputs that fit into the run by themselves.
    struct Case: CustomTestStringConvertible, Sendable {
        let op: String
        var attributes: [String: Int] = [:]
        let inputs: @Sendable () throws -> [Tensor]

        var testDescription: String { op }
    }

    private static func numbers<Scalar: TensorScalar>(_ scalars: [Scalar], _ shape: [Int]? = nil) throws -> Tensor {
        try #require(Tensor(scalars, shape: shape))
    }

    /// The indices of the first `count` elements of a matrix of two columns, with values and shape.
    private static func sparse(_ count: Int) throws -> [Tensor] {
        var indices: [Int64] = []
        for element in 0..<Int64(count) { indices += [element / 2, element % 2] }
        return [
            try numbers(indices, [count, 2]), try numbers([Float](repeating: 1, count: count)),
            try numbers([Int64(count), 2]),
        ]
    }

    private static let count = 40_000

    private static let cases: [Case] = [
        Case(op: "SparseReorder") { try sparse(count) },
        Case(op: "SparseConcat", attributes: ["concat_dim": 0, "N": 1]) { try sparse(count) },
        Case(op: "SparseSlice") { try sparse(count) + [numbers([Int64(0), 0]), numbers([Int64(count), 2])] },
        Case(op: "SparseReshape") {
            let parts = try sparse(count)
            return [parts[0], parts[2], try numbers([Int64(1), 1, 1, 1, 2, -1])]
        },
        Case(op: "SparseToDense") {
            [
                try numbers([Int64(0), 0], [1, 2]), try numbers([Int64(10_000), 10_000]), try numbers([Float(1)]),
                try numbers([Float(0)], []),
            ]
        },
        Case(op: "SparseFillEmptyRows") {
            [
                try numbers([Int64(0), 0], [1, 2]), try numbers([Float(1)]), try numbers([Int64(1_000_000), 2]),
                try numbers([Float(0)], []),
            ]
        },
        Case(op: "RaggedTensorToTensor") {
            [
                try numbers([Int64(10_000), 10_000]), try numbers([Float(1)]), try numbers([Float(0)], []),
                try numbers([Int64(0), 1]),
            ]
        },
        Case(op: "RaggedRange") {
            [try numbers([Int32(0)], []), try numbers([Int32(100_000_000)], []), try numbers([Int32(1)], [])]
        },
        Case(op: "NonMaxSuppressionV4", attributes: ["pad_to_max_output_size": 1]) {
            [
                try numbers([Float](repeating: 0, count: 4), [1, 4]), try numbers([Float(1)]),
                try numbers([Int32(16_000_000)], []), try numbers([Float(0.5)], []), try numbers([Float(0)], []),
            ]
        },
        Case(op: "NonMaxSuppressionV3") {
            [
                try numbers([Float](repeating: 0, count: 4 * count), [count, 4]),
                try numbers([Float](repeating: 1, count: count)), try numbers([Int32(60_000_000)], []),
                try numbers([Float(0.5)], []), try numbers([Float(0)], []),
            ]
        },
        Case(op: "Unique") { [try numbers(Array(0..<Int32(count)))] },
        Case(op: "Where") { [try numbers([Float](repeating: 1, count: 2 * count))] },
        Case(op: "ListDiff") {
            [try numbers(Array(0..<Int32(count))), try numbers(Array(-Int32(count)..<0))]
        },
        Case(op: "ResizeBilinear") {
            [try numbers([Float](repeating: 0, count: 1), [1, 1, 1, 1]), try numbers([Int32(500_000_000), 1])]
        },
        Case(op: "Roll") {
            [
                try numbers([Float(1)]), try numbers([Int32](repeating: 0, count: count)),
                try numbers([Int32](repeating: 0, count: count)),
            ]
        },
    ]

    @Test("A run that would take more than it may is refused before it takes it", arguments: cases)
    func refused(_ trial: Case) throws {
        let inputs = try trial.inputs()
        let op = try op(trial, inputs.count)
        let account = RunAccount(limitBytes: Self.limitBytes)
        let error = try #require(throws: OpError.self) {
            try op.evaluate(inputs.map { TensorFact($0) }, account)
        }
        #expect(error.kind == .resourceExhausted)
        #expect(
            error.reason.hasPrefix("needs ") && error.reason.contains(" more bytes, but the run may take only "),
            "\(error.reason)")
        #expect(account.peakBytes <= Self.limitBytes)
        #expect(account.usedBytes == 0)
    }

    private func op(_ trial: Case, _ inputCount: Int) throws -> any Op {
        var attributes: [String: AttrValue] = [:]
        for (name, number) in trial.attributes {
            attributes[name] = AttrValue()
            if name.hasPrefix("pad") { attributes[name]?.b = number == 1 } else { attributes[name]?.i = Int64(number) }
        }
        if trial.op == "RaggedTensorToTensor" {
            attributes["row_partition_types"] = AttrValue()
            attributes["row_partition_types"]?.list.s = [.init("ROW_SPLITS".utf8)]
        }
        return try plainOp(trial.op, inputs: inputCount, attributes)
    }

    @Test("A list of whole numbers is made without a second one")
    func wholeNumbers() throws {
        let tensor = try Self.numbers([Int32(-1), 5, .max])
        #expect(tensor.integers == [-1, 5, Int(Int32.max)])
    }
}
