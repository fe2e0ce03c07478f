internal import Execution
internal import HTTPMessages
internal import Serving
internal import Threads

/// Records each request after its response is complete: counts it, adds its identifier to the response, and writes its line of the access log.
final class RequestRecorder: Sendable {
    /// The data of a request to a model.
    struct Inference {
        let model: ServedModel
        let version: ModelVersion?
        /// The label that selected the version, if there was one.
        let label: LabelStatistics?
        let outcome: ModelStatistics.Outcome
    }

    let responses = ResponseCounts()
    private let log: AccessLog?

    init(_ log: AccessLog?) { self.log = log }

    /// Records a request whose response is complete. The last step before it is sent.
    ///
    /// - Parameters:
    ///   - exchange: The request and its response.
    ///   - inference: The data for the log; evaluated if there is one.
    func record(_ exchange: HTTPExchange, _ inference: @autoclosure () -> Inference?) {
        exchange.isRecorded = true
        responses.record(exchange.response.status)
        let id = Self.text(exchange.request.headers[.requestID])
        if let id { exchange.response.headers.append((HTTPHeader.requestID.name, id)) }
        let trace = Self.text(exchange.request.headers[.traceParent])
        if let trace { exchange.response.headers.append((HTTPHeader.traceParent.name, trace)) }
        guard let log else { return }
        let line = ResponseBuffer()
        var writer = JSONWriter(line)
        writer.beginObject()
        writeRequest(exchange, id, trace, &writer)
        if let inference = inference() { write(inference, &writer) }
        writer.endObject()
        log.append(line.bytes)
    }

    private func writeRequest(_ exchange: HTTPExchange, _ id: String?, _ trace: String?, _ writer: inout JSONWriter) {
        writer.key("time")
        writer.string(Timestamp.now())
        writer.key("method")
        writer.string("\(exchange.request.method)".uppercased())
        writer.key("path")
        writer.string(String(decoding: exchange.request.path.prefix(Self.longestPath), as: UTF8.self))
        writer.key("status")
        writer.integer(exchange.response.status)
        if let client = exchange.clientAddress {
            writer.key("client")
            writer.string(client)
        }
        if exchange.beganNanoseconds > 0 {
            writer.key("duration_ms")
            let now = Int(clamping: MonotonicClock.nanoseconds)
            writer.number(Self.milliseconds(max(0, now &- exchange.beganNanoseconds)))
        }
        if let error = exchange.response.error {
            writer.key("error")
            writer.string(String(decoding: error.utf8.prefix(Self.longestError), as: UTF8.self))
        }
        writer.key("received_bytes")
        writer.integer(exchange.request.body.count)
        writer.key("sent_bytes")
        writer.integer(exchange.response.body.count)
        if let id {
            writer.key("request_id")
            writer.string(id)
        }
        if let trace {
            writer.key("traceparent")
            writer.string(trace)
        }
    }

    private func write(_ inference: Inference, _ writer: inout JSONWriter) {
        writer.key("model")
        writer.string(inference.model.name)
        if let version = inference.version {
            writer.key("version")
            writer.integer(version.number)
        }
        if let label = inference.label {
            writer.key("label")
            writer.string(label.label)
        }
        writer.key("protocol")
        writer.string(inference.outcome.form.label)
        let times = inference.outcome.times
        for (key, nanoseconds) in [
            ("queue_ms", times.queue), ("parse_ms", times.parse), ("run_ms", times.run), ("write_ms", times.write),
        ] {
            writer.key(key)
            writer.number(Self.milliseconds(Int(clamping: nanoseconds)))
        }
        writer.key("batch_size")
        writer.integer(times.batchSize)
    }

    /// Milliseconds with three decimals.
    private static func milliseconds(_ nanoseconds: Int) -> Double { Double(nanoseconds / 1000) / 1000 }

    private static let longestPath = 1024
    private static let longestError = 1024
    private static let longestIdentity = 256

    /// The value of a header to send back; nil unless it is short plain text.
    private static func text(_ value: UnsafeRawBufferPointer?) -> String? {
        guard let value, !value.isEmpty, value.count <= longestIdentity,
            value.allSatisfy({ (0x20..<0x7f).contains($0) })
        else { return nil }
        return String(decoding: value, as: UTF8.self)
    }
}
