import Checkpoints
import Foundation
import Tensors
import Testing
import VectorSupport

@testable import Serving

private struct Run: Decodable {
    struct Values: Decodable {
        let shape: [Int]
        let data: [Float]
    }

    let feeds: [String: Values]
    let fetches: [String: Values]
}

@Suite("Formats of models")
struct FormatTests {
    private static let expectedFormats = [
        "v1": "V1 checkpoint with the graph of model.ckpt-7.meta",
        "v1_sliced": "V1 checkpoint with the graph of model.ckpt-7.meta",
        "v1_sharded": "V1 checkpoint with the graph of model.ckpt-7.meta",
        "text_meta": "V2 checkpoint with the graph of model-7.meta",
        "frozen": "frozen graph",
        "frozen_text": "frozen graph",
        "saved_model_1": "TensorFlow 1 SavedModel",
        "saved_model_text": "TensorFlow 1 SavedModel",
        "versions": "TensorFlow 1 SavedModel",
        "no_meta": "V2 checkpoint with the graph of model-1.meta",
        "no_meta_text": "V2 checkpoint with the graph of graph.pbtxt",
        "objects": "object-based V2 checkpoint with the graph of graph.meta",
        "saved_model_2": "TensorFlow 2 SavedModel",
        "saved_model_2_plain": "TensorFlow 2 SavedModel",
    ]

    private func runs() throws -> [String: Run] {
        try JSONDecoder().decode(
            [String: Run].self, from: Data(contentsOf: URL(fileURLWithPath: Fixtures.path("files/runs.json"))))
    }

