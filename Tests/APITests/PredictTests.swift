import API
import Foundation
import HTTPMessages
import Testing

@Suite("POST /predict")
struct PredictTests {
    let client: Client

    init() throws { client = try Client() }

    private static let answer = #"{"outputs":{"op_to_restore:0":60.0},"model":{"name":"tutorial","step":1000}}"#

    @Test("the main job, to the byte")
    func mainJob() {
        let body = #"{"feeds": {"w1:0": 13.0, "w2:0": 17.0}, "fetches": ["op_to_restore:0"]}"#
        for _ in 0..<3 {
            #expect(client.post(body).body == Self.answer)
            #expect(client.post(body, "/models/tutorial/predict").body == Self.answer)
        }
        #expect(client.post(#"{"model":"tutorial","feeds":{"w1":13,"w2":17}}"#).body == Self.answer)
        #expect(
            client.post(#"{"feeds":{"w1":4,"w2":8},"fetches":["op_to_restore"]}"#).body.contains(
                #""op_to_restore":24.0"#))
    }

    @Test(
        "values in and out",
        arguments: [
            ("[1, 2.5]", "[3.0,6.0]"), ("[[1], [2]]", "[[3.0],[5.0]]"), ("[]", "[]"), ("[[], []]", "[[],[]]"),
            ("[[[]]]", "[[[]]]"), ("-0.0", "1.0"), ("1e-50", "1.0"), ("16777217", "33554432.0"), ("1e30", "2e+30"),
            ("\"NaN\"", "\"NaN\""), ("\"Infinity\"", "\"Infinity\""), ("\"-Infinity\"", "\"-Infinity\""),
            ("3e38", "\"Infinity\""), ("0.1", "1.2"), ("18446744073709551615", "3.689349e+19"),
        ])
    func values(w1: String, expected: String) {
        let answer = client.post("{\"feeds\":{\"w1:0\":\(w1),\"w2:0\":0.5},\"fetches\":[\"op_to_restore:0\"]}")
        #expect(
            answer.body
                == "{\"outputs\":{\"op_to_restore:0\":\(expected)},\"model\":{\"name\":\"tutorial\",\"step\":1000}}")
    }

