import ServerSupport
import Testing

/// SavedModels of several signatures, and of none.
@Suite("Cases: signatures", Cases.areHere)
struct SignatureCaseTests {
    @Test("a SavedModel without signatures offers its functions")
    func noSignatures() throws {
        try Cases.serve("no_signatures") { model throws in
            let described = try model.get("/models/no_signatures").text
            #expect(!described.contains("saver_filename"), "\(described)")
            let lookup = try model.predict(#"{"signature": "__call__", "feeds": {"x": ["dog", "nope", "cat"]}}"#)
            #expect(lookup.status == 200, "\(lookup.text)")
            #expect(
                (lookup.object["outputs"] as? [String: Any])?.values.first as? [Int] == [1, -1, 0], "\(lookup.text)")
            let image = try model.predict(
                "{\"signature\": \"serve\", \"feeds\": {\"image_bytes\": [{\"b64\": \"\(Cases.image)\"}]}}")
            #expect(image.output("mean") as? [Double] == [127.5], "\(image.text)")
        }
    }

    @Test("each of several signatures can be chosen in every protocol")
    func severalSignatures() throws {
        try Cases.serve("several_signatures") { model throws in
            let words = #"["dog", "nope", "cat"]"#
            let numbers = [1, -1, 0]
            let predict = try model.predict("{\"signature\": \"lookup\", \"feeds\": {\"x\": \(words)}}")
            #expect(predict.output("output_0") as? [Int] == numbers, "\(predict.text)")
            let image = "[{\"b64\": \"\(Cases.image)\"}]"
            let mean = try model.predict(
                "{\"signature\": \"from_bytes\", \"feeds\": {\"image_bytes\": \(image)}, \"fetches\": [\"mean\"]}")
            #expect(mean.output("mean") as? [Double] == [127.5], "\(mean.text)")
            let path = "/v1/models/several_signatures:predict"
            let rows = try model.post(path, "{\"signature_name\": \"lookup\", \"instances\": \(words)}")
            #expect(rows.object["predictions"] as? [Int] == numbers, "\(rows.text)")
            let columns = try model.post(path, "{\"signature_name\": \"from_bytes\", \"inputs\": \(image)}")
            #expect((columns.object["outputs"] as? [String: Any])?["mean"] as? [Double] == [127.5], "\(columns.text)")
            let infer = "/v2/models/several_signatures/infer"
            let lookup = try model.post(
                infer,
                "{\"parameters\": {\"signature_name\": \"lookup\"}, \"inputs\": [{\"name\": \"x\", \"datatype\": \"BYTES\", \"shape\": [3], \"data\": \(words)}]}"
            )
            let outputs = lookup.object["outputs"] as? [[String: Any]]
            #expect(outputs?.first?["data"] as? [Int] == numbers, "\(lookup.text)")
        }
    }
}
