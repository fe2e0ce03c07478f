import Foundation
import ServerSupport
import Testing
import VectorSupport

@Suite("Class names that change")
struct ClassReloadTests {
    @Test("a file of class names is read when it comes, changes and goes, while the weights stay")
    func reload() throws {
        let folder = Scratch()
        try folder.copy(Fixtures.model("digits"), to: "digits")
        let labels = folder.path + "/digits/labels.txt"
        let server = try RunningServer(folder.path + "/digits", "--poll-interval", "0.1")
        let zeros = Array(repeating: "0", count: 64).joined(separator: ",")
        let body = #"{"feeds":{"x":[[\#(zeros)]],"keep_prob":1},"fetches":["probs"],"top":1}"#
        /// Asks until the answer begins so, at most for twenty seconds.
        func responses(_ start: String) throws -> Bool {
            for _ in 0..<200 {
                if try Program.curl("-d", body, server.address + "/predict").hasPrefix(start) { return true }
                usleep(100_000)
            }
            return false
        }
        #expect(try responses(#"{"outputs":{"probs":[[{"index":8,"#))
        for name in ["a", "other "] {
            try Fixtures.write(Array((0..<10).map { "\(name)\($0)" }.joined(separator: "\n").utf8), to: labels)
            #expect(try responses(#"{"outputs":{"probs":[[{"class":"\#(name)8","index":8,"#))
        }
        try FileManager.default.removeItem(atPath: labels)
        #expect(try responses(#"{"outputs":{"probs":[[{"index":8,"#))
        #expect(server.stop() == 0)
    }
}
