import Foundation
import HTTPMessages
import Serving
import Testing
import VectorSupport

/// What requests call inputs and outputs: the keys of a signature, with the graph's tensors beside them.
@Suite("Names of a signature")
struct SignatureNameTests {
    private let client: Client

    init() throws { client = try Client(SignatureModel.load()) }

    private func v2(_ json: String, binary: [UInt8]? = nil) -> V2Client.Response {
        V2Client(client).infer("sig", json, binary: binary)
    }

    private func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test("GET /models/NAME has the default signature's keys, with the tensors beside them, and all signatures")
    func described() throws {
        let model = try object(client.get("/models/sig").body)
        let inputs = try #require(model["inputs"] as? [[String: Any]])
        #expect(inputs.map { $0["name"] as? String } == ["a", "number", "scale", "text"])
        #expect(inputs.map { $0["tensor"] as? String } == ["in_a:0", "in_number:0", "in_scale:0", "in_text:0"])
        #expect(inputs[2]["default"] as? Double == 2)
        let outputs = try #require(model["outputs"] as? [[String: Any]])
        #expect(outputs.map { $0["name"] as? String } == ["number", "scaled", "text", "text_bytes"])
        #expect(model["signature"] as? String == "serving_default")
        let signatures = try #require(model["signatures"] as? [[String: Any]])
        #expect(
            signatures.map { $0["name"] as? String } == ["none", "one", "scalar", "serving_default", "uneven", "words"])
        let words = try #require(signatures.last)
        #expect((words["inputs"] as? [[String: Any]])?.first?["tensor"] as? String == "in_text:0")
        #expect((words["outputs"] as? [[String: Any]])?.first?["name"] as? String == "out")
    }

    @Test("a graph without signatures has its tensors' names, and nothing beside them")
    func plain() throws {
        let body = try Client().get("/models/tutorial").body
        #expect(body.contains(#""inputs":[{"name":"w1:0","dtype":"float32","shape":null,"source":"guessed"}"#))
        #expect(!body.contains("\"signature"))
    }

    @Test("/predict takes keys and tensors, and answers by what was asked for; without fetches by the signature's keys")
    func predict() throws {
        let all = client.post(#"{"feeds":{"a":[[1,2]],"number":[3],"text":["x"]}}"#)
        #expect(
            all.body.hasPrefix(
                #"{"outputs":{"number":[3],"scaled":[[2.0,4.0]],"text":["x"],"text_bytes":["x"]},"model":"#))
        let mixed = client.post(#"{"feeds":{"in_a:0":[[1,2]],"scale":3},"fetches":["scaled:0","scaled","two"]}"#)
        #expect(mixed.body.hasPrefix(#"{"outputs":{"scaled:0":[[3.0,6.0]],"scaled":[[3.0,6.0]],"two":2.0}"#))
    }

    @Test("a key comes before a tensor of the same name")
    func precedence() throws {
        // "number" is a key for the tensor in_number:0, and a node that hands it on.
        let response = client.post(#"{"feeds":{"number":[3]},"fetches":["in_number:0","number"]}"#)
        #expect(response.body.hasPrefix(#"{"outputs":{"in_number:0":[3],"number":[3]}"#))
        let node = client.post(#"{"feeds":{"number:0":[4]},"fetches":["number"]}"#)
        #expect(node.body.hasPrefix(#"{"outputs":{"number":[4]}"#))
    }

    @Test("names that nobody has: the nearest keys come first, then the nearest tensors")
    func nearest() {
        let feed = client.post(#"{"feeds":{"numbr":[3]}}"#)
        #expect(feed.status == 404)
        #expect(
            feed.error
                == #"feed "numbr": signature "serving_default" of model "sig" has no such input, and the graph has no such tensor; the nearest are "number""#
        )
        let fetch = client.post(#"{"feeds":{"a":[[1,2]]},"fetches":["scled"]}"#)
        #expect(
            fetch.error?.hasSuffix(#"has no such output, and the graph has no such tensor; the nearest are "scaled""#)
                == true)
        let missing = client.post(#"{"feeds":{},"fetches":["scaled"]}"#)
        #expect(missing.error == #"the fetches need a feed for "a" (float32 [?,2])"#)
    }

    @Test("a signature is chosen by \"signature\" in /predict and by signature_name in V2's parameters")
    func chosen() {
        let words = client.post(#"{"signature":"words","feeds":{"text":["x"]}}"#)
        #expect(words.body.hasPrefix(#"{"outputs":{"out":["x"]},"model":"#))
        let usual = client.post(#"{"signature":"serving_default","feeds":{"text":["x"]},"fetches":["text_bytes"]}"#)
        #expect(usual.body.hasPrefix(#"{"outputs":{"text_bytes":["x"]},"model":"#))
        let input = #""inputs":[{"name":"text","shape":[1],"datatype":"BYTES","data":["x"]}]"#
        let v2 = v2(#"{"parameters":{"signature_name":"words"},\#(input)}"#)
        #expect(
            v2.text
                == #"{"model_name":"sig","model_version":"1","outputs":[{"name":"out","datatype":"BYTES","shape":[1],"data":["x"]}]}"#
        )
        let named = self.v2(
            #"{"parameters":{"signature_name":"words"},\#(input),"outputs":[{"name":"out"},{"name":"text"}]}"#)
        #expect(named.status == 200)
        let tensor = #""shape":[1,2],"datatype":"FP32","parameters":{"binary_data_size":8}"#
        let binary = self.v2(
            #"{"parameters":{"signature_name":"one","binary_data_output":true},"inputs":[{"name":"a",\#(tensor)}]}"#,
            binary: [0, 0, 128, 63, 0, 0, 0, 64])
        #expect(binary.text.contains(#""outputs":[{"name":"scaled","datatype":"FP32","shape":[1,2],"#))
        #expect(binary.binary == [0, 0, 0, 64, 0, 0, 128, 64])
    }

    @Test("a signature that is not there is an error with those that are")
    func unknown() throws {
        let names = #""none", "one", "scalar", "serving_default", "uneven", "words""#
        let own = client.post(#"{"signature":"nope","feeds":{}}"#)
        #expect(own.status == 400)
        #expect(own.error == #"model "sig" has no signature "nope"; it has \#(names)"#)
        let v2 = v2(#"{"parameters":{"signature_name":"nope"},"inputs":[]}"#)
        #expect(v2.status == 400)
        #expect(v2.error == own.error)
        let plain = try Client().post(#"{"signature":"nope","feeds":{"w1":1,"w2":2}}"#)
        #expect(plain.error == #"model "tutorial" has no signature "nope"; it has no signatures: omit the signature"#)
        #expect(try Client().post(#"{"signature":"serving_default","feeds":{"w1":1,"w2":2}}"#).status == 200)
        #expect(client.post(#"{"signature":7,"feeds":{}}"#).error == #""signature" is a number; expected a string"#)
    }

    @Test("an array alone is the input of the default signature")
    func array() throws {
        let client = try Client(Model(contentsOf: Fixtures.path("files/saved_model_2"), name: "m"))
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }"
        let padded = header + String(repeating: " ", count: 118 - header.utf8.count - 1) + "\n"
        let array: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(padded.utf8)
        let response = client.send(.post, "/predict", array + [0, 0, 128, 63, 0, 0, 0, 64], type: "application/x-npy")
        #expect(response.body.hasPrefix(#"{"outputs":{"out":[[16.0,1.0]]}"#))
    }

    @Test("V2's unknown rank takes a scalar as [] and as a list of one")
    func scalars() {
        for shape in ["[]", "[1]"] {
            let response = v2(
                #"{"inputs":[{"name":"a","shape":[1,2],"datatype":"FP32","data":[1,2]},{"name":"scale","shape":\#(shape),"datatype":"FP32","data":[3]}],"outputs":[{"name":"scaled"}]}"#
            )
            #expect(response.text.contains(#""shape":[1,2],"data":[3.0,6.0]"#), "\(shape)")
        }
    }
}
