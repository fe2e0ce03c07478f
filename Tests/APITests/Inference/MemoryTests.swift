import Foundation
import HTTPMessages
import Memory
import Serving
import Testing
import Threads
import VectorSupport

@testable import API

/// Requests where the server's memory is counted.
@Suite("Memory of requests")
struct MemoryTests {
    private let memory = MemoryAccount(limitBytes: 1 << 30)
    private let service: Service

    init() throws {
        var configuration = ModelRegistry.Configuration(attach: Service.attachment)
        configuration.memory = memory
        var options = Service.Options()
        options.memory = memory
        service = Service(
            try ModelRegistry([ModelRegistry.ServedPath(Fixtures.model("tutorial"))], configuration), options: options)
    }

    private static let body = Array("{\"feeds\": {\"w1:0\": 13, \"w2:0\": 17}}".utf8)

    private func post(timeout: String = "30", _ body: [UInt8] = body) -> DirectResponse {
        service.respond(.post, Array("/predict".utf8), headers: [.requestTimeout: Array(timeout.utf8)], body: body)
    }

    @Test("a model counts as long as it is there")
    func models() { #expect(memory.usedBytes(for: .models) > 0) }

    @Test("a run that could have its memory later waits, within its time")
    func waiting() throws {
        // Room for reading the request, and none for its run.
        memory.freeIdleMemory()
        let held = memory.remainingBytes - 4100
        memory.note(held, for: .responses)
        let late = post(timeout: "0.1")
        #expect(late.status == 504, "\(late.text)")
        #expect(memory.waitCount == 1)
        let isOver = Flag()
        let thread = try SystemThread { [self] in
            #expect(post().status == 200)
            isOver.raise()
        }
        while memory.waitCount < 2, !isOver.isRaised { usleep(1000) }
        #expect(!isOver.isRaised)
        memory.give(held, for: .responses)
        thread.join()
        #expect(isOver.isRaised)
        #expect(memory.usedBytes(for: .requests) < 1 << 20)
    }

    @Test("a run that never can have it is told at once")
    func never() {
        memory.runLimitBytes = 1
        let response = post()
        #expect(response.status == 400, "\(response.text)")
        #expect(memory.waitCount == 0)
    }

    @Test("a body that takes too much memory to read is refused: later, or for good")
    func bodies() {
        let long = Array("{\"feeds\": {\"w1:0\": [\(String(repeating: "1,", count: 100_000))1], \"w2:0\": 1}}".utf8)
        let left = memory.remainingBytes - (1 << 20)
        memory.note(left, for: .runs)
        let short = post(long)
        #expect(short.status == 503)
        #expect(short.headers["Retry-After"] == "1")
        memory.give(left, for: .runs)
        memory.limitBytes = 1 << 20
        let never = post(long)
        #expect(never.status == 400)
        #expect(never.text.contains("--memory-limit leaves"), "\(never.text)")
    }

    @Test("memory that a parser keeps is counted, whichever reader has it")
    func parsers() throws {
        let account = MemoryAccount(limitBytes: 1 << 30)
        let parser = try #require(JSONParser(account))
        let numbers = String(repeating: "1,", count: 400_000)
        for text in ["[\(numbers)NaN]", "[\(numbers)1]", "[\(numbers)NaN]", "[\(numbers)1.5]", "[NaN]"] {
            let bytes = Array(text.utf8) + Array(repeating: 0, count: HTTPRequest.bodyPadding)
            try bytes.withUnsafeBytes { bytes in
                _ = try parser.parse(UnsafeRawBufferPointer(rebasing: bytes.dropLast(HTTPRequest.bodyPadding)))
            }
            parser.reset()
            // Short texts are not counted.
            #expect(account.usedBytes(for: .requests) + 100_000 >= parser.heldBytes, "\(text.suffix(8))")
        }
    }

    @Test("an answer is refused before its buffer grows")
    func responses() {
        let account = MemoryAccount(limitBytes: 1 << 20)
        let buffer = ResponseBuffer(account, for: .responses)
        for _ in 0..<8 where buffer.reserve(1 << 16) != nil { buffer.commit(1 << 16) }
        #expect(!buffer.hasFailed)
        #expect(account.usedBytes(for: .responses) >= 8 << 16)
        #expect(buffer.reserve(1 << 20) == nil)
        #expect(buffer.hasFailed)
        #expect(buffer.refusal?.isPassing == false)
        account.note(1 << 19, for: .requests)
        buffer.clear()
        #expect(buffer.reserve((1 << 20) - 100) == nil)
        #expect(buffer.refusal?.isPassing == true)
    }

    @Test("metrics show the account by use")
    func metrics() {
        let text = service.respond(.get, Array("/metrics".utf8)).text
        #expect(text.contains("metaserve_memory_limit_bytes 1073741824\n"))
        for use in ["runs", "requests", "responses", "caches", "models"] {
            #expect(text.contains("metaserve_memory_used_bytes{use=\"\(use)\"} "))
        }
        #expect(text.contains("metaserve_memory_refusals_total 0\n"))
        #expect(text.contains("metaserve_memory_waits_total 0\n"))
    }
}

extension MemoryTests {
    private func post(_ body: [UInt8]) -> DirectResponse { post(timeout: "30", body) }
}
