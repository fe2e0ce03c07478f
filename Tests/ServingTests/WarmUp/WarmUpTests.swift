import Execution
import Foundation
import Tensors
import Testing
import VectorSupport

@testable import Serving

/// `assets.extra/tf_serving_warmup_requests`: requests that are replayed before a version serves.
@Suite("Recorded requests for warming up")
struct WarmUpTests {
    private static let file = "assets.extra/tf_serving_warmup_requests"

    /// Replays records beside a model, and returns the warnings.
    private func replay(_ records: [UInt8], _ check: (Model) throws -> Void = { _ in }) throws -> [String] {
        try Fixtures.withCopy(of: Fixtures.path("serving/flowers")) { folder in
            try FileManager.default.createDirectory(atPath: folder + "/assets.extra", withIntermediateDirectories: true)
            try Fixtures.write(records, to: "\(folder)/\(Self.file)")
            let model = try Model(contentsOf: folder, name: "flowers")
            let warnings = model.replayWarmUpRequests(in: folder)
            try check(model)
            return warnings
        }
    }

    private func recorded() throws -> [UInt8] { try Fixtures.bytes(Fixtures.path("serving/warmup_requests")) }

    @Test("all kinds of requests are run; what they compile is there for requests")
    func kinds() throws {
        let warnings = try replay(recorded()) { model in
            #expect(model.compiledShapes(fetching: ["classes:0", "scores:0"]) == [[2]])
            #expect(model.compiledShapes(fetching: ["value:0"]) == [[2]])
            #expect(model.compiledShapes(fetching: ["scores:0"]) == [[2], [4]])
            #expect(model.compiledShapes(fetching: ["flat:0"]) == [[2]])
        }
        #expect(warnings == [])
    }

    @Test("the requests of a numbered version are replayed, and what fails is a warning of that version")
    func numberedVersion() throws {
        try Fixtures.withCopy(of: Fixtures.path("serving/one_image")) { version in
            let folder = version + "-versions"
            defer { try? FileManager.default.removeItem(atPath: folder) }
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try FileManager.default.createDirectory(
                atPath: version + "/assets.extra", withIntermediateDirectories: true)
            // Of another model: its signatures are not here.
            try Fixtures.write(try recorded(), to: "\(version)/\(Self.file)")
            try FileManager.default.moveItem(atPath: version, toPath: folder + "/7")
            let registry = try ModelRegistry(
                [ModelRegistry.ServedPath(folder, name: "one")],
                ModelRegistry.Configuration(attach: { _ in Nothing() }))
            defer { registry.stop() }
            let current = try #require(registry.catalog.models.first?.versions.current)
            #expect(current.warnings.count == 1)
            #expect(current.warnings.first?.hasPrefix(Self.file) == true, "\(current.warnings)")
        }
    }

    @Test("without the file nothing is said")
    func noFile() throws {
        let path = Fixtures.path("serving/flowers")
        #expect(try Model(contentsOf: path).replayWarmUpRequests(in: path) == [])
    }

    @Test("damaged files, and requests that fail, are one warning")
    func failures() throws {
        var bytes = try recorded()
        bytes[bytes.count - 1] ^= 1
        let damaged = try replay(bytes)
        #expect(damaged.count == 1)
        #expect(
            damaged.first?.hasPrefix("\(Self.file): the content of the record at byte 421 has the checksum 0x") == true,
            "\(damaged)")
        // Of another model: its signatures are not here.
        let path = Fixtures.path("serving/one_image")
        try Fixtures.withCopy(of: path) { folder in
            try FileManager.default.createDirectory(atPath: folder + "/assets.extra", withIntermediateDirectories: true)
            try Fixtures.write(try recorded(), to: "\(folder)/\(Self.file)")
            let warnings = try Model(contentsOf: folder, name: "one").replayWarmUpRequests(in: folder)
            #expect(warnings.count == 1)
            #expect(warnings.first?.hasPrefix("\(Self.file): record 1 failed: ") == true, "\(warnings)")
            #expect(warnings.first?.hasSuffix("; 3 more failed") == true, "\(warnings)")
        }
    }

    @Test("a version whose recorded requests fail serves, and warns")
    func served() throws {
        try Fixtures.withCopy(of: Fixtures.path("serving/flowers")) { folder in
            try FileManager.default.createDirectory(atPath: folder + "/assets.extra", withIntermediateDirectories: true)
            try Fixtures.write([1, 2, 3], to: "\(folder)/\(Self.file)")
            let registry = try ModelRegistry(
                [.init(folder)], ModelRegistry.Configuration(attach: { _ in Nothing() }))
            defer { registry.stop() }
            let versions = try #require(registry.catalog.models.first).versions
            #expect(versions.current != nil)
            #expect(versions.warnings == ["\(Self.file): ends within the record at byte 0"])
        }
    }

    @Test("no more than 1000 records are replayed")
    func bound() throws {
        let record = Array(try recorded()[..<99])
        #expect(try replay(Array(repeatElement(record, count: 1000).joined())) == [])
        #expect(
            try replay(Array(repeatElement(record, count: 1001).joined()))
                == ["\(Self.file): has more than 1000 records: the first 1000 are replayed"])
    }
}

extension Model {
    /// The shapes of the feeds that a call with these fetches was run with.
    fileprivate func compiledShapes(fetching names: [String]) -> [[Int]] {
        session.compiled.filter { $0.fetches.map(\.name) == names }.flatMap { $0.shapesSeen(atMost: 8) }
            .map { $0[0].dimensions }.sorted { $0.lexicographicallyPrecedes($1) }
    }
}

private final class Nothing: Sendable {}
