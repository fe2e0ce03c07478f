import API
import Foundation
import HTTPMessages
import Serving
import Testing
import VectorSupport

/// Asks a service without a socket.
struct Client {
    let service: Service

    /// Serves the committed models.
    init(_ models: [String] = ["tutorial", "digits"], defaultName: String? = "tutorial", nan: NaNPolicy = .string)
        throws
    {
        var options = Service.Options()
        options.nanPolicy = nan
        let loaded = try models.map { try Model(contentsOf: Fixtures.model($0)) }
        service = Service(try ModelSet(loaded, defaultName: defaultName), options: options)
    }

    /// Serves one model.
    init(_ model: Model, timeoutSeconds: Double? = 60) throws {
        var options = Service.Options()
        options.timeoutSeconds = timeoutSeconds
        service = Service(try ModelSet([model], defaultName: nil), options: options)
    }

    struct Answer {
        let status: Int
        let body: String
        let allow: String?

        /// The text of `{"error": "..."}`.
        var error: String? {
            (try? JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: String])?["error"]
        }
    }

    func send(_ method: HTTPMethod, _ path: String, _ body: [UInt8] = [], type: String? = nil) -> Answer {
        send(method, path: Array(path.utf8), body, type: type)
    }

    func send(_ method: HTTPMethod, path: [UInt8], _ body: [UInt8] = [], type: String? = nil) -> Answer {
        var response = HTTPResponse(body: ResponseBuffer())
        let padded = body + [UInt8](repeating: 0x5b, count: HTTPRequest.bodyPadding)
        let type = type.map { Array($0.utf8) }
        padded.withUnsafeBytes { body in
            path.withUnsafeBytes { path in
                func respond(_ type: UnsafeRawBufferPointer?) {
                    service.respond(
                        to: HTTPRequest(
                            method: method, path: path, contentType: type,
                            body: UnsafeRawBufferPointer(rebasing: body[..<(body.count - HTTPRequest.bodyPadding)])),
                        &response)
                }
                if let type { type.withUnsafeBytes { respond($0) } } else { respond(nil) }
            }
        }
        return Answer(
            status: response.status, body: String(decoding: response.body.bytes, as: UTF8.self), allow: response.allow)
    }

    func post(_ body: String, _ path: String = "/predict") -> Answer { send(.post, path, Array(body.utf8)) }

    func get(_ path: String) -> Answer { send(.get, path) }
}
