import API
import Foundation
import HTTPMessages
import Testing

@Suite("Expressions in POST /predict")
struct ExpressionPredictTests {
    let client: Client

    init() throws { client = try Client() }

    private func outputs(_ fetches: String) -> String {
        client.post(#"{"feeds":{"w1":13,"w2":17},"fetches":\#(fetches)}"#).body
    }

    private static func body(_ outputs: String) -> String {
        "{\"outputs\":{\(outputs)},\"model\":{\"name\":\"tutorial\",\"step\":1000}}"
    }

    @Test("a fetch may be an expression, in a list and in an object, again and again")
    func fetches() {
        for _ in 0..<2 {
            #expect(outputs(#"["op_to_restore:0 * 2"]"#) == Self.body(#""op_to_restore:0 * 2":120.0"#))
            #expect(
                outputs(#"{"doubled":"multiply(op_to_restore:0, 2)","plain":"op_to_restore","sum":"w1+w2"}"#)
                    == Self.body(#""doubled":120.0,"plain":60.0,"sum":30.0"#))
            #expect(
                outputs(#"["top_k([w1, w2, 1], k=2).indices", "w1/w2 > 1"]"#)
                    == Self.body(#""top_k([w1, w2, 1], k=2).indices":[1,0],"w1/w2 > 1":false"#))
        }
        // The same texts under other names, and other texts under the same name.
        #expect(outputs(#"{"a":"w1 + 1"}"#) == Self.body(#""a":14.0"#))
        #expect(outputs(#"{"b":"w1 + 1"}"#) == Self.body(#""b":14.0"#))
        #expect(outputs(#"{"a":"w1 + 2"}"#) == Self.body(#""a":15.0"#))
        #expect(outputs(#"{"a":"w1","b":"w1"}"#) == Self.body(#""a":13.0,"b":13.0"#))
    }

    @Test(
        "errors point at the place in the text",
        arguments: [
            (#"["w1 +"]"#, "fetch: expected a value, found the end (character 5 of \"w1 +\")"),
            (
                #"{"a":"sofmax(w1)"}"#,
                "fetch: unknown function \"sofmax\"; the nearest are \"softmax\" (character 1 of \"sofmax(w1)\")"
            ),
            (#"{"a":1}"#, "\"fetches\" has a number; expected tensor names"),
            (#"{"a":"w1","a":"w2"}"#, "\"fetches\" has the key \"a\" twice"),
            (
                #"["ones([1000000, 1000000])"]"#,
                "fetch: a float32 tensor of shape [1000000,1000000] is too large (character 1 of \"ones([1000000, 1000000])\")"
            ),
        ])
    func errors(fetches: String, message: String) throws {
        let response = client.post(#"{"feeds":{"w1":13,"w2":17},"fetches":\#(fetches)}"#)
        #expect(response.status == 400)
        let body = try JSONSerialization.jsonObject(with: Data(response.body.utf8)) as? [String: String]
        #expect(body?["error"] == message)
    }

    @Test("a misspelled name is an unknown tensor, not a wrong expression")
    func misspelledNames() {
        for name in ["w3", "scope/w1", "w-1", "w1:0:0"] {
            #expect(client.post(#"{"feeds":{"w1":1,"w2":1},"fetches":["\#(name)"]}"#).status == 404, "\(name)")
        }
    }
}
