import Execution
import Foundation
import Serving
import Tensors
import Testing
import VectorSupport

/// Models of the corpus, and of a folder that the environment names, each with recorded cases.
private let folders: [String] = {
    let parents = [Fixtures.corpus, ProcessInfo.processInfo.environment["METASERVE_ZOO"]].compactMap(\.self)
    return parents.flatMap { parent in
        ((try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []).sorted().map { "\(parent)/\($0)" }
    }.filter { FileManager.default.fileExists(atPath: $0 + "/cases.json") }
}()

@Suite(
    "Batches of published models",
    .enabled(if: !folders.isEmpty, "METASERVE_CORPUS names no folder of published graphs"))
struct BatchCorpusTests {
    @Test("what is run as one gives the answers of single runs", arguments: folders)
    func cases(_ folder: String) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/cases.json"))
        let cases = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: [String: [String: Any]]]])
        let model = try Model(contentsOf: folder)
        for sample in cases {
            guard let feeds = sample["feeds"], let fetches = sample["fetches"]?.keys.sorted() else { continue }
            let names = feeds.keys.sorted()
            for fetch in fetches {
                let callable = try model.callable(feeds: names, fetches: [fetch])
                var requests: [[Tensor]] = []
                for seed in 0..<4 {
                    var tensors: [Tensor] = []
                    for (name, argument) in zip(names, callable.feeds) {
                        let feed = try #require(feeds[name])
                        let tensor = try Self.tensor(feed, argument, seed: seed)
                        tensors.append(try #require(tensor))
                    }
                    requests.append(tensors)
                }
                let outcome = try Self.compare(callable, requests)
                print("batch of \(model.name), \(fetch) from \(names.joined(separator: ", ")): \(outcome)")
            }
        }
    }

    /// Runs requests together, and each alone.
    private static func compare(_ callable: Callable, _ requests: [[Tensor]]) throws -> String {
        let tasks = requests.map { BatchTask(callable, $0) }
        BatchRun(ModelQueue()).run(tasks)
        guard tasks[0].times.batchSize > 1 else { return "alone" }
        var largest = 0.0
        for (task, request) in zip(tasks, requests) {
            let answer = try #require(task.answers.first?.first)
            let alone = try #require(try callable.run(request).first)
            #expect(answer.shape == alone.shape)
            let (mine, theirs) = (try numbers(answer), try numbers(alone))
            let scale = theirs.map(abs).filter(\.isFinite).max() ?? 0
            for (one, other) in zip(mine, theirs) where one != other && !(one.isNaN && other.isNaN) {
                largest = max(largest, abs(one - other) / max(scale, .leastNormalMagnitude))
            }
        }
        #expect(largest <= 1e-5)
        return "together, \(largest) apart"
    }

    private static func numbers(_ tensor: Tensor) throws -> [Double] {
        if let floats = tensor.scalars(as: Float.self) { return floats.map(Double.init) }
        if let doubles = tensor.scalars(as: Double.self) { return doubles }
        if let truths = tensor.scalars(as: Bool.self) { return truths.map { $0 ? 1 : 0 } }
        let integers: [Int] = try #require(tensor.integers)
        return integers.map(Double.init)
    }

    /// The recorded tensor, changed from request to request where there are rows; of one that is not in the file, the shape.
    private static func tensor(_ feed: [String: Any], _ argument: Callable.Argument, seed: Int) throws -> Tensor? {
        var shape = try #require(feed["shape"] as? [Int])
        let recorded = (feed["data"] as? [NSNumber])?.map(\.doubleValue)
        let isOpen = !shape.isEmpty && argument.shape.dimensions?.first ?? -1 < 0
        if isOpen, seed > 1 { shape[0] = 1 }
        let count = shape.reduce(1, *)
        let values = (0..<count).map { index in
            guard let recorded, !recorded.isEmpty else { return Double((index * 31 + seed * 7) % 97) / 97 }
            return recorded[(index + (isOpen ? seed * 5 : 0)) % recorded.count]
        }
        return switch argument.dtype {
        case .float32: Tensor(values.map(Float.init), shape: shape)
        case .float64: Tensor(values, shape: shape)
        case .int32: Tensor(values.map { Int32($0) }, shape: shape)
        case .int64: Tensor(values.map { Int64($0) }, shape: shape)
        case .bool: Tensor(values.map { $0 != 0 }, shape: shape)
        case .uint8: Tensor(values.map { UInt8($0) }, shape: shape)
        default: nil
        }
    }
}
