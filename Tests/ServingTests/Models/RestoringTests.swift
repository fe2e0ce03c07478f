import Foundation
import Serving
import Tensors
import Testing
import VectorSupport

/// Checkpoints that have not all that their graphs ask for; see generator/restoring.py.
@Suite("Restoring")
struct RestoringTests {
    private func model(_ name: String) throws -> Model { try Model(contentsOf: Fixtures.path("restoring/\(name)")) }

    private func error(_ name: String) -> String? {
        let error = #expect(throws: ModelError.self) { try model(name) }
        #expect(error?.kind == .load)
        return error?.message.replacing(Fixtures.path("restoring/\(name)") + "/", with: "")
    }

    @Test("Saver(reshape=True) gives the file's elements the variables' shapes")
    func reshape() throws {
        let model = try model("reshaped")
        #expect(model.warnings.isEmpty)
        #expect(try model.run(feeds: ["x": [[1, 10]]])["y:0"]?.scalars(as: Float.self) == [37, 48])
    }

    @Test("an output whose variable the file lacks is left out of all that is offered, with a warning")
    func oneOfTwo() throws {
        let model = try model("partly")
        #expect(model.outputs.map(\.name) == ["y:0"])
        #expect(
            model.warnings == [
                "left out: output \"z:0\": variable \"aa\": has no tensor \"aa\"; the nearest are \"a\""
            ])
        #expect(try model.run(feeds: ["x": [3]]).mapValues { $0.scalars(as: Float.self) } == ["y:0": [6]])
        let error = #expect(throws: ModelError.self) { try model.run(feeds: ["x": [3]], fetches: ["z"]) }
        #expect(error?.kind == .brokenModel)
    }

    @Test("an input of what is left out is not needed")
    func unneededInput() throws {
        let model = try model("two_inputs")
        #expect(model.outputs.map(\.name) == ["y:0"])
        #expect(model.inputs.filter(\.isNeeded).map(\.name) == ["x:0"])
        #expect(model.inputs.first { $0.name == "u:0" }?.note == "no output needs it")
    }

    @Test("a version that can compute no output is refused: what the graph wants, what the file has")
    func nothing() {
        #expect(
            error("nothing")
                == "model-7: no output can be computed: output \"y:0\": variable \"rnn/cell/kernel\": has no tensor \"rnn/cell/kernel\"; it has \"rnn/cell/weights\". Save a checkpoint of all variables that it needs"
        )
        #expect(
            error("other_shape")
                == "model-7: no output can be computed: output \"y:0\": variable \"v\": the graph declares float32 [2,2], the checkpoint's \"v\" is float32 [4]. Save a checkpoint of all variables that it needs"
        )
        #expect(
            error("other_dtype")
                == "model-7: no output can be computed: output \"y:0\": variable \"v\": the graph declares float32 [2], the checkpoint's \"v\" is float64 [2]. Save a checkpoint of all variables that it needs"
        )
    }

    @Test("variables that only training needs do not matter")
    func training() throws {
        let model = try model("training_only")
        #expect(model.warnings.isEmpty)
        #expect(try model.run(feeds: ["x": [[1, 1]]])["y:0"]?.scalars(as: Float.self) == [3])
    }

    @Test("a request without fetches has all outputs, or an error that says what it lacks")
    func promise() throws {
        let model = try Model(contentsOf: Fixtures.model("digits"))
        let image = try #require(Tensor([Float](repeating: 0, count: 64), shape: [1, 64]))
        #expect(
            try model.run(feeds: ["x": FeedValue(image), "keep_prob": 1]).keys.sorted()
                == model.outputs.map(\.name).sorted())
        let error = #expect(throws: ModelError.self) { try model.run(feeds: ["x": FeedValue(image)]) }
        #expect(
            error?.message
                == "the fetches need a feed for \"keep_prob:0\" (float32 []); \"keep_prob:0\" is usually 1 for predictions: feed that, or start with --default keep_prob:0=1"
        )
        let logits: FeedValue = [[0, 0, 0, 9, 0, 0, 0, 0, 0, 0]]
        #expect(try model.run(feeds: ["logits": logits]).count == model.outputs.count)
    }
}
