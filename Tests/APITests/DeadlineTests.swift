import Foundation
import Serving
import Testing
import VectorSupport

/// A graph whose loop ends only where its input says so.
@Suite("Deadlines")
struct DeadlineTests {
    private static let graph = """
        node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_INT32 } } attr { key: "shape" value { shape { } } } }
        node { name: "limit" op: "Placeholder" attr { key: "dtype" value { type: DT_INT32 } } attr { key: "shape" value { shape { } } } }
        node { name: "enter" op: "Enter" input: "x" attr { key: "T" value { type: DT_INT32 } } attr { key: "frame_name" value { s: "f" } } }
        node { name: "end" op: "Enter" input: "limit" attr { key: "T" value { type: DT_INT32 } } attr { key: "frame_name" value { s: "f" } } }
        node { name: "merge" op: "Merge" input: "enter" input: "next" attr { key: "T" value { type: DT_INT32 } } attr { key: "N" value { i: 2 } } }
        node { name: "more" op: "NotEqual" input: "merge" input: "end" attr { key: "T" value { type: DT_INT32 } } }
        node { name: "cond" op: "LoopCond" input: "more" }
        node { name: "switch" op: "Switch" input: "merge" input: "cond" attr { key: "T" value { type: DT_INT32 } } }
        node { name: "negated" op: "Neg" input: "switch:1" attr { key: "T" value { type: DT_INT32 } } }
        node { name: "next" op: "NextIteration" input: "negated" attr { key: "T" value { type: DT_INT32 } } }
        node { name: "exit" op: "Exit" input: "switch" attr { key: "T" value { type: DT_INT32 } } }

        """

    @Test("a loop without end answers 504, and the next request is answered")
    func endless() throws {
        try Fixtures.withCopy(of: Fixtures.model("tutorial")) { folder in
            let path = folder + "/loop.pbtxt"
            try Fixtures.write(Array(Self.graph.utf8), to: path)
            let client = try Client(try Model(contentsOf: path), timeoutSeconds: 0.2)
            for _ in 0..<3 {
                let start = Date()
                let answer = client.post(#"{"feeds":{"x":1,"limit":0},"fetches":["exit"]}"#)
                #expect(answer.status == 504, "\(answer.body)")
                #expect(answer.error?.contains("loop") == true)
                #expect(Date().timeIntervalSince(start) < 10)
                let next = client.post(#"{"feeds":{"x":1,"limit":-1},"fetches":["exit"]}"#)
                #expect(next.status == 200)
                #expect(next.body.contains(#""exit":-1"#), "\(next.body)")
            }
        }
    }
}
