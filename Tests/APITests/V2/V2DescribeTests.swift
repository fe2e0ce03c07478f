import Serving
import Testing
import VectorSupport

@Suite("Open Inference Protocol: what is served")
struct V2DescribeTests {
    let client: V2Client

    init() throws { client = V2Client(try Client()) }

    @Test("the server and its extensions")
    func server() {
        #expect(
            client.get("/v2").text
                == #"{"name":"metaserve","version":"dev","extensions":["binary_tensor_data","classification","model_configuration","model_repository","statistics"]}"#
        )
    }

    @Test("a model's inputs and outputs; an unknown rank is a list of any length, a scalar a list of one")
    func metadata() {
        #expect(
            client.get("/v2/models/tutorial").text
                == #"{"name":"tutorial","versions":["1000"],"platform":"tensorflow_graphdef","inputs":[{"name":"w1:0","datatype":"FP32","shape":[-1]},{"name":"w2:0","datatype":"FP32","shape":[-1]}],"outputs":[{"name":"op_to_restore:0","datatype":"FP32","shape":[-1]}]}"#
        )
        #expect(client.get("/v2/models/digits").text == client.get("/v2/models/digits/versions/3000").text)
        #expect(
            client.get("/v2/models/digits").text
                == #"{"name":"digits","versions":["3000"],"platform":"tensorflow_graphdef","inputs":[{"name":"x:0","datatype":"FP32","shape":[-1,64]},{"name":"keep_prob:0","datatype":"FP32","shape":[1]}],"outputs":[{"name":"logits:0","datatype":"FP32","shape":[-1,10]},{"name":"probs:0","datatype":"FP32","shape":[-1,10]},{"name":"class:0","datatype":"INT64","shape":[-1]}]}"#
        )
    }

    @Test("ready")
    func ready() {
        #expect(client.get("/v2/models/digits/ready").text == #"{"name":"digits","ready":true}"#)
        #expect(client.get("/v2/models/digits/versions/3000/ready").status == 200)
        #expect(
            client.get("/v2/models/digits/versions/7/ready").error
                == "model \"digits\" has no version 7 loaded; the loaded versions are 3000")
        #expect(client.get("/v2/models/nope/ready").status == 404)
        #expect(client.get("/v2/models/digits/versions/x").error == "version \"x\" is not a number")
    }

    @Test("the configuration that Triton's clients read")
    func configuration() {
        #expect(
            client.get("/v2/models/tutorial/config").text
                == #"{"name":"tutorial","platform":"tensorflow_graphdef","backend":"metaserve","max_batch_size":0,"input":[{"name":"w1:0","data_type":"TYPE_FP32","dims":[-1],"optional":false},{"name":"w2:0","data_type":"TYPE_FP32","dims":[-1],"optional":false}],"output":[{"name":"op_to_restore:0","data_type":"TYPE_FP32","dims":[-1]}]}"#
        )
        #expect(
            client.get("/v2/models/digits/config").text
                == #"{"name":"digits","platform":"tensorflow_graphdef","backend":"metaserve","max_batch_size":0,"input":[{"name":"x:0","data_type":"TYPE_FP32","dims":[-1,64],"optional":false},{"name":"keep_prob:0","data_type":"TYPE_FP32","dims":[1],"optional":false}],"output":[{"name":"logits:0","data_type":"TYPE_FP32","dims":[-1,10]},{"name":"probs:0","data_type":"TYPE_FP32","dims":[-1,10]},{"name":"class:0","data_type":"TYPE_INT64","dims":[-1]}]}"#
        )
    }

    @Test("a signature's names are the model's, and the graph's are known too")
    func signature() throws {
        let client = V2Client(try Client(Model(contentsOf: Fixtures.path("files/saved_model_2"))))
        #expect(
            client.get("/v2/models/saved_model_2").text
                == #"{"name":"saved_model_2","versions":["1"],"platform":"tensorflow_savedmodel","inputs":[{"name":"x","datatype":"FP32","shape":[-1,2]}],"outputs":[{"name":"out","datatype":"FP32","shape":[-1,2]}]}"#
        )
        #expect(
            client.get("/v2/models/saved_model_2/config").text
                == #"{"name":"saved_model_2","platform":"tensorflow_savedmodel","backend":"metaserve","max_batch_size":32,"input":[{"name":"x","data_type":"TYPE_FP32","dims":[2],"optional":false}],"output":[{"name":"out","data_type":"TYPE_FP32","dims":[2]}]}"#
        )
        func infer(_ name: String, _ outputs: String = "") -> V2Client.Response {
            client.infer(
                "saved_model_2",
                #"{"inputs":[{"name":"\#(name)","shape":[1,2],"datatype":"FP32","data":[1,2]}]\#(outputs)}"#)
        }
        let response = infer("x")
        #expect(response.status == 200)
        #expect(response.text.contains(#""outputs":[{"name":"out","datatype":"FP32","shape":[1,2],"data":["#))
        #expect(infer("serving_default_x").text == response.text)
        #expect(infer("x", #","outputs":[{"name":"out"}]"#).text == response.text)
        #expect(infer("y").status == 400)
    }
}
