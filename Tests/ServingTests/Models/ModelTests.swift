import Foundation
import Serving
import Tensors
import Testing
import VectorSupport

private struct Case: Decodable {
    struct Values: Decodable {
        let dtype: String
        let shape: [Int]
        let data: [Double]
    }

    let model: String
    let prefix: String
    let feeds: [String: Values]
    let fetches: [String: Values]
}

@Suite("Models")
struct ModelTests {
    @Test("the library's one line")
    func oneLine() throws {
        let model = try Model(contentsOf: Fixtures.model("tutorial"))
        let answer = try model.run(feeds: ["w1:0": 13, "w2:0": 17], fetches: ["op_to_restore:0"])
        #expect(answer["op_to_restore:0"]?.scalars(as: Float.self) == [60])
        #expect(try model.run(feeds: ["w1": 4, "w2": 8.0])["op_to_restore:0"]?.scalars(as: Float.self) == [24])
        #expect(model.name == "tutorial")
        #expect(model.step == 1000)
    }

    @Test("the committed models answer as TensorFlow does")
    func committedModels() throws {
        let cases = try JSONDecoder().decode(
            [Case].self, from: Data(contentsOf: URL(fileURLWithPath: Fixtures.path("models.json"))))
        for sample in cases {
            try Fixtures.withCopy(of: Fixtures.model(sample.model)) { copy in
                try Fixtures.write(Array("model_checkpoint_path: \"\(sample.prefix)\"".utf8), to: copy + "/checkpoint")
                let model = try Model(contentsOf: copy)
                let feeds = try sample.feeds.mapValues {
                    FeedValue(try #require(Tensor($0.data.map(Float.init), shape: $0.shape)))
                }
                let answer = try model.run(feeds: feeds, fetches: Array(sample.fetches.keys))
                for (name, expected) in sample.fetches { try compare(try #require(answer[name]), expected, name) }
            }
        }
    }

    private func compare(_ tensor: Tensor, _ expected: Case.Values, _ name: String) throws {
        #expect(tensor.shape.dimensions == expected.shape, "\(name)")
        #expect(tensor.dtype.name == expected.dtype, "\(name)")
        if let integers = tensor.integers {
            #expect(integers == expected.data.map { Int($0) }, "\(name)")
        } else {
            for (value, wanted) in zip(try #require(tensor.scalars(as: Float.self)), expected.data) {
                #expect(abs(Double(value) - wanted) <= 2e-6 * max(1, abs(wanted)), "\(name)")
            }
        }
    }

    @Test("what a Saver restores is what feeds RestoreV2, not the variables' names")
    func restorePlans() throws {
        let renamed = try Model(contentsOf: Fixtures.path("checkpoints/renamed"))
        #expect(try renamed.run(feeds: [:], fetches: ["sum"])["sum"]?.scalars(as: Float.self) == [31, 42])
        let partitioned = try Model(contentsOf: Fixtures.path("checkpoints/partitioned"))
        let whole = try partitioned.run(feeds: [:], fetches: ["whole:0"])["whole:0"]
        #expect(whole?.scalars(as: Float.self) == (0..<40).map { Float($0) })
        let resources = try Model(contentsOf: Fixtures.path("checkpoints/resources"))
        let product = try resources.run(feeds: ["x": [[1, 0], [0, 2]]], fetches: ["y"])["y"]
        #expect(product?.scalars(as: Float.self) == [1, 2, 6, 8])
        let sharded = try Model(contentsOf: Fixtures.path("checkpoints/sharded"))
        #expect(try sharded.run(feeds: [:], fetches: ["v3"])["v3"]?.scalars(as: Float.self) == [3, 3, 3, 3])
    }

    @Test("a variable that the checkpoint lacks harms only who needs it")
    func subset() throws {
        let model = try Model(contentsOf: Fixtures.path("checkpoints/subset"))
        #expect(try model.run(feeds: [:], fetches: ["twice_a"])["twice_a"]?.scalars(as: Float.self) == [2, 4])
        let error = #expect(throws: ModelError.self) { try model.run(feeds: [:], fetches: ["twice_b"]) }
        #expect(error?.kind == .brokenModel)
        #expect(error?.message.contains("variable \"b\": has no tensor \"b\"; the nearest are \"a\"") == true)
    }

    @Test("any tensor can be fed, and cuts the graph there")
    func cutting() throws {
        let model = try Model(contentsOf: Fixtures.model("digits"))
        let logits: FeedValue = [[0, 0, 0, 9, 0, 0, 0, 0, 0, 0]]
        #expect(try model.run(feeds: ["logits": logits], fetches: ["class"])["class"]?.integers == [3])
        // The output of an op that nobody here knows: its dtype is in the graph's own list of ops.
        let losses = "SparseSoftmaxCrossEntropyWithLogits/SparseSoftmaxCrossEntropyWithLogits"
        #expect(try model.run(feeds: [losses: [1, 2, 6]], fetches: ["loss"])["loss"]?.scalars(as: Float.self) == [3])
    }

    @Test("dropout with keep_prob 1 is exact, and feeds of all batch sizes run, again and again")
    func batches() throws {
        let model = try Model(contentsOf: Fixtures.model("digits"))
        func probabilities(_ count: Int) throws -> [Float]? {
            let row = (0..<64).map { Float($0 % 7) / 7 }
            let x = try #require(Tensor(Array(repeating: row, count: count).flatMap(\.self), shape: [count, 64]))
            return try model.run(feeds: ["x": FeedValue(x), "keep_prob": 1.0], fetches: ["probs"])["probs"]?.scalars()
        }
        let single = try #require(try probabilities(1))
        for count in [0, 1, 2, 7, 2] {
            let several = try #require(try probabilities(count))
            #expect(several.count == count * 10)
            for (index, value) in several.enumerated() { #expect(abs(value - single[index % 10]) < 1e-6) }
        }
    }

    @Test("many threads run one model at once")
    func threads() async throws {
        let model = try Model(contentsOf: Fixtures.model("tutorial"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for thread in 0..<8 {
                group.addTask {
                    for round in 0..<200 {
                        let size = (thread + round) % 5 + 1
                        let w1 = try #require(Tensor((0..<size).map { Float($0 * thread) }))
                        let answer = try model.run(feeds: ["w1": FeedValue(w1), "w2": 1], fetches: ["op_to_restore"])
                        let expected = (0..<size).map { Float($0 * thread + 1) * 2 }
                        #expect(answer["op_to_restore"]?.scalars(as: Float.self) == expected)
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}

@Suite("Errors of models")
struct ModelErrorTests {
    private func error(_ feeds: [String: FeedValue], _ fetches: [String]?) throws -> ModelError? {
        let model = try Model(contentsOf: Fixtures.model("digits"))
        return #expect(throws: ModelError.self) { try model.run(feeds: feeds, fetches: fetches) }
    }

    @Test("names")
    func names() throws {
        let feed = try error(["y": 1], ["probs"])
        #expect(feed?.kind == .unknownTensor)
        #expect(feed?.message.hasPrefix("feed \"y\": the graph of model \"digits\" has no such tensor") == true)
        let fetch = try error([:], ["porbs"])
        #expect(fetch?.message.contains("the nearest are \"probs\"") == true)
        #expect(try error([:], ["^probs"])?.kind == .unknownTensor)
        #expect(try error([:], ["probs:99"])?.kind == .unknownTensor)
        #expect(try error([:], ["save/restore_all"])?.kind == .refused)
        #expect(try error(["save/Const:0": "x"], ["probs"])?.kind == .refused)
        #expect(try error(["x": [[1]], "x:0": [[1]]], ["probs"])?.message.contains("is given twice") == true)
    }

    @Test("shapes and dtypes")
    func shapes() throws {
        let shape = try error(["x": [[1, 2]], "keep_prob": 1], ["probs"])
        #expect(shape?.kind == .invalidArgument)
        #expect(shape?.message == "feed \"x:0\": expected float32 [?,64], got float32 [1,2]")
        let dtype = try error(["x": FeedValue(try #require(Tensor([Int32(1)]))), "keep_prob": 1], ["probs"])
        #expect(dtype?.message == "feed \"x:0\": expected float32 [?,64], got int32 [1]")
        let missing = try error(["keep_prob": 1], ["probs"])
        #expect(missing?.message == "the fetches need a feed for \"x:0\" (float32 [?,64])")
        #expect(
            try error(["x": [[1], [1, 2]], "keep_prob": 1], ["probs"])?.message
                == "feed \"x\": lists of different lengths")
    }

    @Test("an op that is not supported is named with node and fetch, and harms no other fetch")
    func unsupported() throws {
        let image = try #require(Tensor([Float](repeating: 0, count: 64), shape: [1, 64]))
        let error = try error(
            ["x": FeedValue(image), "labels": [1], "keep_prob": 1], ["Adam/update_out/biases/ApplyAdam"])
        #expect(error?.kind == .unsupported)
        #expect(
            error?.message.hasPrefix(
                "op ApplyAdam, which trains variables, (node \"Adam/update_out/biases/ApplyAdam\")") == true)
        #expect(
            error?.message.hasSuffix("not supported; needed by fetch \"Adam/update_out/biases/ApplyAdam:0\"") == true)
        let labels = try #require(Tensor([Int64(1)]))
        #expect(throws: Never.self) {
            try Model(contentsOf: Fixtures.model("digits")).run(
                feeds: [
                    "labels": FeedValue(labels),
                    "logits": FeedValue(try #require(Tensor((1...10).map { Float($0) }, shape: [1, 10]))),
                ],
                fetches: ["loss"])
        }
    }

    @Test("every truncation and change of a .meta is an error or a model, never a trap")
    func damagedMeta() throws {
        try Fixtures.withCopy(of: Fixtures.model("tutorial")) { copy in
            let path = copy + "/model-1000.meta"
            let meta = try Fixtures.bytes(path)
            for position in stride(from: 0, to: meta.count, by: 3) {
                var changed = meta
                changed[position] ^= UInt8(1 << (position % 8))
                try Fixtures.write(changed, to: path)
                if let model = try? Model(contentsOf: copy) {
                    _ = try? model.run(feeds: ["w1": 1, "w2": 2], fetches: ["op_to_restore"])
                }
                try Fixtures.write(Array(meta[..<position]), to: path)
                _ = try? Model(contentsOf: copy)
            }
            try FileManager.default.removeItem(atPath: path)
            let error = #expect(throws: ModelError.self) { try Model(contentsOf: copy) }
            #expect(
                error?.message
                    == "\(path): no such file, and the folder has no other graph: without a graph, the tensors can be inspected, but not served"
            )
        }
    }
}