    @Test(
        "what the request got wrong, word for word",
        arguments: [
            ("", 400, "the body is empty; expected a JSON object with \"feeds\""),
            ("[1]", 400, "the body is a list; expected an object with \"feeds\""),
            ("7", 400, "the body is a number; expected an object with \"feeds\""),
            (#"{"feeds":[]}"#, 400, "\"feeds\" is a list; expected an object"),
            (#"{"feeds":{},"fetches":"x"}"#, 400, "\"fetches\" is a string; expected a list of tensor names"),
            (#"{"feeds":{},"fetches":[1]}"#, 400, "\"fetches\" has a number; expected tensor names"),
            (#"{"feeds":{},"model":1}"#, 400, "\"model\" is a number; expected a string"),
            (
                #"{"inputs":{}}"#, 400,
                "the body has an unknown key \"inputs\"; known are \"model\", \"feeds\" and \"fetches\""
            ),
            (#"{"feeds":{},"feeds":{}}"#, 400, "the body has the key \"feeds\" twice"),
            (#"{"feeds":{"w1":1,"w1":2}}"#, 400, "\"feeds\" has the key \"w1\" twice"),
            (#"{"feeds":{"w1":1}}"#, 400, "the fetches need a feed for \"w2:0\" (float32 <unknown>)"),
            (
                #"{"feeds":{"w1":[1,2],"w2":[1,2,3]}}"#, 400,
                "node \"Add\" (op AddV2): Incompatible shapes: [2] vs. [3]"
            ),
            (#"{"feeds":{"w1":true,"w2":1}}"#, 400, "feed \"w1\": expected float32, got a boolean"),
            (#"{"feeds":{"w1":null,"w2":1}}"#, 400, "feed \"w1\": expected float32, got null"),
            (#"{"feeds":{"w1":{},"w2":1}}"#, 400, "feed \"w1\": expected float32, got an object"),
            (#"{"feeds":{"w1":[1,[2]],"w2":1}}"#, 400, "feed \"w1\": expected float32, got a list"),
            (#"{"feeds":{"w1":[[1],2],"w2":1}}"#, 400, "feed \"w1\": expected a list of 1, got a number"),
            (
                #"{"feeds":{"w1":[[1,2],[3]],"w2":1}}"#, 400,
                "feed \"w1\": a list of dimension 1 has 1 elements, the first one 2"
            ),
            (
                #"{"feeds":{"wx":1,"w2":1}}"#, 404,
                "feed \"wx\": the graph of model \"tutorial\" has no such tensor; the nearest are \"w1\", \"w2\""
            ),
            (
                #"{"feeds":{"w1":1,"w2":1},"fetches":["op_to_restor"]}"#, 404,
                "fetch \"op_to_restor\": the graph of model \"tutorial\" has no such tensor; the nearest are \"op_to_restore\""
            ),
            (
                #"{"feeds":{"w1":1,"w2":1},"fetches":["save/SaveV2"]}"#, 400,
                "fetch \"save/SaveV2\" is refused: it belongs to the saving and restoring of checkpoints"
            ),
            (
                #"{"feeds":{"save/Const:0":"x"}}"#, 400,
                "feed \"save/Const:0\" is refused: it belongs to the saving and restoring of checkpoints"
            ),
            (#"{"feeds":{},"fetches":[]}"#, 400, "nothing to fetch: name tensors in \"fetches\""),
            (#"{"model":"nope","feeds":{}}"#, 404, "there is no model \"nope\"; served are \"digits\", \"tutorial\""),
        ])
    func errors(body: String, status: Int, message: String) {
        let answer = client.post(body)
        #expect(answer.status == status)
        #expect(answer.error == message)
    }

    @Test(
        "what is not JSON",
        arguments: [
            "{", "{\"feeds\":", "{\"feeds\":{}} x", "{\"feeds\":{\"w1\":NaN}}", "{\"feeds\":{\"w1\":1e400,\"w2\":1}}",
            "{\"feeds\":{\"w1\":01}}", "{\"feeds\":{\"w1\":1,}}", "{'feeds':{}}", "\u{0}",
            String(repeating: "[", count: 10_000), String(repeating: "{\"a\":", count: 10_000),
            "{\"feeds\":{\"w1\":" + String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000)
                + "}}",
            "{\"feeds\":{\"w1\":1" + String(repeating: "0", count: 10_000) + "}}",
        ])
    func malformed(body: String) {
        let answer = client.post(body)
        #expect(answer.status == 400)
        #expect(answer.error?.hasPrefix("the body is not JSON: ") == true)
    }

    @Test("bytes that are not UTF-8")
    func invalidUTF8() {
        let answer = client.send(
            .post, "/predict", Array("{\"feeds\":{\"w\u{1}".utf8) + [0xff, 0xfe] + Array("\":1}}".utf8))
        #expect(answer.status == 400)
    }

    @Test("integers must be integers that the dtype has")
    func integers() throws {
        func error(_ value: String) -> String? {
            client.post("{\"feeds\":{\"labels\":[\(value)]},\"fetches\":[\"labels\"]}", "/models/digits/predict").error
        }
        #expect(error("1") == nil)
        #expect(error("2.0") == nil)
        #expect(error("3.7") == "feed \"labels\": 3.7 is not a number that int64 has")
        #expect(error("9223372036854775808") == "feed \"labels\": 9223372036854775808 is not a number that int64 has")
        #expect(error("\"1\"") == "feed \"labels\": expected int64, got a string")
        let exact = client.post(
            #"{"feeds":{"labels":[9223372036854775807,-9223372036854775808]},"fetches":["labels:0"]}"#,
            "/models/digits/predict")
        #expect(exact.body.contains("[9223372036854775807,-9223372036854775808]"))
    }

    @Test("NaN and infinities by policy")
    func nanPolicy() throws {
        let body = #"{"feeds":{"w1":["NaN",1],"w2":0},"fetches":["op_to_restore:0"]}"#
        #expect(try Client(nan: .null).post(body).body.hasPrefix(#"{"outputs":{"op_to_restore:0":[null,2.0]}"#))
        let refused = try Client(nan: .error).post(body)
        #expect(refused.status == 422)
        #expect(
            refused.error == "the answer's \"op_to_restore:0\" has NaN or infinite values, which --nan error forbids")
    }

    @Test("no model named, and none is the default")
    func noDefault() throws {
        let answer = try Client(defaultName: nil).post(#"{"feeds":{}}"#)
        #expect(answer.status == 400)
        #expect(
            answer.error
                == "several models are served: name one of \"digits\", \"tutorial\" in \"model\", or post to /models/NAME/predict"
        )
        #expect(try Client(["tutorial"], defaultName: nil).post(#"{"feeds":{"w1":1,"w2":1}}"#).status == 200)
    }

    @Test("media types that cannot be JSON are refused, others pass")
    func mediaTypes() {
        let body = Array(#"{"feeds":{"w1":1,"w2":1}}"#.utf8)
        for type in ["application/json", "application/x-www-form-urlencoded", "text/plain; charset=utf-8", ""] {
            #expect(client.send(.post, "/predict", body, type: type).status == 200)
        }
        for type in ["multipart/form-data; boundary=x", "application/octet-stream", "IMAGE/png"] {
            let answer = client.send(.post, "/predict", body, type: type)
            #expect(answer.status == 415)
            #expect(answer.error?.hasSuffix("is not JSON: send application/json") == true)
        }
    }

    @Test("every truncation of a body is answered by 400")
    func truncations() {
        let body = Array(#"{"feeds":{"w1:0":[1.5,-2e3],"w2:0":[[17]]},"fetches":["op_to_restore:0"]}"#.utf8)
        #expect(client.send(.post, "/predict", body).status == 200)
        for end in 0..<body.count { #expect(client.send(.post, "/predict", Array(body[..<end])).status == 400) }
    }

    @Test("random changes of a body never give a 5xx", arguments: [11, 12] as [UInt64])
    func mutations(seed: UInt64) {
        var random = SplitMix(state: seed)
        let body = Array(
            #"{"feeds":{"w1:0":[1.5,-2e3],"w2:0":[[17]]},"fetches":["op_to_restore:0"],"model":"tutorial"}"#.utf8)
        let alphabet = Array("{}[]\",:0123456789.eE+-abwntrufls\\ \u{7f}é".utf8)
        for _ in 0..<4000 {
            var changed = body
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let position = Int.random(in: changed.indices, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: changed[position] = alphabet.randomElement(using: &random) ?? 0
                case 1: changed.insert(alphabet.randomElement(using: &random) ?? 0, at: position)
                default: changed.remove(at: position)
                }
            }
            #expect((200..<500).contains(client.send(.post, "/predict", changed).status), "seed \(seed)")
        }
    }
}

/// A small reproducible generator of numbers.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
