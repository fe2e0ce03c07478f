import Checkpoints
import Foundation
import Testing
import VectorSupport

@Suite("The checkpoint file")
struct CheckpointStateTests {
    private func parse(_ text: String) throws -> CheckpointState {
        try CheckpointState(parsing: Array(text.utf8), file: "checkpoint")
    }

    @Test(
        "the grammar of text format",
        arguments: [
            (#"model_checkpoint_path: "m-1""#, "m-1"),
            (#"model_checkpoint_path: 'm-1' # comment"#, "m-1"),
            (#"model_checkpoint_path: "a\303\251\x41\n\"\\""#, "aéA\n\"\\"),
            (#"model_checkpoint_path: "m" "-" '1'"#, "m-1"),
            ("model_checkpoint_path: \"ä\"", "ä"),
            (#"model_checkpoint_path: "a", model_checkpoint_path: "b";"#, "b"),
            (#"all_model_checkpoint_paths: ["x", "y"] model_checkpoint_path:"z""#, "z"),
            (#"unknown: -1.5e-3 other { a: "}" b < c: [1, 2] > } flag: true model_checkpoint_path: "m""#, "m"),
        ])
    func grammar(text: String, path: String) throws {
        #expect(try parse(text).modelCheckpointPath == path)
    }

    @Test("lists and repeated fields are joined")
    func lists() throws {
        let state = try parse(#"all_model_checkpoint_paths: "a" all_model_checkpoint_paths: ["b", "c"]"#)
        #expect(state.allModelCheckpointPaths == ["a", "b", "c"])
        #expect(state.modelCheckpointPath == nil)
    }

    @Test(
        "errors tell line and column",
        arguments: [
            ("model_checkpoint_path: \"m", "1:24: a string has no closing quote"),
            ("\nmodel_checkpoint_path \"m\"", "2:26: expected \":\" after model_checkpoint_path"),
            ("a: \"\\q\"", "1:6: unknown escape \\q"),
            ("a { b: 1", "1:9: a bracket is not closed"),
            ("\u{1}", "1:1: unexpected byte 0x1"),
        ])
    func errors(text: String, reason: String) {
        let error = #expect(throws: CheckpointError.self) { try parse(text) }
        #expect(error?.reason == reason)
    }

    @Test("no truncation and no changed byte traps")
    func mutations() throws {
        let text = Array(#"model_checkpoint_path: "a\303\x41" x { y: [1, "b"] } # c"#.utf8)
        for end in 0...text.count { _ = try? CheckpointState(parsing: Array(text[..<end]), file: "checkpoint") }
        for index in text.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = text
                changed[index] = byte
                _ = try? CheckpointState(parsing: changed, file: "checkpoint")
            }
        }
    }
}

@Suite("Finding the newest checkpoint of a folder")
struct CheckpointFolderTests {
    @Test("the checkpoint file decides, not the files' order")
    func newest() throws {
        let folder = try CheckpointFolder(folder: Fixtures.model("digits"))
        #expect(folder.prefix.hasSuffix("/model-3000"))
        #expect(folder.step == 3000)
        try Fixtures.withCopy(of: Fixtures.model("digits")) { copy in
            try Fixtures.write(Array(#"model_checkpoint_path: "model-300""#.utf8), to: copy + "/checkpoint")
            #expect(try CheckpointFolder(folder: copy).step == 300)
        }
    }

    @Test("an absolute path that is elsewhere falls back to the same name here")
    func moved() throws {
        let folder = Fixtures.path("checkpoints/absolute")
        #expect(try CheckpointFolder(folder: folder).prefix == folder + "/model-7")
    }

    @Test("a named prefix that is gone falls back to the newest that is there, and says so")
    func gone() throws {
        try Fixtures.withCopy(of: Fixtures.model("digits")) { copy in
            try Fixtures.write(
                Array(#"model_checkpoint_path: "model-9000" all_model_checkpoint_paths: "model-300""#.utf8),
                to: copy + "/checkpoint")
            let listed = try CheckpointFolder(folder: copy)
            #expect(listed.step == 300)
            #expect(listed.notes == ["\(copy)/checkpoint names model-9000, which is not found: using model-300"])
            try FileManager.default.removeItem(atPath: copy + "/checkpoint")
            let highest = try CheckpointFolder(folder: copy)
            #expect(highest.step == 3000)
            #expect(highest.notes == ["\(copy) has no checkpoint file: using model-3000"])
        }
    }

    @Test("a folder without a checkpoint gives an error that lists what is there")
    func nothing() throws {
        let error = #expect(throws: CheckpointError.self) { try CheckpointFolder(folder: Fixtures.path("generator")) }
        #expect(error?.kind == .notFound)
        #expect(
            error?.reason.hasPrefix("no checkpoint: there is no .index file here; expected checkpoint, PREFIX.meta")
                == true)
        let missing = #expect(throws: CheckpointError.self) { try CheckpointFolder(folder: "/no/such/folder") }
        #expect(missing?.description == "/no/such/folder: no such folder")
    }
}
