import ServerSupport
import Testing

/// Graphs whose inputs come from tf.data.
@Suite("Cases: input pipelines", Cases.areHere)
struct PipelineCaseTests {
    private static let probabilities = [
        [0.3006095886230469, 0.3322249948978424, 0.36716538667678833],
        [0.23969444632530212, 0.3235537111759186, 0.4367518126964569],
    ]

    @Test(
        "the components of an iterator are the inputs, with dtypes and shapes",
        arguments: [
            ("iterator_initializable", "nextbatch:0", "?,4"), ("iterator_one_shot", "IteratorGetNext:0", "?,4"),
        ])
    func iterators(name: String, input: String, shape: String) throws {
        try Cases.serve(name) { model throws in
            #expect(try model.described("inputs").first == input)
            #expect(try model.described("inputs", "dtype").first == "float32")
            #expect(try model.described("inputs", "shape").first == shape)
            #expect(try model.described("outputs").contains("probs:0"))
            let response = try model.predict("{\"feeds\": {\"\(input)\": \(Cases.rows)}}")
            #expect(response.status == 200, "\(response.text)")
            model.expect(response.output("probs:0"), Self.probabilities, response)
            let unfed = try model.predict("{\"feeds\": {}, \"fetches\": [\"probs:0\"]}")
            #expect(unfed.status == 400)
            #expect(unfed.text.contains(input), "\(unfed.text)")
        }
    }
}
