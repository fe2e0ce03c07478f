import ArgumentParser
import Tensors

/// How far an output of two runs is apart, over all runs.
struct OutputDifference: Encodable {
    let name: String
    private(set) var dtype = ""
    /// The shape in the first run.
    private(set) var shape: [Int] = []
    private(set) var elements = 0
    /// Of finite numbers.
    private(set) var largest = 0.0
    private(set) var mean = 0.0
    /// The largest magnitude of the expected numbers.
    private(set) var magnitude = 0.0
    /// The elements that are not numbers, and differ; or NaN or infinite in one of the runs only.
    private(set) var unequal = 0
    /// The rows of scores, and those whose highest score is that of another class; nil for other outputs.
    private(set) var rows: Int?
    private(set) var otherClass: Int?

    private var sum = 0.0
    private var finite = 0

    private enum CodingKeys: String, CodingKey {
        case name, dtype, shape, elements, largest, mean, magnitude, relative, unequal, rows, otherClass
    }

    init(_ name: String) { self.name = name }

    /// The largest difference as a part of the largest magnitude.
    var relative: Double { magnitude > 0 ? largest / magnitude : 0 }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(dtype, forKey: .dtype)
        try container.encode(shape, forKey: .shape)
        try container.encode(elements, forKey: .elements)
        try container.encode(largest, forKey: .largest)
        try container.encode(mean, forKey: .mean)
        try container.encode(magnitude, forKey: .magnitude)
        try container.encode(relative, forKey: .relative)
        try container.encode(unequal, forKey: .unequal)
        try container.encodeIfPresent(rows, forKey: .rows)
        try container.encodeIfPresent(otherClass, forKey: .otherClass)
    }

    /// Adds the outputs of a run.
    ///
    /// - Parameters:
    ///   - expected: Of the model in fp32.
    ///   - found: Of the other one.
    /// - Throws: `ValidationError` if the shapes differ, so that nothing can be compared.
    mutating func add(_ expected: Tensor, _ found: Tensor) throws {
        guard expected.shape == found.shape, expected.dtype == found.dtype else {
            throw ValidationError(
                "output \(name) is \(expected.dtype) \(expected.shape) in fp32 and \(found.dtype) \(found.shape) in the "
                    + "other precision: its shape depends on values, so that it cannot be compared. Name other outputs with --fetch"
            )
        }
        if dtype.isEmpty {
            dtype = expected.dtype.name
            shape = expected.shape.dimensions
        }
        elements += expected.shape.elementCount
        guard let numbers = Self.floats(expected), let others = Self.floats(found) else {
            unequal += Self.unequal(expected, found)
            return
        }
        for (number, other) in zip(numbers, others) { add(number, other) }
        mean = finite > 0 ? sum / Double(finite) : 0
        let dimensions = expected.shape.dimensions
        if dimensions.count == 2, dimensions[1] > 1 { addRows(numbers, others, width: dimensions[1]) }
    }

    private mutating func add(_ number: Double, _ other: Double) {
        guard number.isFinite, other.isFinite else {
            if !(number == other || number.isNaN && other.isNaN) { unequal += 1 }
            return
        }
        let difference = abs(number - other)
        largest = max(largest, difference)
        magnitude = max(magnitude, abs(number))
        sum += difference
        finite += 1
    }

    private mutating func addRows(_ numbers: [Double], _ others: [Double], width: Int) {
        func highest(_ row: ArraySlice<Double>) -> Int? { row.indices.max { row[$0] < row[$1] } }
        var changed = 0
        for start in stride(from: 0, to: numbers.count, by: width)
        where highest(numbers[start..<start + width]) != highest(others[start..<start + width]) { changed += 1 }
        rows = (rows ?? 0) + numbers.count / width
        otherClass = (otherClass ?? 0) + changed
    }

    /// The elements of a tensor of floats; nil for other tensors.
    private static func floats(_ tensor: Tensor) -> [Double]? {
        switch tensor.dtype {
        case .float32: tensor.scalars(as: Float.self)?.map(Double.init)
        case .float64: tensor.scalars(as: Double.self)
        case .float16, .bfloat16: tensor.halfPrecisionFloats?.map(Double.init)
        default: nil
        }
    }

    /// The elements that differ.
    private static func unequal(_ expected: Tensor, _ found: Tensor) -> Int {
        if let strings = expected.strings { return zip(strings, found.strings ?? []).count { $0 != $1 } }
        let width = expected.dtype.stride
        return expected.withUnsafeBytes { mine in
            found.withUnsafeBytes { others in
                stride(from: 0, to: mine.count, by: max(1, width)).count { start in
                    !mine[start..<start + width].elementsEqual(others[start..<start + width])
                }
            }
        }
    }
}
