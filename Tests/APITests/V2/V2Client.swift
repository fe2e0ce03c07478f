import API
import Foundation
import HTTPMessages
import Serving

/// Talks the Open Inference Protocol to a service.
struct V2Client {
    let service: Service

    init(_ client: Client) { service = client.service }

    struct Response {
        let status: Int
        let contentType: String
        let text: String
        /// What is behind the JSON.
        let binary: [UInt8]

        var error: String? { object["error"] as? String }

        var object: [String: Any] {
            (try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]) ?? [:]
        }
    }

    func get(_ path: String) -> Response { response(service.respond(.get, Array(path.utf8))) }

    /// Posts JSON, and if there are any, tensors behind it.
    func infer(_ model: String, _ json: String, binary: [UInt8]? = nil, header: String? = nil) -> Response {
        var headers: [HTTPHeader: [UInt8]] = [:]
        if let header {
            headers[.inferenceHeaderContentLength] = Array(header.utf8)
        } else if binary != nil {
            headers[.inferenceHeaderContentLength] = Array(String(json.utf8.count).utf8)
        }
        return response(
            service.respond(
                .post, Array("/v2/models/\(model)/infer".utf8), headers: headers,
                body: Array(json.utf8) + (binary ?? [])))
    }

    private func response(_ direct: DirectResponse) -> Response {
        let length = direct.headers["Inference-Header-Content-Length"].flatMap { Int($0) } ?? direct.body.count
        return Response(
            status: direct.status, contentType: direct.contentType,
            text: direct.headers["Inference-Header-Content-Length"] == nil
                ? direct.text : String(decoding: direct.body.prefix(length), as: UTF8.self),
            binary: Array(direct.body.dropFirst(length)))
    }
}

/// The bytes of numbers, as they lie in memory.
func bytes<Number>(of numbers: [Number]) -> [UInt8] { numbers.withUnsafeBytes { Array($0) } }