    private func check(_ model: Model, _ run: Run) throws {
        let feeds = try run.feeds.mapValues { FeedValue(try #require(Tensor($0.data, shape: $0.shape))) }
        let answers = try model.run(feeds: feeds, fetches: Array(run.fetches.keys))
        for (name, expected) in run.fetches {
            #expect(answers[name]?.shape.dimensions == expected.shape)
            #expect(answers[name]?.scalars(as: Float.self) == expected.data, "\(name)")
        }
    }

    @Test("each is known by what is there, and answers as TensorFlow does", arguments: expectedFormats.keys.sorted())
    func formats(name: String) throws {
        let model = try Model(contentsOf: Fixtures.path("files/" + name))
        #expect(model.format == Self.expectedFormats[name])
        #expect(model.name == name)
        let run = try #require(try runs()[name])
        try check(model, run)
    }

    @Test("a TensorFlow 2 SavedModel's variables are restored by its own function, equal names or not")
    func functions() throws {
        let model = try Model(contentsOf: Fixtures.path("files/saved_model_2"))
        #expect(model.variables.map(\.name).sorted() == ["v", "v_1"])
        let values = try ["v/Read/ReadVariableOp", "v_1/Read/ReadVariableOp"].map { name in
            try #require(try model.run(feeds: [:], fetches: [name])[name]?.scalars(as: Float.self))
        }
        #expect(Set(values) == [[1, 2, 3, 4], [9, -9]])
        #expect(model.restoredTables.keys.sorted() == ["MutableHashTable"])
        #expect(model.restoredTables["MutableHashTable"]?.keys.key == "mutable/.ATTRIBUTES/table-keys")
        let plain = try Model(contentsOf: Fixtures.path("files/saved_model_2_plain"))
        for number in 0..<12 {
            let name = "Variable" + (number == 0 ? "" : "_\(number)") + "/Read/ReadVariableOp"
            let found = try plain.run(feeds: [:], fetches: [name])[name]?.scalars(as: Float.self)
            #expect(found?.count == 1)
        }
    }

    @Test("signatures are kept, and the internal ones are not among them")
    func signatures() throws {
        let first = try Model(contentsOf: Fixtures.path("files/saved_model_1"))
        #expect(first.signatures.keys.sorted() == ["serving_default"])
        let signature = try #require(first.signatures["serving_default"])
        #expect(signature.inputs.map(\.name) == ["in"])
        #expect(signature.inputs.first?.tensor == "x:0")
        #expect(signature.inputs.first?.shape == PartialShape([-1, 2]))
        #expect(signature.outputs.first { $0.name == "out" }?.dtype == .float32)
        #expect(first.signatures["serving_default"]?.methodName == "tensorflow/serving/predict")
        let second = try Model(contentsOf: Fixtures.path("files/saved_model_2"))
        #expect(second.signatures.keys.sorted() == ["look_up", "serving_default"])
        #expect(second.inputs.map(\.name) == ["x"])
        #expect(second.inputs.map(\.tensor) == ["serving_default_x:0"])
        #expect(second.outputs.map(\.name) == ["out"])
    }

    @Test("an asset's tensor is the path of the file here, whatever path it was made with")
    func assets() throws {
        let first = try Model(contentsOf: Fixtures.path("files/saved_model_1"))
        let file = Fixtures.path("files/saved_model_1/assets/words.txt")
        #expect(first.assets == ["words_file:0": file])
        #expect(first.initOps.count == 1)
        #expect(try first.run(feeds: [:], fetches: ["words_file"])["words_file"]?.strings == [Array(file.utf8)])
        let second = try Model(contentsOf: Fixtures.path("files/saved_model_2"))
        #expect(second.assets.values.sorted() == [Fixtures.path("files/saved_model_2/assets/words.txt")])
        #expect(second.initOps == ["NoOp"])
        // A variable that holds the path: it is not in the checkpoint, the initialisation assigns it.
        let path = try second.run(feeds: [:], fetches: ["Variable/Read/ReadVariableOp"])
        #expect(
            path["Variable/Read/ReadVariableOp"]?.strings?.first.map { String(decoding: $0, as: UTF8.self) }?
                .hasSuffix("files/saved_model_2/assets/words.txt") == true)
    }

    @Test("an asset is found in text, too, where the collection's message is unpacked")
    func assetAsText() throws {
        try Fixtures.withCopy(of: Fixtures.path("files/saved_model_text")) { copy in
            let file = copy + "/saved_model.pbtxt"
            let collection = """
                collection_def { key: "saved_model_assets" value { any_list { value {
                  [type.googleapis.com/tensorflow.AssetFileDef] { tensor_info { name: "Const:0" } filename: "words.txt" } }
                  value { [type.googleapis.com/tensorflow.Nothing] { a: [1, V2] } } } } }
                meta_info_def {
                """
            let text = String(decoding: try Fixtures.bytes(file), as: UTF8.self)
            let changed = text.replacing("meta_info_def {", with: collection, maxReplacements: 1)
            try Fixtures.write(Array(changed.utf8), to: file)
            let model = try Model(contentsOf: copy)
            #expect(model.assets == ["Const:0": copy + "/assets/words.txt"])
            #expect(model.warnings == ["asset \(copy)/assets/words.txt, for \"Const:0\", does not exist"])
        }
    }

    @Test("a file that is no model says so")
    func noModel() throws {
        let path = Fixtures.path("README.md")
        let error = #expect(throws: ModelError.self) { try ModelFolders.find(in: path) }
        #expect(
            error?.message
                == "\(path): is not a meta graph, a graph or a SavedModel: it is cut off or damaged, or of another kind of file"
        )
    }

    @Test("an asset that leads out of its folder is refused")
    func hostileAsset() throws {
        try Fixtures.withCopy(of: Fixtures.path("files/saved_model_1")) { copy in
            let file = copy + "/saved_model.pb"
            let text = try Fixtures.bytes(file)
            let name = Array("words.txt".utf8)
            for evil in ["../../x.x", "/etc/pass"] {
                var changed = text
                for start in 0..<changed.count - name.count where Array(changed[start..<start + name.count]) == name {
                    changed.replaceSubrange(start..<start + name.count, with: Array(evil.utf8))
                }
                try Fixtures.write(changed, to: file)
                let error = #expect(throws: ModelError.self) { try Model(contentsOf: copy) }
                #expect(error?.message == "\(file): asset \"\(evil)\" is not the name of a file in \(copy)/assets")
            }
        }
    }

    @Test("the version with the highest number is served, a later folder without a model is passed over, and told")
    func versions() throws {
        let folder = Fixtures.path("files/versions")
        let model = try Model(contentsOf: folder)
        #expect(model.version == 10)
        #expect(model.warnings == ["\(folder)/11 contains no model: using an earlier version"])
        #expect(try ModelFolders.find(in: folder) == [folder])
        #expect(try Model(contentsOf: folder + "/2").version == nil)
    }

