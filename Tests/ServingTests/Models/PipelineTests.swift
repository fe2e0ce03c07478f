import Foundation
import Serving
import Tensors
import Testing
import VectorSupport

/// Graphs whose inputs come out of input pipelines, with what TensorFlow says; see generator/pipelines.py.
@Suite("Input pipelines")
struct PipelineTests {
    static let kinds = [
        "initializable", "one_shot", "reinitializable", "feedable", "features", "optional_default", "chosen", "dequeue",
        "batch", "shuffle_batch", "padded", "examples", "records", "priority",
    ]

    /// Those in which a queue gives as many rows at once as training takes.
    private static let dequeuesMany: Set<String> = ["batch", "shuffle_batch", "padded", "examples", "priority"]

    private struct Recorded: Decodable {
        struct Fact: Decodable {
            let dtype: String
            let shape: [Int?]
        }

        struct Values: Decodable {
            let dtype: String
            let shape: [Int]
            let data: [Element]

            func tensor() throws -> Tensor {
                let dimensions = try #require(Shape(shape))
                let tensor: Tensor? =
                    switch dtype {
                    case "string": Tensor(strings: data.map(\.bytes), shape: dimensions)
                    case "int64": Tensor(data.map { Int64($0.number) }, shape: shape)
                    default: Tensor(data.map { Float($0.number) }, shape: shape)
                    }
                return try #require(tensor)
            }
        }

        /// A number, or the hexadecimal digits of a string.
        struct Element: Decodable {
            var number = 0.0
            var bytes: [UInt8] = []

            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if let number = try? container.decode(Double.self) {
                    self.number = number
                    return
                }
                let digits = Array(try container.decode(String.self))
                bytes = stride(from: 0, to: digits.count, by: 2).compactMap {
                    UInt8(String(digits[$0..<$0 + 2]), radix: 16)
                }
            }
        }

        struct Run: Decodable {
            let feeds: [String: Values]
            let probs: [Float]
        }

        let feeds: [String: Fact]
        let run: Run
    }

    private static func load(_ kind: String) throws -> (Model, Recorded) {
        let folder = Fixtures.path("pipelines/\(kind)")
        let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/runs.json"))
        return (try Model(contentsOf: folder), try JSONDecoder().decode(Recorded.self, from: data))
    }

    @Test("what comes out of a pipeline is the input, with TensorFlow's dtype and shape", arguments: kinds)
    func inputs(kind: String) throws {
        let (model, recorded) = try Self.load(kind)
        let needed = model.inputs.filter(\.isNeeded)
        #expect(Set(needed.map(\.name)) == Set(recorded.run.feeds.keys))
        for (name, fact) in recorded.feeds {
            let input = try #require(needed.first { $0.name == name })
            var shape = fact.shape
            if Self.dequeuesMany.contains(kind) { shape[0] = nil }
            #expect(input.dtype?.name == fact.dtype)
            #expect(input.shape.dimensions == shape.map { $0 ?? -1 })
            #expect(input.isGuessed)
        }
        for input in model.inputs where !input.isNeeded {
            let note = input.name == "is_training:0" ? "no output needs it" : "only losses and metrics need it"
            #expect(input.note == note, "\(input.name)")
        }
    }

    @Test("the prediction is an output, and all outputs agree with TensorFlow's", arguments: kinds)
    func outputs(kind: String) throws {
        let (model, recorded) = try Self.load(kind)
        #expect(model.outputs.contains { $0.name == "probs:0" })
        #expect(model.warnings.isEmpty)
        let feeds = try recorded.run.feeds.mapValues { FeedValue(try $0.tensor()) }
        let answer = try model.run(feeds: feeds)
        #expect(answer.count == model.outputs.count)
        let probs = try #require(answer["probs:0"]?.scalars(as: Float.self))
        #expect(probs.count == recorded.run.probs.count)
        for (value, expected) in zip(probs, recorded.run.probs) { #expect(abs(value - expected) < 1e-6) }
    }

    @Test(
        "the error for an unfed pipeline says which tensors to feed",
        arguments: [
            ("one_shot", ["probs"], "the fetches need a feed for \"IteratorGetNext:0\" (float32 [?,4])"),
            (
                "one_shot", ["loss"],
                "the fetches need a feed for \"IteratorGetNext:0\" (float32 [?,4]), \"IteratorGetNext:1\" (int64 [?])"
            ),
            (
                "optional_default", ["probs"],
                "the fetches need a feed for \"IteratorGetNext:0\" (float32 [?,4]); the model's inputs are \"x:0\""
            ),
            ("batch", ["probs"], "the fetches need a feed for \"batch:0\" (float32 [?,4])"),
            ("records", ["probs"], "the fetches need a feed for \"ReaderReadV2:1\" (string [])"),
            (
                "shuffle_batch", ["probs"],
                "the fetches need a feed for \"keep_prob:0\" (float32 <unknown>), \"shuffle_batch:0\" (float32 [?,4]); \"keep_prob:0\" is usually 1 for predictions: feed that, or start with --default keep_prob:0=1"
            ),
        ])
    func unfed(kind: String, fetches: [String], message: String) throws {
        let (model, _) = try Self.load(kind)
        let error = #expect(throws: ModelError.self) { try model.run(feeds: [:], fetches: fetches) }
        #expect(error?.kind == .invalidArgument)
        #expect(error?.message == message)
    }

    @Test("one component of a pipeline can be fed without the others")
    func components() throws {
        let (model, _) = try Self.load("one_shot")
        let labels = try model.run(feeds: ["logits": [[9, 0, 0]], "IteratorGetNext:1": [0]], fetches: ["loss"])["loss"]
        #expect(try #require(labels?.scalars(as: Float.self)?.first) < 0.001)
        let error = #expect(throws: ModelError.self) {
            try model.run(feeds: ["logits": [[9, 0, 0]]], fetches: ["loss"])
        }
        #expect(error?.message.hasPrefix("the fetches need a feed for \"IteratorGetNext:1\" (int64 [?])") == true)
    }
}
