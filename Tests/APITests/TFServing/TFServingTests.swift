import API
import Foundation
import HTTPMessages
import Serving
import Testing
import VectorSupport

/// TF Serving's REST protocol: what its own servers answer, without sockets.
@Suite("TF Serving")
struct TFServingTests {
    let client: Client

    init() throws { client = try Client(SignatureModel.load()) }

    private func predict(_ body: String, _ path: String = "/v1/models/sig:predict") -> Client.Response {
        client.post(body, path)
    }

    private static let row = #"{"a":[1,2],"number":3,"text":"x"}"#

    // MARK: Rows

    @Test(
        "instances of one input are values or lists, its answer has no name",
        arguments: [
            (#"{"signature_name":"one","instances":[[1,2],[3,4.5]]}"#, #"{"predictions":[[2.0,4.0],[6.0,9.0]]}"#),
            (#"{"instances":["x",{"b64":"/w=="}],"signature_name":"words"}"#, #"{"predictions":["x",{"b64":"/w=="}]}"#),
            (#"{"instances":[{"text":"x"},{"text":"y"}],"signature_name":"words"}"#, #"{"predictions":["x","y"]}"#),
            (#"{"signature_name":"one","instances":[{"a":[1,2]}],"other":[1,{}]}"#, #"{"predictions":[[2.0,4.0]]}"#),
        ])
    func plainRows(body: String, response: String) {
        #expect(predict(body).body == response)
    }

    @Test("instances of several inputs are objects, and so are the predictions; what has a default may be left out")
    func objectRows() {
        let response = predict(#"{"instances":[\#(Self.row),{"text":"","a":[0,-1],"number":4}]}"#)
        #expect(
            response.body
                == #"{"predictions":[{"number":3,"scaled":[2.0,4.0],"text":"x","text_bytes":{"b64":"eA=="}},"#
                + #"{"number":4,"scaled":[0.0,-2.0],"text":"","text_bytes":{"b64":""}}]}"#)
        let scaled = predict(#"{"instances":[{"scale":[3,4],"a":[1,2],"number":3,"text":"x"}]}"#)
        #expect(scaled.body.hasPrefix(#"{"predictions":[{"number":3,"scaled":[3.0,8.0],"#), "\(scaled.body)")
    }

    @Test("keys may come in another order in each row")
    func orders() throws {
        var random = SplitMix(state: 5)
        let rows = (0..<500).map { row in
            let keys = ["\"a\":[\(row),0.5]", "\"number\":\(-row)", "\"text\":\"\(row)\""].shuffled(using: &random)
            return "{\(keys.joined(separator: ","))}"
        }
        let response = predict(#"{"instances":[\#(rows.joined(separator: ", "))]}"#)
        let object = try #require(JSONSerialization.jsonObject(with: Data(response.body.utf8)) as? [String: Any])
        let predictions = try #require(object["predictions"] as? [[String: Any]])
        #expect(predictions.count == 500)
        for (row, prediction) in predictions.enumerated() {
            #expect(prediction["number"] as? Int == -row)
            #expect(prediction["scaled"] as? [Double] == [Double(2 * row), 1])
            #expect(prediction["text"] as? String == "\(row)")
        }
    }

    private static func element(_ number: Int, _ rest: String) -> String {
        "Failed to process element: \(number)\(rest)"
    }

    @Test(
        "rows that do not fit, word for word",
        arguments: [
            (#"[]"#, "No values in 'instances' array"), (#"{"a":1}"#, "Excepting 'instances' to be an list/array"),
            (
                "[1]",
                "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
                    + "tensorinfo_map: a,number,scale,text"
            ),
            (
                #"[{"a":[1,2],"number":1}]"#,
                element(0, " of 'instances' list. JSON object keys must be equal to: a,number,scale,text")
            ),
            (
                #"[\#(row),{"a":[1,2],"number":1}]"#,
                element(1, " of 'instances' list. JSON object keys must be equal to: a,number,text")
            ),
            (
                #"[\#(row),{"a":[1,2],"number":1,"text":"","scale":1}]"#,
                element(1, " of 'instances' list. JSON object keys must be equal to: a,number,text")
            ),
            (
                #"[\#(row),{"a":[1,2],"wrong":1,"text":""}]"#,
                element(
                    1,
                    " key: wrong of 'instances' list. Error: JSON object: does not have named input: wrong; "
                        + "expected a,number,scale,text")
            ),
            (
                #"[{"a":[1,2],"a":[1,2],"number":1,"text":""}]"#,
                element(0, " key: a of 'instances' list. Error: the key is given twice")
            ),
            (
                #"[\#(row),{"a":[1,2],"number":1,"number":1}]"#,
                element(1, " key: number of 'instances' list. Error: the key is given twice")
            ),
            (#"[\#(row),[1]]"#, "Expecting object but got a list at item 1 of input list"),
            (#"[\#(row),{"b64":"eA=="}]"#, "Expecting object but got an object at item 1 of input list"),
            (
                #"[\#(row),{"a":[1,2,3],"number":1,"text":""}]"#,
                element(1, " key: a of 'instances' list. Error: input \"a\": expected a list of 2, got a list of 3")
            ),
            (
                #"[\#(row),{"a":[1,"2"],"number":1,"text":""}]"#,
                element(1, " key: a of 'instances' list. Error: input \"a\": expected float32 at [1], got a string")
            ),
            (
                #"[{"a":[[1,2],[3]],"number":1,"text":""}]"#,
                element(
                    0, " key: a of 'instances' list. Error: input \"a\": expected a list of 2 at [1], got a list of 1")
            ),
            (
                #"[{"a":[1,2],"number":1.5,"text":""}]"#,
                element(
                    0, " key: number of 'instances' list. Error: input \"number\": 1.5 is not a valid int32")
            ),
        ])
    func wrongRows(instances: String, error: String) {
        let response = predict(#"{"instances":\#(instances)}"#)
        #expect(response.status == 400)
        #expect(response.error == error)
    }

    @Test("a first row that promises more than there is costs no memory")
    func greedyRow() {
        let long = "[" + repeatElement("0", count: 40_000).joined(separator: ",") + "]"
        let short = repeatElement(#",{"a":[],"number":1,"text":""}"#, count: 40_000).joined()
        let response = predict(#"{"instances":[{"a":\#(long),"number":1,"text":""}\#(short)]}"#)
        #expect(response.status == 400)
        #expect(
            response.error
                == Self.element(
                    1, " key: a of 'instances' list. Error: input \"a\": expected a list of 40000, got a list of 0"))
    }

    @Test("predictions need a first dimension that all outputs have")
    func rowResponses() {
        let scalar = predict(#"{"signature_name":"scalar","instances":[[1,2]]}"#)
        #expect(scalar.status == 400)
        #expect(
            scalar.error
                == "Tensor name: two has no shape information: a scalar has no rows, so send \"inputs\" instead of \"instances\""
        )
        let columns = predict(#"{"signature_name":"scalar","inputs":[[1,2]]}"#)
        #expect(columns.body == #"{"outputs":{"scaled":[[2.0,4.0]],"two":2.0}}"#)
        let uneven = predict(#"{"signature_name":"uneven","inputs":{"a":[[1,2]],"number":[1,2,3]}}"#)
        #expect(uneven.body == #"{"outputs":{"number":[1,2,3],"scaled":[[2.0,4.0]]}}"#)
    }

    // MARK: Columns

    @Test(
        "inputs are whole tensors, the answer's too",
        arguments: [
            (#"{"signature_name":"one","inputs":[[1,2]]}"#, #"{"outputs":[[2.0,4.0]]}"#),
            (#"{"signature_name":"one","inputs":{"a":[[1,2]],"more":{"x":[]}}}"#, #"{"outputs":[[2.0,4.0]]}"#),
            (
                #"{"inputs":{"text":["x"],"a":[[1,2]],"number":[3],"scale":10}}"#,
                #"{"outputs":{"number":[3],"scaled":[[10.0,20.0]],"text":["x"],"text_bytes":[{"b64":"eA=="}]}}"#
            ),
            (
                #"{"inputs":{"text":["x"],"a":[[1,2]],"number":[3],"a":[[5,5]]}}"#,
                #"{"outputs":{"number":[3],"scaled":[[2.0,4.0]],"text":["x"],"text_bytes":[{"b64":"eA=="}]}}"#
            ),
        ])
    func columns(body: String, response: String) {
        #expect(predict(body).body == response)
    }

    @Test(
        "bodies that do not fit, word for word",
        arguments: [
            ("", "the body is empty; expected a JSON object"),
            ("[1]", "the body is a list; expected an object with \"instances\" or \"inputs\""),
            ("{}", "Missing 'inputs' or 'instances' key"),
            (
                #"{"instances":[1],"inputs":[1]}"#,
                "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist"
            ),
            (#"{"signature_name":1,"inputs":[]}"#, "'signature_name' key must be a string value."),
            (
                #"{"signature_name":"nope","inputs":[]}"#,
                "Serving signature name: \"nope\" not found in signature def; \"signature_name\" can be \"none\", "
                    + "\"one\", \"scalar\", \"serving_default\", \"uneven\", \"words\""
            ),
            (#"{"signature_name":"none","inputs":[]}"#, "Failed to get input map for signature: none"),
            (
                #"{"inputs":[1]}"#,
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                    + "tensorinfo_map: a,number,scale,text"
            ),
            (#"{"inputs":{"a":[[1,2]],"text":["x"]}}"#, "Missing named input: number in 'inputs' object."),
            (
                #"{"signature_name":"one","inputs":[[1,2],[3]]}"#,
                "input \"a\": expected a list of 2 at [1], got a list of 1"
            ),
            (
                #"{"signature_name":"one","instances":[[1,2],[3]]}"#,
                "input \"a\": expected a list of 2 at [1], got a list of 1"
            ),
            (
                #"{"signature_name":"one","inputs":[1,2]}"#,
                "feed \"in_a:0\": expected float32 [?,2], got float32 [2]"
            ),
        ])
    func wrongBodies(body: String, error: String) {
        let response = predict(body)
        #expect(response.status == 400)
        #expect(response.error?.hasPrefix(error) == true, "\(response.body)")
        #expect(predict(#"{"signature_name":"one","inputs":[[1,2]]}"#).status == 200)
    }

    @Test(
        "NaN and infinities may stand without quotes, as Python's json writes them, and are answered so if the server is told to"
    )
    func specials() throws {
        let body =
            #"{"signature_name":"one","instances":[[NaN,-Infinity],["Infinity",100000000000000000000],[-1,Infinity ]]}"#
        #expect(
            predict(body).body
                == #"{"predictions":[["NaN","-Infinity"],["Infinity",2e+20],[-2.0,"Infinity"]]}"#)
        let client = try Client(SignatureModel.load(), nan: .token)
        #expect(
            client.post(body, "/v1/models/sig:predict").body
                == #"{"predictions":[[NaN,-Infinity],[Infinity,2e+20],[-2.0,Infinity]]}"#)
        for wrong in ["nan", "-NaN", "Infinit", "NaNs", "Infinity1", "-Infinity1", "--Infinity", "1NaN"] {
            let response = predict(#"{"signature_name":"one","instances":[[1,\#(wrong)]]}"#)
            #expect(response.status == 400, "\(wrong): \(response.body)")
        }
        let own = predict(#"{"feeds":{"in_a":[[NaN,-Infinity]]},"fetches":["scaled"]}"#, "/predict")
        #expect(own.body.hasPrefix(#"{"outputs":{"scaled":[["NaN","-Infinity"]]}"#))
        let v2 = predict(
            #"{"inputs":[{"name":"in_a","shape":[1,2],"datatype":"FP32","data":[NaN,Infinity]}],"outputs":[{"name":"scaled"}]}"#,
            "/v2/models/sig/infer")
        #expect(v2.body.contains(#""shape":[1,2],"data":["NaN","Infinity"]"#))
    }

    // MARK: Names

    @Test("a graph without signatures has names without :0, and what its outputs need for inputs")
    func withoutSignature() throws {
        let client = try Client()
        let metadata = client.get("/v1/models/digits/metadata").body
        #expect(metadata.hasPrefix(#"{"model_spec":{"name":"digits","signature_name":"","version":"3000"}"#))
        #expect(metadata.contains(#""x":{"dtype":"DT_FLOAT""#), "\(metadata)")
        #expect(!metadata.contains(#""labels""#), "\(metadata)")
        let response = client.post(#"{"instances":[{"w1":1,"w2":2},{"w2":3,"w1":4}]}"#, "/v1/models/tutorial:predict")
        #expect(response.body == #"{"predictions":[6.0,14.0]}"#)
        let columns = client.post(#"{"inputs":{"w1":1,"w2":[2,3]}}"#, "/v1/models/tutorial/versions/1000:predict")
        #expect(columns.body == #"{"outputs":[6.0,8.0]}"#)
    }

    @Test("answers are those of /predict, to the bit")
    func agreement() throws {
        var defaults = DefaultValues()
        defaults.values = ["keep_prob": 1.0]
        let client = try Client(Model(contentsOf: Fixtures.model("digits"), defaults: defaults))
        var random = SplitMix(state: 9)
        let rows = (0..<7).map { _ in
            "[" + (0..<64).map { _ in "\(Float.random(in: 0...1, using: &random))" }.joined(separator: ",") + "]"
        }
        func json(_ response: Client.Response) throws -> [String: Any] {
            try #require(
                JSONSerialization.jsonObject(with: Data(response.body.utf8)) as? [String: Any], "\(response.body)")
        }
        let all = "[\(rows.joined(separator: ","))]"
        let own = try #require(try json(client.post(#"{"feeds":{"x":\#(all)}}"#))["outputs"] as? [String: Any])
        let plain = try json(client.post(#"{"instances":\#(all)}"#, "/v1/models/digits:predict"))
        let objects = rows.map { "{\"x\":\($0)}" }.joined(separator: ",")
        let named = try json(client.post(#"{"instances":[\#(objects)]}"#, "/v1/models/digits:predict"))
        let columns = try json(client.post(#"{"inputs":{"x":\#(all)}}"#, "/v1/models/digits:predict"))
        #expect(plain["predictions"] as? NSArray == named["predictions"] as? NSArray)
        let predictions = try #require(plain["predictions"] as? [[String: Any]])
        let outputs = try #require(columns["outputs"] as? [String: Any])
        #expect(own.count > 1)
        for (tensor, value) in own {
            let name = String(tensor.dropLast(2))
            #expect(outputs[name] as? NSObject == value as? NSObject, "\(name)")
            #expect(predictions.map { $0[name] as? NSObject } == (value as? [NSObject])?.map { $0 }, "\(name)")
        }
    }

    @Test("a SavedModel of TensorFlow 2 by its signatures, as TensorFlow answers")
    func tensorFlow() throws {
        let client = try Client(Model(contentsOf: Fixtures.path("files/saved_model_2")))
        let path = "/v1/models/saved_model_2:predict"
        let expected = "[[16.0,1.0],[7.5,-13.0]]"
        #expect(client.post(#"{"instances":[[1,2],[-3,0.5]]}"#, path).body == #"{"predictions":\#(expected)}"#)
        #expect(
            client.post(#"{"instances":[{"x":[1,2]},{"x":[-3,0.5]}]}"#, path).body == #"{"predictions":\#(expected)}"#)
        #expect(client.post(#"{"inputs":{"x":[[1,2],[-3,0.5]]}}"#, path).body == #"{"outputs":\#(expected)}"#)
    }

    // MARK: Chance

    @Test("broken bodies", arguments: [51, 52] as [UInt64])
    func fuzz(seed: UInt64) {
        var random = SplitMix(state: seed)
        let bodies = [
            #"{"instances":[\#(Self.row),{"text":{"b64":"eA=="},"number":-1,"a":[0.5,1e3]}],"signature_name":"serving_default"}"#,
            #"{"signature_name":"one","instances":[[1,2],[3,4.5],[-1e3,0]]}"#,
            #"{"inputs":{"text":["x"],"a":[[1,2]],"number":[3],"scale":10}}"#,
        ].map { Array($0.utf8) }
        for body in bodies {
            #expect(client.send(.post, "/v1/models/sig:predict", body).status == 200)
            for _ in 0..<2000 {
                let changed = Mutation.apply(to: body, using: &random)
                let response = client.send(.post, "/v1/models/sig:predict", changed)
                #expect(
                    response.status == 200 || response.status == 400 && response.error != nil,
                    "seed \(seed): \(String(decoding: changed, as: UTF8.self)): \(response.body)")
            }
        }
        for _ in 0..<2000 {
            let path = Mutation.apply(to: Array("/v1/models/sig/versions/1:predict".utf8), using: &random)
            #expect(
                [200, 400, 404, 405, 501].contains(client.send(.post, path: path, bodies[0]).status), "seed \(seed)")
        }
    }
}
