import TensorFlowProtos
import Tensors

/// The ways to make a recorded run need more memory.
enum Growth: Hashable, CustomStringConvertible {
    /// All inputs repeat their rows.
    case rows
    /// One input repeats its rows.
    case rowsOf(Int)
    /// All inputs have a longer last axis.
    case columns
    /// Strings are longer.
    case lengths
    /// Small integer tensors, which may be sizes, have larger values.
    case numbers
    /// One such tensor has larger values.
    case numbersOf(Int)
    /// Integer attributes are larger.
    case attributes

    var description: String {
        switch self {
        case .rows: "rows"
        case .rowsOf(let input): "rows of input \(input)"
        case .columns: "columns"
        case .lengths: "lengths"
        case .numbers: "numbers"
        case .numbersOf(let input): "numbers of input \(input)"
        case .attributes: "attributes"
        }
    }

    /// All ways for a run with a number of inputs.
    static func all(inputCount: Int) -> [Growth] {
        let inputs = Array(0..<min(inputCount, 6))
        return [.rows, .columns, .lengths, .numbers, .attributes] + inputs.map { .rowsOf($0) }
            + inputs.map { .numbersOf($0) }
    }

    /// The inputs, enlarged by a factor; nil if nothing changes, or they would exceed `limitBytes`.
    func applied(to inputs: [Tensor], times: Int, limitBytes: Int) -> [Tensor]? {
        var changed = false
        var total = 0
        var result: [Tensor] = []
        for (index, input) in inputs.enumerated() {
            let grown = applied(to: input, index, times, limitBytes - total)
            if let grown {
                changed = true
                total += grown.storage.byteCount
            }
            guard total <= limitBytes else { return nil }
            result.append(grown ?? input)
        }
        return changed ? result : nil
    }

    private func applied(to input: Tensor, _ index: Int, _ times: Int, _ limit: Int) -> Tensor? {
        switch self {
        case .rows: input.withRows(times, limit)
        case .rowsOf(let wanted): wanted == index ? input.withRows(times, limit) : nil
        case .columns: input.withColumns(times, limit)
        case .lengths: input.withLengths(times, limit)
        case .numbers: input.withNumbers(times)
        case .numbersOf(let wanted): wanted == index ? input.withNumbers(times) : nil
        case .attributes: nil
        }
    }

    /// Attributes that count inputs. The node would be invalid with other values.
    private static let fixed: Set<String> = ["N", "num_args", "num_inputs", "_output_shapes"]

    /// Changes the attributes of a node.
    ///
    /// - Returns: Whether any was changed.
    static func grow(_ attributes: inout [String: AttrValue], times: Int) -> Bool {
        var changed = false
        for (name, value) in attributes where !fixed.contains(name) {
            guard case .i(let number)? = value.value, number > 0 else { continue }
            let (product, overflow) = number.multipliedReportingOverflow(by: Int64(times))
            attributes[name]?.value = .i(overflow ? .max : product)
            changed = true
        }
        return changed
    }
}

extension Tensor {
    fileprivate func withRows(_ times: Int, _ limit: Int) -> Tensor? {
        guard let rows = shape.dimensions.first, rows > 0 else { return nil }
        return repeated(times, [rows * times] + shape.dimensions.dropFirst(), limit)
    }

    /// The order of elements differs from that in a wider matrix, but the values do not matter.
    fileprivate func withColumns(_ times: Int, _ limit: Int) -> Tensor? {
        guard shape.rank > 1, let columns = shape.dimensions.last, columns > 0 else { return nil }
        return repeated(times, shape.dimensions.dropLast() + [columns * times], limit)
    }

    private func repeated(_ times: Int, _ dimensions: [Int], _ limit: Int) -> Tensor? {
        // Repeating an empty input leaves it empty.
        guard shape.elementCount > 0, storage.byteCount * times <= limit, let shape = Shape(dimensions) else {
            return nil
        }
        if let strings {
            return Tensor(strings: Array((0..<times).map { _ in strings }.joined()), shape: shape)
        }
        return Tensor(dtype: dtype, shape: shape) { memory in
            withUnsafeBytes { bytes in
                guard let source = bytes.baseAddress, let target = memory.baseAddress else { return }
                for time in 0..<times where (time + 1) * bytes.count <= memory.count {
                    (target + time * bytes.count).copyMemory(from: source, byteCount: bytes.count)
                }
            }
        }
    }

    fileprivate func withLengths(_ times: Int, _ limit: Int) -> Tensor? {
        guard let strings, storage.byteCount * times <= limit else { return nil }
        return Tensor(
            strings: strings.map { string in Array((0..<times).map { _ in string }.joined()) }, shape: shape)
    }

    fileprivate func withNumbers(_ times: Int) -> Tensor? {
        guard shape.elementCount <= 8 else { return nil }
        if let numbers = scalars(as: Int32.self) {
            return Tensor(numbers.map { Self.product($0, times) }, shape: shape.dimensions)
        }
        if let numbers = scalars(as: Int64.self) {
            return Tensor(numbers.map { Self.product($0, times) }, shape: shape.dimensions)
        }
        return nil
    }

    private static func product<Number: FixedWidthInteger>(_ number: Number, _ times: Int) -> Number {
        let (product, overflow) = number.multipliedReportingOverflow(by: Number(clamping: times))
        return overflow ? (number < 0 ? .min : .max) : product
    }
}
