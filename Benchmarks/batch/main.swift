// What running several requests of one row as one brings: see Benchmarks/README.md.
//
//     batch-benchmark FOLDER FETCH FEED=SIZES...
//
// SIZES are the dimensions behind the rows, `8x8x1`; `-` for a scalar, which is 1 in all requests.
import Execution
import Serving
import Tensors

/// Microseconds of one call: the median of several rounds.
func microseconds(_ body: () -> Void) -> Double {
    let clock = ContinuousClock()
    var times: [Double] = []
    for _ in 0..<15 {
        let start = clock.now
        var count = 0
        while clock.now - start < .milliseconds(60) {
            body()
            count += 1
        }
        times.append((clock.now - start) / .microseconds(1) / Double(count))
    }
    return times.sorted()[times.count / 2]
}

struct Usage: Error {}

/// A feed of one row.
func tensor(_ sizes: Substring, _ dtype: DataType) throws -> Tensor {
    let shape = sizes == "-" ? [] : [1] + sizes.split(separator: "x").compactMap { Int($0) }
    let count = shape.reduce(1, *)
    let values = (0..<count).map { sizes == "-" ? 1 : Float($0 * 31 % 97) / 97 }
    let tensor =
        switch dtype {
        case .int32: Tensor(values.map { Int32($0 * 97) }, shape: shape)
        case .int64: Tensor(values.map { Int64($0 * 97) }, shape: shape)
        default: Tensor(values, shape: shape)
        }
    guard let tensor else { throw Usage() }
    return tensor
}

let arguments = CommandLine.arguments.dropFirst().map { Substring($0) }
guard arguments.count > 2 else { throw Usage() }
let given = arguments[2...].map { $0.split(separator: "=") }
guard given.allSatisfy({ $0.count == 2 }) else { throw Usage() }
let model = try Model(contentsOf: String(arguments[0]), threadCount: 1)
let callable = try model.callable(feeds: given.map { String($0[0]) }, fetches: [String(arguments[1])])
let tensors = try zip(given, callable.feeds).map { try tensor($0[1], $1.dtype) }

TensorView.withViews(of: tensors) { feeds in
    let alone = microseconds { try? callable.run(feeds) { _ in } }
    print("alone: \(alone.rounded()) us a request")
    for size in [2, 8, 32] {
        let requests = Array(repeating: feeds, count: size)
        requests.withUnsafeBufferPointer { requests in
            let isBatched = (try? callable.runBatch(requests) { _, _ in }) ?? false
            guard isBatched else { return print("\(size) as one: the model does not keep their rows apart") }
            let time = microseconds { _ = try? callable.runBatch(requests) { _, _ in } } / Double(size)
            let ratio = (alone / time * 100).rounded() / 100
            print(
                "\(size) as one: \((time * 100).rounded() / 100) us a request, \(ratio) times as many in the same time"
            )
        }
    }
}
