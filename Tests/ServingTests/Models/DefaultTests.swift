import Foundation
import Serving
import Tensors
import Testing
import VectorSupport

@Suite("Defaults of placeholders")
struct DefaultTests {
    private static let row = FeedValue(Array(repeating: FeedValue(1.0), count: 64))
    private static let digits = Fixtures.model("digits")

    private func error(_ defaults: DefaultValues) -> String? {
        #expect(throws: ModelError.self) { try Model(contentsOf: Self.digits, defaults: defaults) }?.message
    }

    @Test("stand in for what is not fed, and give way to what is")
    func standIn() throws {
        let plain = try Model(contentsOf: Self.digits)
        let model = try Model(contentsOf: Self.digits, defaults: DefaultValues(["keep_prob:0": 1]))
        let x = FeedValue([Self.row])
        let expected = try plain.run(feeds: ["x": x, "keep_prob": 1], fetches: ["probs"])["probs"]
        let answer = try model.run(feeds: ["x": x], fetches: ["probs"])["probs"]
        #expect(answer?.scalars(as: Float.self) == expected?.scalars(as: Float.self))
        let fed = try model.run(feeds: ["x": x, "keep_prob": 1.0], fetches: ["probs"])["probs"]
        #expect(fed?.scalars(as: Float.self) == expected?.scalars(as: Float.self))
        #expect(throws: ModelError.self) { try plain.run(feeds: ["x": x], fetches: ["probs"]) }
        // A model's own outputs need no more than its data.
        #expect(try model.run(feeds: ["x": x])["probs:0"] != nil)
        let input = try #require(model.inputs.first { $0.name == "keep_prob:0" })
        #expect(input.defaultValue?.scalars(as: Float.self) == [1])
        #expect(input.note == "guessed: the share that dropout keeps: 1 for predictions")
        #expect(model.inputs.first?.name == "x:0")
        #expect(model.inputs.first?.defaultValue == nil)
    }

    @Test("a name that is no placeholder's, and values that do not fit, are errors with names and numbers")
    func refusals() {
        #expect(
            error(DefaultValues(["kep_prob:0": 1]))
                == "default \"kep_prob:0\": model \"digits\" has no placeholder of this name; the nearest are \"keep_prob\""
        )
        #expect(error(DefaultValues(["probs:0": 1]))?.contains("has no placeholder of this name") == true)
        #expect(error(DefaultValues(["keep_prob:1": 1]))?.contains("has no placeholder of this name") == true)
        #expect(error(DefaultValues(["keep_prob": "much"])) == "default \"keep_prob\": the value does not fit float32")
        #expect(
            error(DefaultValues(["x": [[1, 2]]])) == "default \"x\": expected float32 [?,64], got float32 [1,2]")
        #expect(error(DefaultValues(["x": 1, "x:0": 1])) != nil)
        #expect(
            error(DefaultValues(["keep_prob": [[1], [1, 2]]])) == "default \"keep_prob\": lists of different lengths")
    }

    @Test("what is meant for several models is left out where a model lacks it")
    func shared() throws {
        let model = try Model(
            contentsOf: Fixtures.model("tutorial"), defaults: DefaultValues(["keep_prob": 1, "w2": 3], isShared: true))
        #expect(try model.run(feeds: ["w1": 4])["op_to_restore:0"]?.scalars(as: Float.self) == [14])
    }

    @Test("a model's own metaserve.yaml gives defaults; those that are given come first")
    func settings() throws {
        try Fixtures.withCopy(of: Fixtures.model("tutorial")) { copy in
            try Fixtures.write(
                Array("# tutorial\ndefaults:\n  w1: 4\n  w2:0: 3.5\n".utf8), to: copy + "/metaserve.yaml")
            let model = try Model(contentsOf: copy)
            #expect(try model.run(feeds: [:])["op_to_restore:0"]?.scalars(as: Float.self) == [15])
            let given = try Model(contentsOf: copy, defaults: DefaultValues(["w2": 6]))
            #expect(try given.run(feeds: [:])["op_to_restore:0"]?.scalars(as: Float.self) == [20])
        }
    }

    @Test(
        "a metaserve.yaml that is wrong is refused, with the place",
        arguments: [
            ("default:\n  w1: 1\n", ":1: unknown key \"default\"; the nearest are \"defaults\""),
            (
                "defaults:\n  w3: 1\n",
                "default \"w3\": model \"M\" has no placeholder of this name; the nearest are \"w1\", \"w2\""
            ),
            ("defaults:\n  w1: {a: 1}\n", ":2: expected a number, true, false, a string or a list"),
            ("defaults: 7\n", ":1: expected keys and values"),
            ("- 1\n", ":1: expected keys and values"),
            ("defaults:\n  w1: \"4\"\n", "default \"w1\": the value does not fit float32"),
            ("defaults: [\n", "not valid YAML"),
            ("defaults:\n  w1: 1\n  w1: 2\n", ":2: the key \"w1\" is given twice"),
            (
                "defaults:\n  w1: " + String(repeating: "[", count: 70) + String(repeating: "]", count: 70),
                "nested too deeply"
            ),
        ])
    func wrongSettings(text: String, message: String) throws {
        try Fixtures.withCopy(of: Fixtures.model("tutorial")) { copy in
            try Fixtures.write(Array(text.utf8), to: copy + "/metaserve.yaml")
            let error = #expect(throws: ModelError.self) { try Model(contentsOf: copy, name: "M") }
            #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        }
    }

    @Test("an empty metaserve.yaml, or one of comments, sets nothing", arguments: ["", "# nothing\n", "---\n"])
    func emptySettings(text: String) throws {
        try Fixtures.withCopy(of: Fixtures.model("tutorial")) { copy in
            try Fixtures.write(Array(text.utf8), to: copy + "/metaserve.yaml")
            #expect(try Model(contentsOf: copy).inputs.allSatisfy { $0.defaultValue == nil })
        }
    }

    @Test("a placeholder with a default may be fed what its own shape admits")
    func feedable() throws {
        let model = try Model(contentsOf: Fixtures.model("tutorial"), defaults: DefaultValues(["w2": 3]))
        let answer = try model.run(feeds: ["w1": [1, 2], "w2": [3, 4]])["op_to_restore:0"]
        #expect(answer?.scalars(as: Float.self) == [8, 12])
    }
}
