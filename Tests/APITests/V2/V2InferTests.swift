import Testing

@Suite("Open Inference Protocol: inference in JSON")
struct V2InferTests {
    let client: V2Client

    init() throws { client = V2Client(try Client()) }

    private static let two =
        #"{"name":"w1","shape":[2],"datatype":"FP32","data":[1,2]},{"name":"w2:0","shape":[2],"datatype":"FP32","data":[3,4]}"#

    @Test("the id comes back, names may be with or without :0, an output is called as it was asked for")
    func tutorial() {
        let response = client.infer(
            "tutorial", #"{"id":"a\"1","inputs":[\#(Self.two)],"outputs":[{"name":"op_to_restore"}]}"#)
        #expect(response.status == 200)
        #expect(response.contentType == "application/json")
        #expect(
            response.text
                == #"{"id":"a\"1","model_name":"tutorial","model_version":"1000","outputs":[{"name":"op_to_restore","datatype":"FP32","shape":[2],"data":[8.0,12.0]}]}"#
        )
        #expect(
            client.infer("tutorial", #"{"inputs":[\#(Self.two)],"outputs":null,"id":null,"parameters":null}"#).text
                == #"{"model_name":"tutorial","model_version":"1000","outputs":[{"name":"op_to_restore:0","datatype":"FP32","shape":[2],"data":[8.0,12.0]}]}"#
        )
        #expect(client.infer("tutorial/versions/1000", #"{"inputs":[\#(Self.two)]}"#).status == 200)
        #expect(client.infer("tutorial/versions/1", #"{"inputs":[\#(Self.two)]}"#).status == 404)
        #expect(client.infer("nope", #"{"inputs":[\#(Self.two)]}"#).status == 404)
    }

    @Test("data is one list or lists of lists; scalars, and shapes without elements")
    func shapes() {
        func data(_ shape: String, _ data: String) -> String {
            client.infer(
                "tutorial",
                #"{"inputs":[{"name":"w1","shape":\#(shape),"datatype":"FP32","data":\#(data)},{"name":"w2","shape":[],"datatype":"FP32","data":[1]}]}"#
            ).text
        }
        let flat = data("[2,2]", "[1,2,3,4]")
        #expect(flat.hasSuffix(#""shape":[2,2],"data":[4.0,6.0,8.0,10.0]}]}"#), "\(flat)")
        #expect(data("[2,2]", "[[1,2],[3,4]]") == flat)
        #expect(data("[]", "5").hasSuffix(#""shape":[],"data":[12.0]}]}"#))
        #expect(data("[]", "[5]").hasSuffix(#""shape":[],"data":[12.0]}]}"#))
        #expect(data("[0,7]", "[]").hasSuffix(#""shape":[0,7],"data":[]}]}"#))
        #expect(data("[2,0]", "[[],[]]").hasSuffix(#""shape":[2,0],"data":[]}]}"#))
        #expect(data("[1]", #"["NaN"]"#).hasSuffix(#""data":["NaN"]}]}"#))
    }

