import Foundation
import Graphs
import Serving
import Tensors
import Testing
import Training
import VectorSupport

/// Writes checkpoints for `Tests/TensorFlow/read_back.py`, which reads them with TensorFlow: `make test-tensorflow`.
@Suite(
    "Checkpoints for TensorFlow",
    .enabled(
        if: ProcessInfo.processInfo.environment["METASERVE_SAVED"] != nil,
        "METASERVE_SAVED names no folder; use make test-tensorflow"))
struct ReadBackTests {
    private static let folder = ProcessInfo.processInfo.environment["METASERVE_SAVED"]

    private static func newFolder(_ name: String) throws -> String {
        let path = try "\(#require(folder))/\(name)"
        try? FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    @Test("Every published checkpoint is saved again")
    func corpus() throws {
        let corpus = Fixtures.corpus ?? Fixtures.package.appendingPathComponent("models").path
        for name in try FileManager.default.contentsOfDirectory(atPath: corpus).sorted() {
            guard let session = try? Session(contentsOf: "\(corpus)/\(name)") else { continue }
            let folder = try Self.newFolder("corpus/\(name)")
            try Saver().save(session, to: folder + "/model", globalStep: 1)
            try Data("\(corpus)/\(name)".utf8).write(to: URL(fileURLWithPath: folder + "/origin"))
        }
    }

    @Test(
        "A network with an optimizer is trained, saved, and what it computes is noted", arguments: ["adam", "momentum"])
    func trained(optimizer: String) throws {
        let model = try Model(contentsOf: Fixtures.model("digits"), variables: .session)
        let plain = Session(model)
        let minimization = try Minimization(
            of: plain.endpoint("loss"), by: ["out/weights", "out/biases"].map { try plain.endpoint($0).node },
            #require(Optimizer.named(optimizer, learningRate: 0.01)), in: plain.graph, plain.inference)
        let session = Session(model, graph: minimization.graph)
        try session.run(targets: [minimization.initializer])
        let images = try #require(Tensor((0..<128).map { Float($0 % 17) }, shape: [2, 64]))
        let labels = try #require(Tensor([Int64(3), 7], shape: [2]))
        let feeds: [String: FeedValue] = ["x:0": FeedValue(images), "labels:0": FeedValue(labels), "keep_prob:0": 1]
        for _ in 0..<3 { try session.run(feeds: feeds, targets: [minimization.step]) }
        let folder = try Self.newFolder("trained/\(optimizer)")
        try Saver().save(session, to: folder + "/model", globalStep: 3)
        // What TensorFlow must find, and what it must get to with one more step.
        let before = try session.run(feeds: feeds, fetches: ["logits:0", "loss:0"])
        try session.run(feeds: feeds, targets: [minimization.step])
        let after = try session.run(feeds: feeds, fetches: ["logits:0", "loss:0"])
        let found = [before, after].map { $0.mapValues { $0.scalars(as: Float.self) ?? [] } }
        let record = Record(step: minimization.step, before: found[0], after: found[1])
        try JSONEncoder().encode(record).write(to: URL(fileURLWithPath: folder + "/expected.json"))
    }

    private struct Record: Encodable {
        let step: String
        let before: [String: [Float]]
        let after: [String: [Float]]
    }
}
