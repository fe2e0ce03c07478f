import Operations
import TensorFlowProtos
import Tensors
import Testing

/// An op with one input and boolean attributes.
private func makeOp(_ name: String, _ attributes: [String: Bool]) throws -> any Op {
    try plainOp(
        name, inputs: 1,
        attributes.mapValues { truth in
            var value = AttrValue()
            value.b = truth
            return value
        })
}

/// A complex number.
private struct Number {
    var real: Double
    var imaginary: Double

    static func * (left: Number, right: Number) -> Number {
        Number(
            real: left.real * right.real - left.imaginary * right.imaginary,
            imaginary: left.real * right.imaginary + left.imaginary * right.real)
    }

    static func + (left: Number, right: Number) -> Number {
        Number(real: left.real + right.real, imaginary: left.imaginary + right.imaginary)
    }

    var conjugate: Number { Number(real: real, imaginary: -imaginary) }

    func isNear(_ other: Number) -> Bool {
        abs(real - other.real) < 1e-10 && abs(imaginary - other.imaginary) < 1e-10
    }
}

/// A matrix as a list of rows.
private typealias Matrix = [[Number]]

private func product(_ left: Matrix, _ right: Matrix) -> Matrix {
    left.map { row in
        (right.first ?? []).indices.map { column in
            zip(row, right).reduce(Number(real: 0, imaginary: 0)) { $0 + $1.0 * $1.1[column] }
        }
    }
}

private func adjoint(_ matrix: Matrix) -> Matrix {
    (matrix.first ?? []).indices.map { column in matrix.map { $0[column].conjugate } }
}

private func isNear(_ left: Matrix, _ right: Matrix) -> Bool {
    left.count == right.count && zip(left, right).allSatisfy { zip($0, $1).allSatisfy { $0.isNear($1) } }
}

private func tensor(_ matrix: Matrix, isComplex: Bool) throws -> Tensor {
    let shape = try #require(Shape([matrix.count, matrix.first?.count ?? 0]))
    let parts = matrix.joined().flatMap { isComplex ? [$0.real, $0.imaginary] : [$0.real] }
    return try #require(
        Tensor(dtype: isComplex ? .complex128 : .float64, shape: shape) { memory in
            parts.withUnsafeBytes { memory.copyMemory(from: $0) }
        })
}

private func matrix(_ tensor: Tensor) -> Matrix {
    let parts = tensor.withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }
    let isComplex = tensor.dtype == .complex128
    let columns = tensor.shape.dimensions.last ?? 1
    let numbers = (0..<tensor.shape.elementCount).map {
        isComplex ? Number(real: parts[2 * $0], imaginary: parts[2 * $0 + 1]) : Number(real: parts[$0], imaginary: 0)
    }
    return stride(from: 0, to: numbers.count, by: max(1, columns)).map { Array(numbers[$0..<$0 + columns]) }
}

/// Factors whose signs are nobody's to tell: what they must be, not what TensorFlow's are.
@Suite("Factors of matrices")
struct MatrixFactorTests {
    private static func sample(rows: Int, columns: Int, isComplex: Bool) -> Matrix {
        (0..<rows).map { row in
            (0..<columns).map { column in
                let place = Double(row * 7 + column * 3)
                return Number(
                    real: (place * 1.7).truncatingRemainder(dividingBy: 5) - 2,
                    imaginary: isComplex ? (place * 2.3).truncatingRemainder(dividingBy: 3) - 1 : 0)
            }
        }
    }

    private static func diagonal(_ values: [Number], rows: Int, columns: Int) -> Matrix {
        (0..<rows).map { row in
            (0..<columns).map { row == $0 ? values[row] : Number(real: 0, imaginary: 0) }
        }
    }

    @Test(
        "Singular vectors are orthonormal, and give the matrix with the values", arguments: [(4, 3), (3, 4), (3, 3)],
        [false, true])
    func singularVectors(_ size: (Int, Int), _ isComplex: Bool) throws {
        let given = Self.sample(rows: size.0, columns: size.1, isComplex: isComplex)
        for full in [false, true] {
            let op = try makeOp("Svd", ["compute_uv": true, "full_matrices": full])
            let factors = try op.evaluate([TensorFact(try tensor(given, isComplex: isComplex))])
            let values = try #require(matrix(factors[0]).first)
            let (left, right) = (matrix(factors[1]), matrix(factors[2]))
            let middle = Self.diagonal(values, rows: left[0].count, columns: right[0].count)
            #expect(isNear(product(product(left, middle), adjoint(right)), given))
            for side in [left, right] {
                let one = Array(repeating: Number(real: 1, imaginary: 0), count: side[0].count)
                #expect(
                    isNear(
                        product(adjoint(side), side),
                        Self.diagonal(one, rows: side[0].count, columns: side[0].count)))
            }
        }
    }

    @Test("Eigenvectors are orthonormal, and the matrix stretches them by the values", arguments: [false, true])
    func eigenvectors(_ isComplex: Bool) throws {
        let half = Self.sample(rows: 4, columns: 4, isComplex: isComplex)
        let given = product(half, adjoint(half))
        let op = try makeOp("SelfAdjointEigV2", ["compute_v": true])
        let factors = try op.evaluate([TensorFact(try tensor(given, isComplex: isComplex))])
        let values = try #require(matrix(factors[0]).first)
        let vectors = matrix(factors[1])
        #expect(isNear(product(given, vectors), product(vectors, Self.diagonal(values, rows: 4, columns: 4))))
        let one = Array(repeating: Number(real: 1, imaginary: 0), count: 4)
        #expect(isNear(product(adjoint(vectors), vectors), Self.diagonal(one, rows: 4, columns: 4)))
    }

    @Test("A matrix that is not positive has no Cholesky factor: it is NaN")
    func noFactor() throws {
        let given = try #require(Tensor([Float(1), 0, 0, -1], shape: [2, 2]))
        let factor = try makeOp("Cholesky", [:]).evaluate([TensorFact(given)])[0].scalars(as: Float.self) ?? []
        #expect(factor.count == 4)
        #expect(factor[0].isNaN && factor[1] == 0 && factor[2].isNaN && factor[3].isNaN)
    }
}
