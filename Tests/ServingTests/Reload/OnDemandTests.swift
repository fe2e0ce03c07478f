import Checkpoints
import Foundation
import Testing
import Threads
import VectorSupport

@testable import Serving

/// Loads whose weights are read when plans need them.
@Suite("Weights that are read on demand")
struct OnDemandTests {
    private func load(_ folder: String, _ reading: ReadingOptions) throws -> Model {
        let candidate = try #require(try ModelListing.look(at: folder).latest)
        let model = try Model(candidate, name: "m", reading: reading)
        model.warmUp(like: nil, helpers: reading.helpers)
        try model.verifyWeights()
        return model
    }

    @Test("a damaged tensor is refused with the error of a load that reads everything at once")
    func damage() throws {
        try Fixtures.withCopy(of: Fixtures.model("digits")) { copy in
            let path = copy + "/model-3000.data-00000-of-00001"
            let bytes = try Fixtures.bytes(path)
            for offset in stride(from: 1, to: bytes.count, by: bytes.count / 23) {
                var damaged = bytes
                // Of two damaged tensors the first one is named.
                damaged[offset] ^= 1
                damaged[bytes.count - 1] ^= 1
                try Fixtures.write(damaged, to: path)
                let wanted = #expect(throws: ModelError.self) { try load(copy, ReadingOptions()) }
                let helped = ReadingOptions(isOnDemand: true, helpers: SpareProcessors(processors: 3))
                let found = #expect(throws: ModelError.self) { try load(copy, helped) }
                #expect(found?.message == wanted?.message)
                #expect(found?.failure == wanted?.failure && found?.failure == .broken)
            }
        }
    }

    @Test("a file that changes before everything is verified is a change, which is tried again")
    func change() throws {
        try Fixtures.withCopy(of: Fixtures.model("digits")) { copy in
            let path = copy + "/model-3000.data-00000-of-00001"
            let candidate = try #require(try ModelListing.look(at: copy).latest)
            let model = try Model(candidate, name: "m", reading: ReadingOptions(isOnDemand: true))
            model.warmUp(like: nil)
            var bytes = try Fixtures.bytes(path)
            bytes[7] ^= 1
            try Fixtures.write(bytes, to: path)
            let error = #expect(throws: ModelError.self) { try model.verifyWeights() }
            #expect(error?.failure == .changed)
        }
    }

    @Test("the first load has a slot and borrows the others, all of which come back; its time is the whole time")
    func start() throws {
        let scheduler = Scheduler(Scheduler.Configuration(executors: 3))
        var configuration = ModelRegistry.Configuration { _ in Nothing() }
        configuration.releasesWeights = true
        configuration.helpers = scheduler.helpers
        let registry = try ModelRegistry(
            [.init(Fixtures.model("digits")), .init(Fixtures.model("tutorial"))], configuration)
        defer { registry.stop() }
        #expect(scheduler.helpers.borrow(upTo: 9) == 2)
        scheduler.helpers.giveBack(2)
        for served in registry.catalog.models {
            let version = try #require(served.versions.current)
            // Planning and the warm-up are a part of it.
            #expect(version.loadMilliseconds > version.model.loadMilliseconds)
            let kept = try Model(contentsOf: version.model.prefix)
            #expect(version.model.weightMemory[.raw] < kept.weightMemory[.raw] || served.name == "tutorial")
        }
    }

    private final class Nothing: Sendable {}
}
