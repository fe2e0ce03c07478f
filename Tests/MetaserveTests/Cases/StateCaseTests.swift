import ServerSupport
import Testing

/// Graphs that assign variables when they run.
@Suite("Cases: variables that runs assign", Cases.areHere)
struct StateCaseTests {
    @Test("a request that would update the statistics of batch normalisation is refused, and changes nothing")
    func updatesStatistics() throws {
        let feeds = "\"x\": [[1, 2, 3, 4], [0, 0, 0, 1]], \"keep_prob\": 1"
        let predicting = "{\"feeds\": {\(feeds), \"is_training\": false}}"
        let training = "{\"feeds\": {\(feeds), \"is_training\": true}}"
        try Cases.serve("updates_statistics") { model throws in
            let before = try model.predict(predicting)
            #expect(before.status == 200, "\(before.text)")
            let refused = try model.predict(training)
            #expect(refused.status == 409)
            #expect(
                refused.text.contains("\\\"mm\\\"") && refused.text.contains("--variables session"), "\(refused.text)")
            #expect(try model.predict(predicting).text == before.text)
            #expect(try model.description()["variables_mode"] as? String == "read-only")
        }
        try Cases.serve("updates_statistics", "--variables", "session") { model throws in
            let before = try model.predict(predicting)
            #expect(try model.predict(training).status == 200)
            #expect(try model.predict(predicting).text != before.text)
            #expect(try model.description()["variables_mode"] as? String == "session")
        }
    }
}
