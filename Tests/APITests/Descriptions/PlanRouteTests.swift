import Testing

@testable import API

@Suite("GET /models/NAME/plan")
struct PlanRouteTests {
    @Test("it lists the plan and the steps of the calls that were made")
    func plan() throws {
        let client = try Client()
        #expect(client.post(#"{"model":"tutorial","feeds":{"w1":13,"w2":17}}"#).status == 200)
        let response = client.get("/models/tutorial/plan")
        #expect(response.status == 200)
        let text = response.body
        for part in [
            #""name":"tutorial""#, #""plans":[{"feeds":[{"name":"w1:0","dtype":"float32","shape":[]}"#,
            #""fetches":["op_to_restore:0"]"#,
            #""kernel":"fused.add+multiply","op":"FusedElementwise","names":["op_to_restore","Add"]"#,
        ] {
            #expect(text.contains(part), "\(part) is not in \(text)")
        }
    }

    @Test("an unknown model is 404")
    func unknown() throws {
        #expect(try Client().get("/models/tutoril/plan").error?.contains("\"tutorial\"") == true)
    }
}