    @Test("a file of a model can be named, too")
    func files() throws {
        let runs = try runs()
        for (path, name, run) in [
            ("frozen/frozen.pb", "frozen", "frozen"), ("frozen_text/model.pbtxt", "model", "frozen_text"),
            ("saved_model_1/saved_model.pb", "saved_model_1", "saved_model_1"),
            ("text_meta/model-7", "text_meta", "text_meta"), ("text_meta/model-7.meta", "text_meta", "text_meta"),
            ("v1/model.ckpt-7", "v1", "v1"),
        ] {
            #expect(try ModelFolders.find(in: Fixtures.path("files/" + path)) == [Fixtures.path("files/" + path)])
            let model = try Model(contentsOf: Fixtures.path("files/" + path))
            #expect(model.name == name)
            try check(model, try #require(runs[run]))
        }
    }

    @Test("a folder of folders of all kinds is a set of models")
    func all() throws {
        #expect(try ModelFolders.find(in: Fixtures.path("files")).count == Self.expectedFormats.count)
    }

    @Test("why no graph of a folder fits is told")
    func noGraph() throws {
        try Fixtures.withCopy(of: Fixtures.path("files/no_meta")) { copy in
            #expect(
                try Model(contentsOf: copy).notes == [
                    "\(copy)/model-2.meta does not exist: using the graph of model-1.meta, whose variables match"
                ])
            try FileManager.default.removeItem(atPath: copy + "/model-1.meta")
            let error = #expect(throws: ModelError.self) { try Model(contentsOf: copy) }
            #expect(
                error?.message
                    == "\(copy)/model-2.meta: no such file; model-3.meta does not match: the checkpoint lacks the variable \"other\""
            )
        }
    }

    @Test("what is incomplete is an error, in a folder of models as well, and not passed over")
    func incomplete() throws {
        try Fixtures.withCopy(of: Fixtures.path("files/text_meta")) { copy in
            try FileManager.default.removeItem(atPath: copy + "/model-7.index")
            #expect(try ModelFolders.find(in: copy) == [copy])
            let error = #expect(throws: ModelError.self) { try Model(contentsOf: copy) }
            #expect(error?.message.hasSuffix("; \(copy)/checkpoint names model-7, which is not found") == true)
        }
        try Fixtures.withCopy(of: Fixtures.path("files/saved_model_2")) { copy in
            try FileManager.default.removeItem(atPath: copy + "/variables")
            let error = #expect(throws: ModelError.self) { try Model(contentsOf: copy) }
            #expect(error?.message == "\(copy)/variables does not exist; the graph restores its variables from it")
        }
    }

    @Test("a graph with variables and no checkpoint is refused, and of two frozen graphs none is guessed")
    func frozen() throws {
        try Fixtures.withCopy(of: Fixtures.path("files/frozen")) { copy in
            let graph = try Fixtures.bytes(Fixtures.path("files/no_meta_text/graph.pbtxt"))
            try Fixtures.write(graph, to: copy + "/graph.pbtxt")
            #expect(try Model(contentsOf: copy).prefix == copy + "/frozen.pb")
            let error = #expect(throws: ModelError.self) { try Model(contentsOf: copy + "/graph.pbtxt") }
            #expect(
                error?.message
                    == "\(copy)/graph.pbtxt has variables, such as \"dense/w\", but no checkpoint")
            try Fixtures.write(try Fixtures.bytes(copy + "/frozen.pb"), to: copy + "/second.pb")
            let two = #expect(throws: ModelError.self) { try Model(contentsOf: copy) }
            #expect(two?.message.contains("contains several graphs: give the path of one of") == true)
        }
    }

    @Test("every truncation and change of a saved_model.pb is an error or a model, never a trap")
    func damage() throws {
        for name in ["saved_model_1", "saved_model_2"] {
            try Fixtures.withCopy(of: Fixtures.path("files/" + name)) { copy in
                let file = copy + "/saved_model.pb"
                let bytes = try Fixtures.bytes(file)
                for position in stride(from: 0, to: bytes.count, by: 1 + bytes.count / 120) {
                    var changed = bytes
                    changed[position] ^= 1 << UInt8(position % 8)
                    try Fixtures.write(changed, to: file)
                    _ = try? Model(contentsOf: copy)
                    try Fixtures.write(Array(bytes[..<position]), to: file)
                    _ = try? Model(contentsOf: copy)
                }
            }
        }
    }
}
