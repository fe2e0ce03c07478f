import Foundation
import ServerSupport
import Testing
import VectorSupport

/// One question for each family of routes, with its status and its answer, so that a whole program is seen to work: `make
/// test-release` asks the optimised one, where the compiler has been seen to break what the other tests find sound.
@Suite("A question for each route")
struct RouteSmokeTests {
    private struct Question {
        let request: String
        let status: Int
        /// The whole answer, or with "..." at its end its beginning.
        let response: String

        init(_ request: String, _ status: Int, _ response: String) {
            self.request = request
            self.status = status
            self.response = response
        }

        func accepts(_ body: String) -> Bool {
            response.hasSuffix("...") ? body.hasPrefix(response.dropLast(3)) : body == response
        }
    }

    private static let model = #""model":{"name":"tutorial","step":1000}}"#
    private static let available =
        #""model_version_status":[{"version":"1000","state":"AVAILABLE","status":{"error_code":"OK","error_message":""}}]"#
    private static let v2Inputs =
        #"{"inputs":[{"name":"w1","datatype":"FP32","shape":[1],"data":[13]},{"name":"w2","datatype":"FP32","shape":[1],"data":[17]}]}"#

    private static let questions = [
        Question("GET /", 200, #"{"name":"metaserve","version":"..."#),
        Question("GET /models", 200, #"{"models":[{"name":"digits","state":"available",..."#),
        Question("GET /models/tutorial", 200, #"{"name":"tutorial","state":"available",..."#),
        Question(
            #"POST /predict {"feeds":{"w1:0":13.0,"w2:0":17.0},"fetches":["op_to_restore:0"]}"#, 200,
            #"{"outputs":{"op_to_restore:0":60.0},"# + model),
        Question(
            #"POST /models/tutorial/predict {"feeds":{"w1":[1,2],"w2":[3,4]}}"#, 200,
            #"{"outputs":{"op_to_restore:0":[8.0,12.0]},"# + model),
        Question(
            #"POST /models/tutorial/versions/1000/predict {"feeds":{"w1":1,"w2":2}}"#, 200,
            #"{"outputs":{"op_to_restore:0":6.0},"# + model),
        Question(
            "POST /models/digits/predict {\"feeds\":{\"x\":[[\(Array(repeating: "0", count: 64).joined(separator: ","))]],\"keep_prob\":1},\"fetches\":[\"class\"]}",
            200, #"{"outputs":{"class":[8]},"model":{"name":"digits","step":3000}}"#),
        Question("GET /health", 200, #"{"status":"ok"}"#),
        Question("GET /healthz", 200, #"{"status":"ok"}"#),
        Question("GET /livez", 200, #"{"status":"ok"}"#),
        Question("GET /readyz", 200, #"{"status":"ok"}"#),
        Question(
            "GET /v1/models", 200,
            #"{"models":["digits","tutorial"],"states":[{"name":"digits","model_version_status":[..."#),
        Question("GET /v1/models/tutorial", 200, #"{\#(available),"name":"tutorial","ready":true}"#),
        Question("GET /v1/models/tutorial/versions/1000", 200, #"{\#(available),"name":"tutorial","ready":true}"#),
        Question(
            "GET /v1/models/tutorial/metadata", 200,
            #"{"model_spec":{"name":"tutorial","signature_name":"","version":"1000"},"metadata":{..."#),
        Question(#"POST /v1/models/tutorial:predict {"inputs":{"w1":13,"w2":17}}"#, 200, #"{"outputs":60.0}"#),
        Question(
            #"POST /v1/models/tutorial/versions/1000:predict {"instances":[{"w1":1,"w2":2},{"w1":3,"w2":4}]}"#, 200,
            #"{"predictions":[6.0,14.0]}"#),
        Question(
            #"POST /v1/models/tutorial:classify {"examples":[{"x":1.0}]}"#, 400,
            #"{"error":"Expected classification signature method_name to be tensorflow/serving/classify. Was: ..."#),
        Question(
            #"POST /v1/models/tutorial/versions/1000:regress {"examples":[{"x":1.0}]}"#, 400,
            #"{"error":"Expected regression signature method_name to be tensorflow/serving/regress. Was: ..."#),
        Question("GET /v2", 200, #"{"name":"metaserve","version":"..."#),
        Question("GET /v2/health/live", 200, ""),
        Question("GET /v2/health/ready", 200, ""),
        Question(
            "GET /v2/models/tutorial", 200,
            #"{"name":"tutorial","versions":["1000"],"platform":"tensorflow_graphdef",..."#),
        Question("GET /v2/models/tutorial/ready", 200, #"{"name":"tutorial","ready":true}"#),
        Question("GET /v2/models/tutorial/config", 200, #"{"name":"tutorial",..."#),
        Question("GET /v2/models/tutorial/stats", 200, #"{"model_stats":[{"name":"tutorial","version":"1000",..."#),
        Question("GET /v2/models/stats", 200, #"{"model_stats":[{"name":"digits",..."#),
        Question(
            "POST /v2/models/tutorial/infer \(v2Inputs)", 200,
            #"{"model_name":"tutorial","model_version":"1000","outputs":[{"name":"op_to_restore:0","datatype":"FP32","shape":[1],"data":[60.0]}]}"#
        ),
        Question(
            "POST /v2/repository/index", 200, #"[{"name":"digits","version":"3000","state":"READY","reason":""},..."#),
        Question("POST /v2/repository/models/tutorial/load", 403, #"{"error":"this route requires an admin token..."#),
        Question("GET /metrics", 200, "# HELP metaserve_build_info ..."),
        Question("GET /monitoring/prometheus/metrics", 200, "# HELP metaserve_build_info ..."),
        Question("GET /openapi.json", 200, #"{"openapi":"3.1.0",..."#),
        Question("GET /nothing", 404, #"{"error":"there is no route /nothing: GET / shows what is served"}"#),
        Question(
            "GET /models/none", 404,
            #"{"error":"there is no model \"none\"; the served models are \"digits\", \"tutorial\""}"#),
        Question("GET /predict", 405, #"{"error":"/predict accepts POST"}"#),
        Question("POST /metrics {}", 405, #"{"error":"/metrics accepts GET..."#),
        Question(#"POST /predict {"feeds":{"w1""#, 400, #"{"error":"the body is not JSON: ..."#),
        Question(#"POST /predict {"feeds":{"w1":"a","w2":1}}"#, 400, #"{"error":"feed \"w1\"..."#),
        Question(#"POST /predict {"feeds":{"w1":1,"w2":1},"fetches":["none"]}"#, 404, #"{"error":"..."#),
        Question(
            #"POST /v1/models/none:predict {"inputs":1}"#, 404,
            #"{"error":"Servable not found for request: Latest(none); the served models are \"digits\", \"tutorial\""}"#
        ),
        Question(#"POST /v2/models/tutorial/infer {"inputs":1}"#, 400, #"{"error":"..."#),
    ]

    @Test("has the status and the answer that it should have, twice")
    func questions() throws {
        let server = try RunningServer(
            Fixtures.package.appendingPathComponent("models").path, "--default-model", "tutorial")
        var client = try RawClient(port: server.port)
        // The second time, what the first has prepared is used.
        for question in Self.questions + Self.questions {
            let words = question.request.split(separator: " ", maxSplits: 2).map(String.init)
            let body = words.count > 2 ? words[2] : ""
            if words[0] == "POST" {
                client.post(words[1], body)
            } else {
                client.send("GET \(words[1]) HTTP/1.1\r\nHost: test\r\n\r\n")
            }
            let response = try client.response()
            // What is refused before its body is read ends the connection.
            if response.headers["connection"] == "close" { client = try RawClient(port: server.port) }
            #expect(response.status == question.status, "\(question.request.prefix(80)): \(response.body.prefix(200))")
            #expect(question.accepts(response.body), "\(question.request.prefix(80)): \(response.body.prefix(200))")
        }
        #expect(server.stop() == 0)
    }
}