    @Test(
        "what is wrong with an input",
        arguments: [
            (#""shape":[1],"datatype":"INT32","data":[1]"#, "input \"w1\": expected datatype FP32, got INT32"),
            (#""shape":[1],"datatype":"float","data":[1]"#, "input \"w1\": expected datatype FP32, got float"),
            (#""shape":[2,2],"datatype":"FP32","data":[1]"#, "input \"w1\": shape [2,2] has 4 elements, got 1"),
            (
                #""shape":[2,2],"datatype":"FP32","data":[[1,2],[3]]"#,
                "input \"w1\": expected a list of 2 at [1], got a list of 1"
            ),
            (
                #""shape":[1000000,1000000],"datatype":"FP32","data":[[1,2],[3]]"#,
                "input \"w1\": shape [1000000,1000000] has 1000000000000 elements, got nested lists with fewer"
            ),
            (
                #""shape":[4294967296,4294967296,0],"datatype":"FP32","data":[]"#,
                "input \"w1\": shape [4294967296,4294967296,0] is too large"
            ),
            (#""shape":[-1],"datatype":"FP32","data":[]"#, "input \"w1\": its shape has -1; expected sizes"),
            (#""shape":[1.5],"datatype":"FP32","data":[]"#, "input \"w1\": its shape has 1.5; expected sizes"),
            (#""shape":["1"],"datatype":"FP32","data":[]"#, "input \"w1\": its shape has a string; expected sizes"),
            (#""shape":1,"datatype":"FP32","data":[]"#, "the shape of inputs[0] is a number; expected a list of sizes"),
            (#""shape":[1],"datatype":"FP32","data":7"#, "input \"w1\": its data is a number; expected a list"),
            (
                #""shape":[2],"datatype":"FP32","data":[7,"x"]"#,
                "input \"w1\": expected float32 at [1], got a string"
            ),
            (
                #""shape":[1],"datatype":"FP32","data":[1e39]"#,
                "input \"w1\": 1e+39 at [0] is not a valid float32"
            ),
            (#""shape":[1],"datatype":"FP32""#, "input \"w1\" has no \"data\""),
            (#""shape":[1],"data":[1]"#, "input \"w1\" has no \"datatype\""),
            (#""datatype":"FP32","data":[1]"#, "input \"w1\" has no \"shape\""),
            (#""datatype":3"#, "the datatype of inputs[0] is a number; expected a string"),
            (
                #""shape":[1],"datatype":"FP32","parameters":{"shared_memory_region":"r"}"#,
                "inputs[0] is in shared memory, which is not supported: send \"data\" or binary data"
            ),
            (#""name":"w1""#, "inputs[0] has the key \"name\" twice"),
        ])
    func input(rest: String, error: String) {
        let response = client.infer(
            "tutorial",
            #"{"inputs":[{"name":"w1",\#(rest)},{"name":"w2","shape":[],"datatype":"FP32","data":[1]}]}"#)
        #expect(response.status == 400)
        #expect(response.error == error)
    }

    @Test(
        "what is wrong with the rest",
        arguments: [
            ("", "the body is empty; expected a JSON object with \"inputs\""),
            ("[]", "the body is a list; expected an object with \"inputs\""),
            ("{}", "the body has no \"inputs\""),
            (#"{"inputs":{}}"#, "\"inputs\" is an object; expected a list"),
            (#"{"inputs":[3]}"#, "inputs[0] is a number; expected an object"),
            (#"{"inputs":[{}]}"#, "inputs[0] has no \"name\""),
            (#"{"inputs":[{"name":1}]}"#, "the name of inputs[0] is a number; expected a string"),
            (#"{"inputs":[],"id":1}"#, "\"id\" is a number; expected a string"),
            (#"{"inputs":[],"parameters":[]}"#, "\"parameters\" is a list; expected an object"),
            (
                #"{"inputs":[],"parameters":{"binary_data_output":1}}"#,
                "\"binary_data_output\" is a number; expected true or false"
            ),
            (#"{"inputs":[],"outputs":[{"name":"a"},{"name":"a"}]}"#, "\"outputs\" has \"a\" twice"),
            (#"{"inputs":[],"outputs":[{}]}"#, "outputs[0] has no \"name\""),
            (
                #"{"inputs":[],"outputs":[{"name":"op_to_restore"}]}"#,
                "the fetches need a feed for \"w1:0\" (float32 <unknown>), \"w2:0\" (float32 <unknown>)"
            ),
            (
                #"{"inputs":[{"name":"w","shape":[1],"datatype":"FP32","data":[1]}]}"#,
                "feed \"w\": the graph of model \"tutorial\" has no such tensor; the nearest are \"w1\", \"w2\""
            ),
            (
                #"{"inputs":[\#(two)],"outputs":[{"name":"save/Const"}]}"#,
                "fetch \"save/Const\" is refused: it belongs to the saving and restoring of checkpoints"
            ),
            (
                #"{"inputs":[],"outputs":[{"name":"y","parameters":{"classification":-1}}]}"#,
                "\"classification\" of outputs[0] is -1; expected a number of classes"
            ),
        ])
    func body(text: String, error: String) {
        let response = client.infer("tutorial", text)
        #expect(response.status == 400)
        #expect(response.error == error)
    }

    @Test("the shape that the graph knows is expected")
    func knownShape() {
        let response = client.infer(
            "digits",
            #"{"inputs":[{"name":"x","shape":[1,63],"datatype":"FP32","data":[]},{"name":"keep_prob","shape":[],"datatype":"FP32","data":[1]}]}"#
        )
        #expect(response.error == "input \"x\": expected shape [-1,64], got [1,63]")
        func scalar(_ shape: String, _ data: String) -> V2Client.Response {
            client.infer(
                "digits",
                #"{"inputs":[{"name":"x","shape":[0,64],"datatype":"FP32","data":[]},{"name":"keep_prob","shape":\#(shape),"datatype":"FP32","data":\#(data)}]}"#
            )
        }
        #expect(scalar("[]", "[1]").status == 200)
        #expect(scalar("[1]", "[1]").status == 200)
        #expect(scalar("[1,1]", "[1]").error == "input \"keep_prob\": expected shape [], got [1,1]")
    }

    @Test("the classes with the highest scores")
    func classification() {
        let pixels = (0..<128).map { "\($0 % 16)" }.joined(separator: ",")
        func classes(_ outputs: String) -> V2Client.Response {
            client.infer(
                "digits",
                #"{"inputs":[{"name":"x","shape":[2,64],"datatype":"FP32","data":[\#(pixels)]},{"name":"keep_prob","shape":[],"datatype":"FP32","data":[1]}],"outputs":[\#(outputs)]}"#
            )
        }
        let response = classes(#"{"name":"probs","parameters":{"classification":2}},{"name":"probs:0"}"#)
        let outputs = response.object["outputs"] as? [[String: Any]]
        #expect(outputs?[0]["datatype"] as? String == "BYTES")
        #expect(outputs?[0]["shape"] as? [Int] == [2, 2])
        let texts = outputs?[0]["data"] as? [String] ?? []
        let scores = outputs?[1]["data"] as? [Double] ?? []
        #expect(texts.count == 4)
        let best = scores.prefix(10).indices.max { scores[$0] < scores[$1] }
        #expect(texts.first == best.map { "\(Float(scores[$0])):\($0)" })
        let many = classes(#"{"name":"class","parameters":{"classification":1000000}}"#)
        #expect((many.object["outputs"] as? [[String: Any]])?[0]["shape"] as? [Int] == [2])
    }
}
