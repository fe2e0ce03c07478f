import API
import Foundation
import HTTPMessages
import Testing

@Suite("POST /predict")
struct PredictTests {
    let client: Client

    init() throws { client = try Client() }

    private static let expected = #"{"outputs":{"op_to_restore:0":60.0},"model":{"name":"tutorial","step":1000}}"#

    @Test("the main job, to the byte")
    func mainJob() {
        let body = #"{"feeds": {"w1:0": 13.0, "w2:0": 17.0}, "fetches": ["op_to_restore:0"]}"#
        for _ in 0..<3 {
            #expect(client.post(body).body == Self.expected)
            #expect(client.post(body, "/models/tutorial/predict").body == Self.expected)
        }
        #expect(client.post(#"{"model":"tutorial","feeds":{"w1":13,"w2":17}}"#).body == Self.expected)
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
        let response = client.post("{\"feeds\":{\"w1:0\":\(w1),\"w2:0\":0.5},\"fetches\":[\"op_to_restore:0\"]}")
        #expect(
            response.body
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
                "the body has an unknown key \"inputs\"; the known keys are \"model\", \"signature\", \"feeds\", \"fetches\" and \"top\""
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
            (#"{"feeds":{"w1":[1,[2]],"w2":1}}"#, 400, "feed \"w1\": expected float32 at [1], got a list"),
            (#"{"feeds":{"w1":[[1],2],"w2":1}}"#, 400, "feed \"w1\": expected a list of 1 at [1], got a number"),
            (#"{"feeds":{"w1":[[1,2],[3]],"w2":1}}"#, 400, "feed \"w1\": expected a list of 2 at [1], got a list of 1"),
            (#"{"feeds":{"w1":1,"w1:0":2}}"#, 400, "feed \"w1:0\" is given twice"),
            (#"{"feeds":{"w1":1,"w2":1},"fetches":["w1","w1"]}"#, 400, "\"fetches\" has \"w1\" twice"),
            (#"{"feeds":{"w1":1,"w2":1},"fetches":["w1:99"]}"#, 404, "node \"w1\" has no output 99"),
            (
                #"{"feeds":{"w1\u0000":1}}"#, 404,
                "feed \"w1\u{0}\": the graph of model \"tutorial\" has no such tensor; the nearest are \"w1\", \"w2\""
            ),
            (
                #"{"feeds":{"w1":1,"w2":1},"fetches":["^w1"]}"#, 404,
                "fetch \"^w1\": the graph of model \"tutorial\" has no such tensor; the nearest are \"w1\", \"w2\""
            ),
            (#"{"feeds":null}"#, 400, "\"feeds\" is null; expected an object"),
            ("null", 400, "the body is null; expected an object with \"feeds\""),
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
            (
                #"{"model":"nope","feeds":{}}"#, 404,
                "there is no model \"nope\"; the served models are \"digits\", \"tutorial\""
            ),
        ])
    func errors(body: String, status: Int, message: String) {
        let response = client.post(body)
        #expect(response.status == status)
        #expect(response.error == message)
    }

    @Test("names that nobody has, in numbers and lengths that nobody needs")
    func names() {
        let many = (0...1000).map { "\"\($0)\":1" }.joined(separator: ",")
        #expect(client.post("{\"feeds\":{\(many)}}").error == "\"feeds\" has 1001 names, more than 1000")
        let fetches = repeatElement("\"w1\"", count: 1001).joined(separator: ",")
        #expect(client.post("{\"fetches\":[\(fetches)]}").error == "\"fetches\" has 1001 names, more than 1000")
        let long = String(repeating: "x", count: 100_000)
        let shown = "\"" + String(repeating: "x", count: 200) + "...\""
        #expect(
            client.post("{\"feeds\":{\"\(long)\":1}}").error == "\(shown) is too long for a name: it has 100000 bytes")
        #expect(
            client.post("{\"\(long)\":1}").error?.hasPrefix("the body has an unknown key \(shown); the known keys")
                == true)
        #expect(
            client.post("{\"model\":\"\(long)\"}").error?.hasPrefix("there is no model \(shown); the served models")
                == true)
    }

    @Test("a name cannot pass for others, whatever bytes it has")
    func signatures() {
        let fetches = #"["w1","w2","w1:0","w2:0"]"#
        #expect(client.post("{\"feeds\":{\"w1\":1,\"w2\":2},\"fetches\":\(fetches)}").status == 200)
        for name in [#"\u0001\u0000"#, #"\u0000\u0002\u0000\u0000\u0000w1"#, #"w2\u0001\u0000\u0002"#] {
            #expect(client.post("{\"feeds\":{\"w1\":1,\"w2\":2,\"\(name)\":3}}").status == 404)
            #expect(client.post("{\"feeds\":{\"w1\":1,\"w2\":2},\"fetches\":[\"\(name)\"]}").status == 404)
        }
    }

    @Test("an answer that nobody can want as JSON is refused before it is written")
    func amplification() {
        let column = "[" + repeatElement("[1]", count: 9000).joined(separator: ",") + "]"
        let row = "[[" + repeatElement("1", count: 9000).joined(separator: ",") + "]]"
        #expect(
            client.post("{\"feeds\":{\"w1\":\(column),\"w2\":\(row)}}").error
                == "output \"op_to_restore:0\" of shape [9000,9000] is too long for a JSON response: fetch less at once"
        )
        let emptyColumn = "[" + repeatElement("[[]]", count: 9000).joined(separator: ",") + "]"
        let emptyRow = "[[" + repeatElement("[]", count: 9000).joined(separator: ",") + "]]"
        #expect(client.post("{\"feeds\":{\"w1\":\(emptyColumn),\"w2\":\(emptyRow)}}").status == 400)
    }

    @Test("a shape that the placeholder has not, and a feed that is missing")
    func shapes() {
        func error(_ feeds: String) -> String? {
            client.post("{\"feeds\":{\(feeds)}}", "/models/digits/predict").error
        }
        let expected = "feed \"x:0\": expected float32 [?,64], got float32 "
        #expect(error(#""x":[[1,2]],"keep_prob":1"#) == expected + "[1,2]")
        #expect(error(#""x":[],"keep_prob":1"#) == expected + "[0]")
        #expect(error(#""x":1,"keep_prob":1"#) == expected + "[]")
        let hint =
            "; \"keep_prob:0\" is usually 1 for predictions: feed that, or start with --default keep_prob:0=1"
        #expect(error(#""x":[[1,2]]"#) == "the fetches need a feed for \"keep_prob:0\" (float32 [])" + hint)
        #expect(
            error("") == "the fetches need a feed for \"x:0\" (float32 [?,64]), \"keep_prob:0\" (float32 [])" + hint)
    }

    @Test("integers must be integers that the dtype has")
    func integers() throws {
        func error(_ value: String) -> String? {
            client.post("{\"feeds\":{\"labels\":[\(value)]},\"fetches\":[\"labels\"]}", "/models/digits/predict").error
        }
        #expect(error("1") == nil)
        #expect(error("2.0") == nil)
        #expect(error("3.7") == "feed \"labels\": 3.7 at [0] is not a valid int64")
        #expect(
            error("9223372036854775808")
                == "feed \"labels\": 9223372036854775808 at [0] is not a valid int64")
        #expect(error("\"1\"") == "feed \"labels\": expected int64 at [0], got a string")
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
            refused.error == "output \"op_to_restore:0\" has NaN or infinite values, which --nan error forbids")
    }

    @Test("no model named, and none is the default")
    func noDefault() throws {
        let response = try Client(defaultName: nil).post(#"{"feeds":{}}"#)
        #expect(response.status == 400)
        #expect(
            response.error
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
        for type in ["multipart/mixed; boundary=x", "video/mp4", "application/ZIP"] {
            let answer = client.send(.post, "/predict", body, type: type)
            #expect(answer.status == 415)
            #expect(answer.error?.hasSuffix("is not supported here: send application/json") == true)
        }
    }
}
