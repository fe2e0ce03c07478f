import API
import HTTPMessages
import Serving
import Testing
import VectorSupport

/// A graph whose loop ends only where its input says so.
enum EndlessModel {
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

    /// A request that is never done.
    static let endless = #"{"feeds":{"x":1,"limit":0},"fetches":["exit"]}"#
    /// One that is done at once.
    static let short = #"{"feeds":{"x":1,"limit":-1},"fetches":["exit"]}"#

    static func load() throws -> Model {
        try Fixtures.withCopy(of: Fixtures.model("tutorial")) { folder in
            let path = folder + "/loop.pbtxt"
            try Fixtures.write(Array(graph.utf8), to: path)
            return try Model(contentsOf: path)
        }
    }
}

@Suite("Deadlines")
struct DeadlineTests {
    private static let late = "a loop was still running when the request's time was over"

    @Test("a loop without end answers 504, and the next request is answered")
    func endless() throws {
        let client = try Client(try EndlessModel.load(), timeoutSeconds: 0.2)
        for _ in 0..<3 {
            let response = client.post(EndlessModel.endless)
            #expect(response.status == 504, "\(response.body)")
            #expect(response.error == Self.late)
            let next = client.post(EndlessModel.short)
            #expect(next.status == 200)
            #expect(next.body.contains(#""exit":-1"#), "\(next.body)")
        }
    }

    private func post(_ client: Client, timeout: String) -> DirectResponse {
        client.service.respond(
            .post, Array("/predict".utf8), headers: [.requestTimeout: Array(timeout.utf8)],
            body: Array(EndlessModel.endless.utf8))
    }

    @Test("a request may set a time of its own", arguments: ["0.05", ".1", "000.0500"])
    func own(timeout: String) throws {
        let client = try Client(try EndlessModel.load(), timeoutSeconds: nil)
        #expect(post(client, timeout: timeout).status == 504)
    }

    @Test("but no longer one than the server's")
    func longer() throws {
        let client = try Client(try EndlessModel.load(), timeoutSeconds: 0.05)
        #expect(post(client, timeout: "1000").status == 504)
    }

    @Test(
        "a time that is no number of seconds is a bad request",
        arguments: ["", "0", "0.0", "-1", "1e3", "1.2.3", ".", "5s", " 5", "1000000000000000", "inf"])
    func bad(timeout: String) throws {
        let response = post(try Client(try EndlessModel.load()), timeout: timeout)
        #expect(response.status == 400)
        #expect(
            response.text
                == "{\"error\":\"header Request-Timeout: expected seconds above 0, such as 2.5, found \\\"\(timeout)\\\"\"}"
        )
    }
}
