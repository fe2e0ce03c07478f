import Serving
import Testing
import VectorSupport

@Suite("Open Inference Protocol: tensors as bytes")
struct V2BinaryTests {
    let client: V2Client

    init() throws { client = V2Client(try Client()) }

    private func tutorial(
        _ parameters: String, _ binary: [UInt8]?, header: String? = nil, outputs: String = "", padding: Int = 0
    ) -> V2Client.Response {
        let json =
            #"{"inputs":[{"name":"w1","shape":[2],"datatype":"FP32",\#(parameters)},"#
            + #"{"name":"w2","shape":[],"datatype":"FP32","data":[1]}]\#(outputs)}"#
        return client.infer(
            "tutorial", json + String(repeating: " ", count: padding), binary: binary, header: header)
    }

    private let size8 = #""parameters":{"binary_data_size":8}"#

    @Test("inputs and outputs as bytes, wherever the JSON ends", arguments: 0..<8)
    func roundTrip(padding: Int) {
        let response = tutorial(
            size8, bytes(of: [1, 2] as [Float]), outputs: #","parameters":{"binary_data_output":true}"#,
            padding: padding)
        #expect(response.status == 200)
        #expect(response.contentType == "application/octet-stream")
        #expect(
            response.text
                == #"{"model_name":"tutorial","model_version":"1000","outputs":[{"name":"op_to_restore:0","datatype":"FP32","shape":[2],"parameters":{"binary_data_size":8}}]}"#
        )
        #expect(response.binary == bytes(of: [4, 6] as [Float]))
    }

    @Test("an output's own wish comes before the request's")
    func wishes() {
        let json = tutorial(
            size8, bytes(of: [1, 2] as [Float]),
            outputs:
                #","parameters":{"binary_data_output":true},"outputs":[{"name":"op_to_restore","parameters":{"binary_data":false}}]"#
        )
        #expect(json.contentType == "application/json")
        #expect(json.text.hasSuffix(#""data":[4.0,6.0]}]}"#))
        let binary = tutorial(
            #""data":[1,2]"#, nil, outputs: #","outputs":[{"name":"op_to_restore","parameters":{"binary_data":true}}]"#)
        #expect(binary.binary == bytes(of: [4, 6] as [Float]))
    }

    @Test("sizes that do not fit")
    func sizes() {
        let eight = bytes(of: [1, 2] as [Float])
        #expect(
            tutorial(#""parameters":{"binary_data_size":7}"#, Array(eight.dropLast())).error
                == "input \"w1\": shape [2] of FP32 has 2 elements of 4 bytes, got 7 bytes")
        #expect(
            tutorial(size8, Array(eight.dropLast())).error
                == "input \"w1\": \"binary_data_size\" is 8, but only 7 bytes of the body are left")
        #expect(tutorial(size8, eight + [0]).error == "1 bytes of the body follow the inputs' binary data")
        #expect(
            tutorial(#""parameters":{"binary_data_size":-8}"#, eight).error
                == "\"binary_data_size\" of inputs[0] is -8; expected a number of bytes")
        #expect(
            tutorial(#""parameters":{"binary_data_size":9223372036854775808}"#, eight).error
                == "\"binary_data_size\" of inputs[0] is 9223372036854775808; expected a number of bytes")
        #expect(
            tutorial(#""parameters":{"binary_data_size":9223372036854775807}"#, eight).error
                == "input \"w1\": \"binary_data_size\" is 9223372036854775807, but only 8 bytes of the body are left")
        #expect(
            tutorial(#""parameters":{"binary_data_size":8.5}"#, eight).error
                == "\"binary_data_size\" of inputs[0] is 8.5; expected a number of bytes")
        #expect(
            tutorial(#""parameters":{"binary_data_size":"8"}"#, eight).error
                == "\"binary_data_size\" of inputs[0] is a string; expected a number of bytes")
        #expect(
            tutorial(#""data":[1,2],"parameters":{"binary_data_size":8}"#, eight).error
                == "input \"w1\" has both \"data\" and \"binary_data_size\"; expected one of them")
    }

    @Test("headers that do not fit")
    func headers() {
        let eight = bytes(of: [1, 2] as [Float])
        for wrong in ["-1", "x", "", "1.5", "99999999999999999999", " 12", "0x10"] {
            #expect(
                tutorial(size8, eight, header: wrong).error
                    == "Inference-Header-Content-Length is \"\(wrong)\"; expected the length of the JSON in bytes")
        }
        #expect(
            tutorial(size8, eight, header: "100000").error
                == "Inference-Header-Content-Length is 100000, but the body has 154 bytes")
        for wrong in 1..<154 where wrong != 146 {
            let response = tutorial(size8, eight, header: "\(wrong)")
            #expect(response.status == 400)
            #expect(response.error != nil)
        }
        #expect(tutorial(size8, eight, header: "146").status == 200)
    }

    @Test("every datatype comes back as the JSON form has it")
    func dtypes() throws {
        let client = V2Client(try Client(Model(contentsOf: Fixtures.path("dtypes"))))
        let inputs: [(datatype: String, dtype: String, data: String, binary: [UInt8])] = [
            ("FP16", "float16", "[1,2.5]", bytes(of: [0x3c00, 0x4100] as [UInt16])),
            ("BF16", "bfloat16", "[1,2.5]", bytes(of: [0x3f80, 0x4020] as [UInt16])),
            ("INT8", "int8", "[1,-2]", bytes(of: [1, -2] as [Int8])),
            ("INT16", "int16", "[1,-2]", bytes(of: [1, -2] as [Int16])),
            ("UINT16", "uint16", "[1,2]", bytes(of: [1, 2] as [UInt16])),
            ("UINT32", "uint32", "[1,2]", bytes(of: [1, 2] as [UInt32])),
            ("UINT64", "uint64", "[1,2]", bytes(of: [1, 2] as [UInt64])),
        ]
        for input in inputs {
            let name = #"{"inputs":[{"name":"x_\#(input.dtype)","shape":[1,2],"datatype":"\#(input.datatype)","#
            let outputs = #"}],"outputs":[{"name":"y_\#(input.dtype)"}]"#
            let json = client.infer("dtypes", name + #""data":"# + input.data + outputs + "}")
            #expect(json.status == 200, "\(input.dtype): \(json.text)")
            let size = #""parameters":{"binary_data_size":\#(input.binary.count)}"#
            let binary = client.infer("dtypes", name + size + outputs + "}", binary: input.binary)
            #expect(binary.text == json.text)
            let back = client.infer(
                "dtypes", name + size + outputs + #","parameters":{"binary_data_output":true}}"#, binary: input.binary)
            #expect(back.binary.count == input.binary.count, "\(input.dtype): \(back.text)")
        }
    }

    private static let graph = """
        node { name: "s" op: "Placeholder" attr { key: "dtype" value { type: DT_STRING } } attr { key: "shape" value { shape { dim { size: -1 } } } } }
        node { name: "same" op: "Identity" input: "s" attr { key: "T" value { type: DT_STRING } } }
        node { name: "b" op: "Placeholder" attr { key: "dtype" value { type: DT_BOOL } } attr { key: "shape" value { shape { dim { size: -1 } dim { size: 2 } } } } }
        node { name: "not" op: "LogicalNot" input: "b" }
        node { name: "c" op: "Placeholder" attr { key: "dtype" value { type: DT_COMPLEX64 } } attr { key: "shape" value { shape { } } } }
        node { name: "conj" op: "Conj" input: "c" attr { key: "T" value { type: DT_COMPLEX64 } } }

        """

    /// Calls `body` with a client of a model of one of the graph's inputs.
    private func withGraph(_ nodes: Range<Int>, _ body: (V2Client) throws -> Void) throws {
        try Fixtures.withCopy(of: Fixtures.model("tutorial")) { folder in
            let path = folder + "/graph.pbtxt"
            let lines = Self.graph.split(separator: "\n")[nodes]
            try Fixtures.write(Array(lines.joined(separator: "\n").utf8), to: path)
            try body(V2Client(try Client(try Model(contentsOf: path))))
        }
    }

    @Test("strings are their lengths and themselves")
    func strings() throws {
        try withGraph(0..<2) { client in
            func send(_ binary: [UInt8], count: Int = 2) -> V2Client.Response {
                client.infer(
                    "graph",
                    #"{"inputs":[{"name":"s","shape":[\#(count)],"datatype":"BYTES","parameters":{"binary_data_size":\#(binary.count)}}],"parameters":{"binary_data_output":true}}"#,
                    binary: binary)
            }
            let two: [UInt8] = [3, 0, 0, 0, 0x61, 0, 0xff, 0, 0, 0, 0]
            #expect(send(two).binary == two)
            #expect(send([], count: 0).status == 200)
            #expect(
                send(two, count: 3).error == "input \"s\": shape [3] has 3 strings with their lengths, got 11 bytes")
            #expect(send(two, count: 1).error == "input \"s\": 4 bytes follow the last string")
            #expect(send(Array(two.dropLast())).error == "input \"s\": string 1 is cut off")
            #expect(
                send([0, 0, 0, 0] + [0xff, 0xff, 0xff, 0xff]).error
                    == "input \"s\": string 1 has 4294967295 bytes, but only 0 are left")
            #expect(client.infer("graph", "a\0b", header: "0").binary == [3, 0, 0, 0, 0x61, 0, 0x62])
            let json = client.infer(
                "graph", #"{"inputs":[{"name":"s","shape":[2],"datatype":"BYTES","data":["é",{"b64":"/w=="}]}]}"#)
            #expect(json.text.hasSuffix(#""data":["é",{"b64":"/w=="}]}]}"#), "\(json.text)")
        }
    }

    @Test("truth values are a byte each, 0 or 1; a body that is nothing but a tensor")
    func truths() throws {
        try withGraph(2..<4) { client in
            let json =
                #"{"inputs":[{"name":"b","shape":[2,2],"datatype":"BOOL","parameters":{"binary_data_size":4}}],"parameters":{"binary_data_output":true}}"#
            #expect(client.infer("graph", json, binary: [0, 1, 1, 0]).binary == [1, 0, 0, 1])
            #expect(
                client.infer("graph", json, binary: [0, 1, 2, 0]).error
                    == "input \"b\": byte 2 is 2; a BOOL is 0 or 1")
            let raw = client.infer("graph", "\u{0}\u{1}\u{1}\u{0}", header: "0")
            #expect(raw.binary == [1, 0, 0, 1])
            #expect(raw.text.contains(#""shape":[2,2],"parameters":{"binary_data_size":4}"#))
            #expect(
                client.infer("graph", "\u{0}\u{1}\u{1}", header: "0").error
                    == "input \"b:0\": shape [1,2] of BOOL has 2 elements of 1 bytes, got 3 bytes")
        }
        #expect(
            client.infer("tutorial", "", header: "0").error
                == "a body without JSON requires a model with one input; model \"tutorial\" has \"w1:0\", \"w2:0\"")
    }

    @Test("what the protocol has no datatype for")
    func complex() throws {
        try withGraph(4..<6) { client in
            let response = client.infer(
                "graph",
                #"{"inputs":[{"name":"c","shape":[],"datatype":"FP32","data":[1]}],"outputs":[{"name":"conj"}]}"#)
            #expect(response.status == 501)
            #expect(
                response.error
                    == "input \"c\" is complex64, which has no datatype in this protocol: use POST /predict")
        }
    }

    @Test("broken bodies are answered by what is wrong", arguments: [41, 42] as [UInt64])
    func fuzz(seed: UInt64) {
        var random = SplitMix(state: seed)
        let json =
            #"{"id":"1","inputs":[{"name":"w1","shape":[2],"datatype":"FP32","parameters":{"binary_data_size":8}},"#
            + #"{"name":"w2","shape":[1,1],"datatype":"FP32","data":[[1]]}],"outputs":[{"name":"op_to_restore","#
            + #""parameters":{"binary_data":true}}]}"#
        let tail = bytes(of: [1, 2] as [Float])
        for _ in 0..<2000 {
            let changed = Mutation.apply(to: Array(json.utf8), using: &random)
            let text = String(decoding: changed, as: UTF8.self)
            var header = Array(String(text.utf8.count).utf8)
            if Int.random(in: 0..<4, using: &random) == 0 { header = Mutation.apply(to: header, using: &random) }
            let response = client.infer(
                "tutorial", text, binary: tail, header: String(decoding: header, as: UTF8.self))
            #expect(
                response.status == 200 || (400..<500).contains(response.status) && response.error != nil,
                "seed \(seed): \(text): \(response.text)")
        }
    }
}
