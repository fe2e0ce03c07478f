import Foundation
import Serving
import Tensors
import Testing
import VectorSupport

/// Checkpoints that people published, with TensorFlow's answers; not a part of the project.
@Suite("Published checkpoints", .enabled(if: Fixtures.corpus != nil, "the corpus is not here"))
struct CorpusTests {
    /// Those that need no op beyond the first set.
    static let folders = [
        "Aplain+", "Code-Xiang+", "Dormir30+", "HUFSinforms+", "KeplerC+", "LeanderLXZ+", "YangLiliang+",
        "adamberecz111+",
        "akadahiroyasu+", "juwangvsu+pybullet_ex__model", "juwangvsu+pybullet_ex__my_test", "michaelhtleung+",
    ]

    @Test("every case agrees with TensorFlow", arguments: folders)
    func cases(prefix: String) throws {
        let corpus = try #require(Fixtures.corpus)
        let names = try FileManager.default.contentsOfDirectory(atPath: corpus)
        let folder = try #require(names.first { $0.hasPrefix(prefix) }.map { "\(corpus)/\($0)" })
        let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/cases.json"))
        let cases = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: [String: [String: Any]]]])
        let model = try Model(contentsOf: folder)
        for sample in cases {
            // Arrays in files of their own are left to the tool that posts the cases over HTTP.
            guard let feeds = try? sample["feeds"]?.mapValues(feed), let fetches = sample["fetches"] else { continue }
            let answers = try model.run(feeds: feeds, fetches: Array(fetches.keys))
            for (name, expected) in fetches {
                guard let values = expected["data"] as? [NSNumber] else { continue }
                let answer = try #require(answers[name])
                #expect(answer.shape.dimensions == expected["shape"] as? [Int], "\(name)")
                let found = try #require(
                    answer.scalars(as: Float.self)?.map(Double.init) ?? answer.integers?.map(Double.init))
                for (value, wanted) in zip(found, values.map(\.doubleValue)) where !(value.isNaN && wanted.isNaN) {
                    #expect(abs(value - wanted) <= 1e-4 + 1e-3 * abs(wanted), "\(name)")
                }
            }
        }
    }

    private struct Elsewhere: Error {}

    private func feed(_ tensor: [String: Any]) throws -> FeedValue {
        guard let values = tensor["data"] as? [NSNumber], let shape = tensor["shape"] as? [Int] else {
            throw Elsewhere()
        }
        let result: Tensor? =
            switch tensor["dtype"] as? String {
            case "float32": Tensor(values.map(\.floatValue), shape: shape)
            case "float64": Tensor(values.map(\.doubleValue), shape: shape)
            case "int32": Tensor(values.map(\.int32Value), shape: shape)
            case "int64": Tensor(values.map(\.int64Value), shape: shape)
            case "bool": Tensor(values.map(\.boolValue), shape: shape)
            default: nil
            }
        guard let result else { throw Elsewhere() }
        return FeedValue(result)
    }
}
