import Foundation
import ServerSupport
import Testing

/// Folders whose state file or file names went wrong.
@Suite("Cases: names of files, and the state file", Cases.areHere)
struct FileCaseTests {
    @Test("a prefix with non-ASCII characters is served")
    func nonASCIIPrefix() throws {
        try Cases.serve("non_ascii_prefix") { model throws in
            let response = try model.predict("{\"feeds\": {\"x:0\": \(Cases.rows)}}")
            model.expect(response.output("y:0"), Cases.classes, response)
            #expect(try model.step() == 5)
            #expect((try model.description()["prefix"] as? String)?.hasSuffix("/my model é-5") == true)
        }
    }

    @Test("a state file that is gone for a moment changes nothing")
    func rolledBack() throws {
        try Cases.serve("rolled_back", "--poll-interval", "0.05") { model throws in
            #expect(try model.step() == 10)
            let state = model.folder + "/checkpoint"
            let bytes = try Data(contentsOf: URL(fileURLWithPath: state))
            for _ in 0..<5 {
                try FileManager.default.removeItem(atPath: state)
                usleep(20_000)
                try bytes.write(to: URL(fileURLWithPath: state))
                usleep(400_000)
                #expect(try model.step() == 10)
            }
            #expect(!model.server.log.contains("model.ckpt-100"), "\(model.server.log)")
            let response = try model.predict("{\"feeds\": {\"x:0\": \(Cases.rows)}, \"fetches\": [\"y:0\"]}")
            model.expect(response.output("y:0"), Cases.classes, response)
        }
    }

    @Test("a state file written on Windows names the step that is served")
    func windowsPaths() throws {
        try Cases.serve("windows_paths") { model throws in
            #expect(try model.step() == 1)
            let response = try model.predict("{\"feeds\": {\"x:0\": \(Cases.rows)}}")
            model.expect(response.output("y:0"), Cases.classes, response)
        }
    }
}
