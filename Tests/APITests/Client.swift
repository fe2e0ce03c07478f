import API
import Foundation
import HTTPMessages
import Serving
import Testing
import VectorSupport

/// A client of a service without a socket.
struct Client {
    let service: Service

    /// Serves the committed models.
    init(_ models: [String] = ["tutorial", "digits"], defaultName: String? = "tutorial", nan: NaNPolicy = .string)
        throws
    {
        var options = Service.Options()
        options.nanPolicy = nan
        let loaded = try models.map { try Model(contentsOf: Fixtures.model($0)) }
        var configuration = ModelRegistry.Configuration(attach: Service.attachment)
        configuration.defaultModel = defaultName
        service = Service(ModelRegistry(loaded, configuration), options: options)
    }

    /// Serves one model.
    init(_ model: Model, timeoutSeconds: Double? = 60, nan: NaNPolicy = .string) throws {
        var options = Service.Options()
        options.nanPolicy = nan
        options.timeoutSeconds = timeoutSeconds
        service = Service(
            ModelRegistry([model], ModelRegistry.Configuration(attach: Service.attachment)), options: options)
    }

    /// Uses an existing service.
    init(_ service: Service) { self.service = service }

    struct Response {
        let status: Int
        let body: String
        let allow: String?

        /// The text of `{"error": "..."}`.
        var error: String? {
            (try? JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: String])?["error"]
        }
    }

    func send(_ method: HTTPMethod, _ path: String, _ body: [UInt8] = [], type: String? = nil) -> Response {
        send(method, path: Array(path.utf8), body, type: type)
    }

    func send(_ method: HTTPMethod, path: [UInt8], _ body: [UInt8] = [], type: String? = nil) -> Response {
        let headers = type.map { [HTTPHeader.contentType: Array($0.utf8)] } ?? [:]
        let response = service.respond(method, path, headers: headers, body: body)
        return Response(
            status: response.status, body: response.text, allow: response.headers["Allow"])
    }

    func post(_ body: String, _ path: String = "/predict") -> Response { send(.post, path, Array(body.utf8)) }

    func get(_ path: String) -> Response { send(.get, path) }
}

extension DirectResponse {
    /// The body; for JSON, without the newline at its end.
    var text: String {
        let text = String(decoding: body, as: UTF8.self)
        guard contentType == "application/json", !text.isEmpty else { return text }
        #expect(text.hasSuffix("\n"))
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }
}
