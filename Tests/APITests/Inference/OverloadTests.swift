import API
import Foundation
import HTTPMessages
import Serving
import Testing
import Threads
import VectorSupport

@Suite("More requests than can be run")
struct OverloadTests {
    /// A request whose client can go away.
    private final class Asked {
        let exchange = WaitingExchange()
        /// The body, its padding, and the path.
        private let memory: UnsafeMutableRawBufferPointer
        private let bodyCount: Int

        init(_ body: String) {
            let bytes =
                Array(body.utf8) + [UInt8](repeating: 0, count: HTTPRequest.bodyPadding) + Array("/predict".utf8)
            memory = .allocate(byteCount: bytes.count, alignment: 1)
            memory.copyBytes(from: bytes)
            bodyCount = body.utf8.count
        }

        deinit { memory.deallocate() }

        /// Puts the request; it must be answered before the test ends.
        func put(to service: Service) -> HTTPOutcome {
            // Safety: the memory is never changed, and lives as long as self.
            exchange.request = HTTPRequest(
                method: .post,
                path: UnsafeRawBufferPointer(rebasing: memory[(bodyCount + HTTPRequest.bodyPadding)...]),
                body: UnsafeRawBufferPointer(rebasing: memory[..<bodyCount]))
            return service.handle(exchange)
        }
    }

    @Test("what does not fit into the queue is refused at once, and a client that goes away ends its run")
    func full() throws {
        var options = Service.Options()
        options.threadCount = 1
        var configuration = ModelRegistry.Configuration(attach: Service.attachment)
        configuration.limits.waiting = 1
        let registry = ModelRegistry([try EndlessModel.load()], configuration)
        let service = Service(registry, options: options)
        let queue = try #require(registry.catalog.models.first).queue
        let endless = Asked(EndlessModel.endless)
        let waiting = Asked(EndlessModel.short)
        #expect(endless.put(to: service) == .later)
        while queue.running == 0 { sched_yield() }
        #expect(waiting.put(to: service) == .later)
        #expect(queue.waiting == 1)
        let refused = service.respond(.post, Array("/predict".utf8), body: Array(EndlessModel.short.utf8))
        #expect(refused.status == 429)
        #expect(refused.headers["Retry-After"] == "1")
        let text = refused.text
        #expect(text.contains("has a full queue (--max-queue): try again later"), "\(text)")
        #expect(service.respond(.get, Array("/".utf8)).status == 200)
        let busy = metrics(of: service)
        #expect(busy.contains("metaserve_queue_depth{model=\"loop\"} 1\n"), "\(busy)")
        #expect(busy.contains("metaserve_queue_limit{model=\"loop\"} 1\n"))
        #expect(busy.contains("metaserve_requests_in_flight{model=\"loop\"} 1\n"))
        endless.exchange.abandonment.raise()
        endless.exchange.wait()
        #expect(endless.exchange.response.status == 499)
        waiting.exchange.wait()
        #expect(waiting.exchange.response.status == 200)
        while queue.running > 0 { sched_yield() }
        let idle = metrics(of: service)
        #expect(idle.contains("metaserve_queue_depth{model=\"loop\"} 0\n"))
        #expect(idle.contains("metaserve_requests_in_flight{model=\"loop\"} 0\n"))
        // Refused, ended and answered requests are all among the latencies.
        for status in [200, 429, 499] {
            let sample = "metaserve_requests_total{model=\"loop\",protocol=\"predict\",status=\"\(status)\"} 1\n"
            #expect(idle.contains(sample), "\(idle)")
        }
        #expect(idle.contains("metaserve_request_duration_seconds_count{model=\"loop\"} 3\n"))
        for phase in ["queue", "parse", "run", "write"] {
            #expect(idle.contains("metaserve_request_phase_seconds_count{model=\"loop\",phase=\"\(phase)\"} 3\n"))
        }
    }

    private func metrics(of service: Service) -> String {
        service.respond(.get, Array("/metrics".utf8)).text
    }
}
