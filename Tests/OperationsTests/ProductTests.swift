import Tensors
import Testing
import VectorSupport

@testable import Operations

@Suite("Products of matrices")
struct ProductTests {
    /// Around the bounds of what is computed block by block, and of what is left to BLAS.
    private static let sizes = [
        (600, 900), (513, 1025), (8201, 64), (66, 8000), (1000, 529), (300, 300), (2100, 33),
    ]

    @Test("a few rows times a large matrix are what Double's sums say", arguments: 1...9)
    func fewRows(_ rows: Int) throws {
        var numbers = SplitMix(state: UInt64(rows))
        for (depth, columns) in Self.sizes {
            let left = (0..<rows * depth).map { _ in Float.random(in: -1...1, using: &numbers) }
            let right = (0..<depth * columns).map { _ in Float.random(in: -1...1, using: &numbers) }
            let facts = [
                TensorFact(try #require(Tensor(left, shape: [rows, depth]))),
                TensorFact(try #require(Tensor(right, shape: [depth, columns]))),
            ]
            let result = try #require(plainOp("MatMul", inputs: 2).evaluate(facts)[0].scalars(as: Float.self))
            try #require(result.count == rows * columns)
            for row in 0..<rows {
                // A few columns of each, the last ones among them, which are not a whole vector.
                for column in Set([0, 1, 15, 16, columns / 2, columns - 17, columns - 2, columns - 1])
                where columns > column && column >= 0 {
                    let terms = (0..<depth).map {
                        Double(left[row * depth + $0]) * Double(right[$0 * columns + column])
                    }
                    let bound = terms.reduce(0) { $0 + abs($1) } * 1e-6
                    let found = Double(result[row * columns + column])
                    try #require(
                        abs(found - terms.reduce(0, +)) <= bound,
                        "[\(row), \(column)] of \(depth) x \(columns): \(found)")
                }
            }
        }
    }
}
