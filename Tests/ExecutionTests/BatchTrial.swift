import Execution
import Operations
import Tensors

/// Runs requests in a batch, and each alone.
enum BatchTrial {
    /// The result of a trial.
    enum Outcome {
        /// The graph does not treat rows independently.
        case alone
        /// The batch failed with an error, so each request runs alone.
        case failed(OpError)
        /// The differences from the single runs, in words, and the largest distance of numbers, in units of the last place.
        case together(difference: String?, distance: Double)
    }

    /// - Parameters:
    ///   - callable: The callable.
    ///   - requests: The feeds of each request.
    /// - Returns: The outcome.
    static func outcome(_ callable: Callable, _ requests: [[Tensor]]) -> Outcome {
        let results: [[Tensor]]
        do {
            guard let found = try callable.runBatch(requests) else { return .alone }
            results = found
        } catch { return .failed(error as? OpError ?? .invalid("\(error)")) }
        guard results.count == requests.count else {
            return .together(difference: "\(results.count) answers", distance: 0)
        }
        var singles: [[Tensor]] = []
        for (number, request) in requests.enumerated() {
            do { singles.append(try callable.run(request)) } catch {
                return .together(difference: "request \(number) alone is refused: \(error)", distance: 0)
            }
        }
        var distance = 0.0
        for fetch in callable.fetches.indices {
            // The error of numbers that almost cancel out is as large as that of the original numbers.
            let scale = singles.map { Self.largest($0[fetch]) }.max() ?? 0
            for (number, (mine, theirs)) in zip(results, singles).enumerated() {
                guard let own = Self.distance(mine[fetch], theirs[fetch], scale) else {
                    let difference =
                        "request \(number), fetch \(fetch): \(mine[fetch].shape), \(theirs[fetch].shape) differs"
                    return .together(difference: difference, distance: 0)
                }
                distance = max(distance, own)
            }
        }
        return .together(difference: nil, distance: distance)
    }

    /// The distance of numbers, in units of the last place of a number; nil if other elements than floats differ.
    private static func distance(_ mine: Tensor, _ theirs: Tensor, _ scale: Double) -> Double? {
        guard mine.dtype == theirs.dtype, mine.shape == theirs.shape else { return nil }
        if mine.dtype == .string {
            return mine.strings.map { $0.map(Array.init) } == theirs.strings.map { $0.map(Array.init) } ? 0 : nil
        }
        let isSame = mine.withUnsafeBytes { left in theirs.withUnsafeBytes { right in left.elementsEqual(right) } }
        if isSame { return 0 }
        guard let (left, unit) = numbers(mine), let (right, _) = numbers(theirs) else { return nil }
        let differences = zip(left, right).filter { $0 != $1 && !($0.isNaN && $1.isNaN) }.map { abs($0 - $1) }
        let largest = (differences.max() ?? 0) / max(scale * unit, .leastNormalMagnitude)
        return largest.isNaN ? .infinity : largest
    }

    private static func largest(_ tensor: Tensor) -> Double {
        numbers(tensor)?.values.filter(\.isFinite).map(abs).max() ?? 0
    }

    /// The floating point numbers, including the parts of complex ones, and the unit of the last place of 1.
    private static func numbers(_ tensor: Tensor) -> (values: [Double], unit: Double)? {
        tensor.withUnsafeBytes { bytes in
            switch tensor.dtype {
            case .float32, .complex64:
                (bytes.bindMemory(to: Float.self).map(Double.init), Double(Float.ulpOfOne))
            case .float64, .complex128: (Array(bytes.bindMemory(to: Double.self)), Double.ulpOfOne)
            default: nil
            }
        }
    }
}

extension Callable {
    /// Runs requests in a batch.
    ///
    /// - Returns: nil if they must run alone.
    /// - Throws: The error of the batch.
    func runBatch(_ requests: [[Tensor]]) throws -> [[Tensor]]? {
        try withViews(requests) { requests in
            for request in requests where batchRows(of: request) == nil || !areJoinable(requests[0], request) {
                return nil
            }
            var results: [[Tensor]] = []
            let isAnswered = try runBatch(requests) { number, outputs in
                precondition(number == results.count, "requests are answered in their order")
                results.append(outputs.compactMap { $0.copy() })
            }
            return isAnswered ? results : nil
        }
    }
}

/// Calls `body` with views of requests.
private func withViews<Result>(
    _ requests: [[Tensor]], _ body: (UnsafeBufferPointer<UnsafeBufferPointer<TensorView>>) throws -> Result
) rethrows -> Result {
    try TensorView.withViews(of: requests.flatMap(\.self)) { views in
        var first = 0
        let buffers = requests.map { request in
            defer { first += request.count }
            return UnsafeBufferPointer(rebasing: views[first..<first + request.count])
        }
        return try buffers.withUnsafeBufferPointer(body)
    }
}

extension Tensor {
    /// The first rows.
    func rows(_ count: Int) -> Tensor? {
        guard let size = shape.dimensions.first, count <= size, size > 0 else { return nil }
        let sizes = [count] + shape.dimensions.dropFirst()
        return withUnsafeBytes { bytes in
            Tensor(dtype: dtype, shape: Shape(sizes) ?? .scalar) { memory in
                memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count / size * count)]))
            }
        }?.owningStrings
    }

    /// The elements from the last to the first.
    var turnedAround: Tensor? {
        let width = dtype.stride
        return withUnsafeBytes { bytes in
            Tensor(dtype: dtype, shape: shape) { memory in
                for index in 0..<shape.elementCount {
                    let source = UnsafeRawBufferPointer(rebasing: bytes[(index * width)..<((index + 1) * width)])
                    let place = (shape.elementCount - 1 - index) * width
                    UnsafeMutableRawBufferPointer(rebasing: memory[place..<(place + width)]).copyMemory(from: source)
                }
            }
        }?.owningStrings
    }
}
