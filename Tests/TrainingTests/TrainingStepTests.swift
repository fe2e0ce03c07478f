import Foundation
import Serving
import Tensors
import Testing
import Training
import VectorSupport

/// One step of each training op in published graphs, as `Tests/TensorFlow/record_steps.py` has recorded it.
@Suite(
    "One training step of published graphs",
    .enabled(if: Fixtures.corpus != nil, "METASERVE_CORPUS names no folder of published graphs"))
struct TrainingStepTests {
    /// A step and what it did in TensorFlow.
    struct Recorded: Decodable, Sendable {
        let feeds: [String: RecordedFeed]
        /// Values of variables that the checkpoint does not have.
        let initial: [String: RecordedFeed]
        let variables: [String: RecordedChange]
    }

    /// The change of a variable: its size, and products with fixed pseudo-random vectors.
    struct RecordedChange: Decodable, Sendable {
        let norm: Double
        let change: Double
        let products: [Double]
    }

    static let steps: [String: [String: Recorded]] = {
        let data = try? Data(contentsOf: URL(fileURLWithPath: Fixtures.path("training-steps.json")))
        return data.flatMap { try? JSONDecoder().decode([String: [String: Recorded]].self, from: $0) } ?? [:]
    }()

    @Test("There are records")
    func exists() { #expect(Self.steps.count >= 15) }

    @Test("Every step gives TensorFlow's variables", arguments: steps.keys.sorted())
    func step(folder: String) throws {
        let path = try "\(#require(Fixtures.corpus))/\(folder)"
        for (target, recorded) in try #require(Self.steps[folder]).sorted(by: { $0.key < $1.key }) {
            let session = try Session(contentsOf: path)
            try session.assign(recorded.initial.mapValues { try $0.tensor })
            let names = session.variables.filter { recorded.variables[$0] != nil }
            #expect(names.count == recorded.variables.count)
            let before = try names.map { try session.value(ofVariable: $0) }
            try session.run(feeds: recorded.feeds.mapValues { FeedValue(try $0.tensor) }, targets: [target])
            for (name, old) in zip(names, before) {
                let new = try session.value(ofVariable: name)
                let difference = try #require(recorded.variables[name]).difference(from: old, to: new)
                #expect(difference == nil, "\(target): \(name)")
            }
        }
    }
}

/// A tensor that both programs make from a few numbers.
struct RecordedFeed: Decodable, Sendable {
    let dtype: String
    let shape: [Int]
    let value: Value?
    let low: Double?
    let high: Double?
    let seed: UInt64?

    /// A number, or a truth value as a number.
    struct Value: Decodable, Sendable {
        let number: Double

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let truth = try? container.decode(Bool.self) {
                number = truth ? 1 : 0
            } else {
                number = try container.decode(Double.self)
            }
        }
    }

    private var values: [Double] {
        get throws {
            let count = shape.reduce(1, *)
            if let value { return [Double](repeating: value.number, count: count) }
            let low = try #require(low)
            let high = try #require(high)
            let numbers = try Noise.numbers(seed: #require(seed), count: count).map { low + $0 * (high - low) }
            return high > 1 || dtype == "int32" ? numbers.map { $0.rounded(.down) } : numbers
        }
    }

    var tensor: Tensor {
        get throws {
            let values = try values
            let tensor: Tensor? =
                switch dtype {
                case "float32": Tensor(values.map(Float.init), shape: shape)
                case "int32": Tensor(values.map { Int32($0) }, shape: shape)
                case "bool": Tensor(values.map { $0 != 0 }, shape: shape)
                default: nil
                }
            return try #require(tensor, "a feed of dtype \(dtype)")
        }
    }
}

extension TrainingStepTests.RecordedChange {
    /// How another change differs, in words; nil if it does not.
    func difference(from old: Tensor, to new: Tensor) -> String? {
        guard let before = Self.numbers(old), let after = Self.numbers(new), before.count == after.count else {
            return "cannot be compared"
        }
        let delta = zip(before, after).map { $1 - $0 }
        // The products of a change with numbers in [-1, 1] differ as much as the change does, or as float32 rounds the values.
        let allowed = 0.01 * change + 2e-7 * norm
        for (index, product) in products.enumerated() {
            let noise = Noise.numbers(seed: UInt64(1000 + index), count: delta.count)
            let found = zip(delta, noise).reduce(0) { $0 + $1.0 * (2 * $1.1 - 1) }
            guard abs(found - product) <= allowed else {
                return "product \(index) of the change is \(found), not \(product); the change is \(change)"
            }
        }
        return nil
    }

    private static func numbers(_ tensor: Tensor) -> [Double]? {
        tensor.scalars(as: Float.self)?.map(Double.init) ?? tensor.integers?.map(Double.init)
    }
}

/// SplitMix64.
enum Noise {
    /// Numbers in [0, 1).
    static func numbers(seed: UInt64, count: Int) -> [Double] {
        (0..<count).map { index in
            var bits = seed &+ UInt64(index + 1) &* 0x9E37_79B9_7F4A_7C15
            bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
            bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
            bits ^= bits >> 31
            return Double(bits >> 11) / 9_007_199_254_740_992
        }
    }
}
