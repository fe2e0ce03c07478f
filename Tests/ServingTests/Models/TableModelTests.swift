import Checkpoints
import Execution
import Foundation
import Operations
import Tensors
import Testing
import Text
import VectorSupport

@testable import Serving

@Suite("Models with lookup tables")
struct TableModelTests {
    private func words(_ words: [String]) throws -> FeedValue {
        FeedValue(try #require(Tensor(strings: words.map { Array($0.utf8) }, shape: .vector(words.count))))
    }

    @Test("a SavedModel's vocabulary is read from its assets")
    func vocabulary() throws {
        let model = try Model(contentsOf: Fixtures.path("files/saved_model_1"))
        let answers = try model.run(feeds: ["words": try words(["c", "a", "x"])], fetches: ["numbers"])
        #expect(answers["numbers"]?.scalars(as: Int64.self) == [2, 0, -1])
    }

    @Test("tables behind functions: one from a file, one from the checkpoint")
    func functions() throws {
        let model = try Model(contentsOf: Fixtures.path("files/saved_model_2"))
        let answers = try model.run(
            feeds: ["look_up_words": try words(["a", "b", "k", "c", "x"])],
            fetches: ["StatefulPartitionedCall:0", "StatefulPartitionedCall:1"])
        #expect(answers["StatefulPartitionedCall:0"]?.scalars(as: Int64.self) == [0, 1, -1, 2, -1])
        #expect(answers["StatefulPartitionedCall:1"]?.scalars(as: Int64.self) == [-1, -1, 5, -1, -1])
    }

    @Test("a vocabulary that is not there is an error that tells what to do")
    func missing() throws {
        try Fixtures.withCopy(of: Fixtures.path("files/saved_model_1")) { copy in
            try FileManager.default.removeItem(atPath: copy + "/assets/words.txt")
            let model = try Model(contentsOf: copy)
            let feeds = ["words": try words(["a"])]
            let error = #expect(throws: ModelError.self) { try model.run(feeds: feeds, fetches: ["numbers"]) }
            #expect(error?.message.contains("words.txt") == true)
        }
    }

    @Test("a graph reads no file but the model's own")
    func ownFilesOnly() throws {
        try Fixtures.withCopy(of: Fixtures.path("files/saved_model_1")) { copy in
            let loading = try ModelLoading(newestAt: copy, name: "m", defaults: DefaultValues())
            #expect(loading.assets.keys.sorted().map(\.string) == [copy + "/assets/words.txt"])
            let tables = ModelTables(loading.files.variables, assets: loading.assets, path: copy)
            let expected = Array("a\nb\nc\n".utf8)
            #expect(try tables.content(ofFile: copy + "/assets/words.txt") == expected)
            #expect(try tables.content(ofFile: "/where/it/was/made/words.txt") == expected)
            try FileManager.default.createSymbolicLink(
                atPath: copy + "/assets/passwd", withDestinationPath: "/etc/passwd")
            for path in ["/etc/passwd", "../../etc/passwd", "/etc/hostname", "..", ".", "", "/", copy] {
                #expect(throws: OpError.self, "\(path)") { try tables.content(ofFile: path) }
            }
        }
    }
}
