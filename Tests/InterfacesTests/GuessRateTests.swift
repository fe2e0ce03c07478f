import Foundation
import SwiftProtobuf
import TensorFlowProtos
import Testing
import VectorSupport

/// How often the guessed outputs are those that the author of a published graph fetches. docs/inputs-and-outputs.md has the figures.
///
/// A graph counts for `first` if the first output is one that the author fetches, for `all` if all that he fetches are outputs.
@Suite("Rate of right guesses")
struct GuessRateTests {
    /// The counts of right guesses among some graphs.
    private struct Rate: CustomStringConvertible {
        var graphs = 0
        var first = 0
        var all = 0

        mutating func add(_ outputs: [String], author: [String]) {
            graphs += 1
            first += outputs.first.map(author.contains) == true ? 1 : 0
            all += author.allSatisfy(outputs.contains) ? 1 : 0
        }

        var description: String { "\(graphs) graphs: first \(first), all \(all)" }
    }

    /// Graphs that were not used when the rules were made: owner, repository, the file, and the fetches of the author's code.
    private static let unseen: [(folder: String, file: String, author: [String])] = [
        ("BilleChu+dnn-test-tensorflow", "model.ckpt", ["Sigmoid"]),
        ("Cireou+mnist", "model.ckpt", ["Softmax", "ArgMax"]),
        ("DeepBlurt+vae", "model.ckpt", ["dec_fc5/Sigmoid"]),
        ("EliasHaaralahti+image-number-detector", "model.ckpt", ["add_3", "ArgMax"]),
        ("GauthamPughaz+restaurant-cost-prediction", "model.ckpt", ["Relu_2"]),
        ("IlievskiV+Othello-Neural-Net", "model.ckpt", ["Mul"]),
        ("JonChristensen+tftuts", "model.ckpt", ["add"]),
        ("LeonleonL+Gesture", "model.ckpt", ["Sigmoid"]),
        ("OneRaynyDay+TensorFlowConvnet", "best_model.ckpt", ["ArgMax"]),
        ("QixinLi+auto-couplet", "model.ckpt", ["MatMul_1"]),
        ("RyanChen1204+ECG_CNN", "model.ckpt", ["fully_output_02"]),
        ("raynem+MNIST_tensorflow", "model.ckpt", ["Add_1"]),
        ("silent-chen+mnist-cassandra", "model.ckpt", ["fc2/add"]),
        ("sinnis1991+SVHN_classifier", "model.ckpt", ["svhn_classifier/fc2/add"]),
    ]

    @Test(
        "in the corpus, by halves of its names",
        .enabled(if: Fixtures.corpus != nil, "METASERVE_CORPUS names no folder of published graphs"))
    func corpus() throws {
        let corpus = try #require(Fixtures.corpus)
        let names = try FileManager.default.contentsOfDirectory(atPath: corpus)
        var halves = [Rate(), Rate()]
        for expectation in InterfaceCorpusTests.expectations {
            let name = try #require(names.first { $0.hasPrefix(expectation.folder) })
            let half = name.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 } >> 16 & 1
            halves[Int(half)].add(try Self.outputs(in: "\(corpus)/\(name)"), author: expectation.outputs)
        }
        print("guessed outputs, corpus: half 0: \(halves[0]); half 1: \(halves[1])")
        for half in halves {
            #expect(half.all == half.graphs)
            #expect(half.first * 10 >= half.graphs * 7)
        }
    }

    private static let unseenFolder = ProcessInfo.processInfo.environment["METASERVE_UNSEEN_GRAPHS"]

    @Test(
        "in graphs that nobody tuned the rules by",
        .enabled(
            if: unseenFolder != nil, "METASERVE_UNSEEN_GRAPHS names no folder with OWNER+REPOSITORY__FILE/FILE.meta"))
    func unseenGraphs() throws {
        let folder = try #require(Self.unseenFolder)
        var rate = Rate()
        for graph in Self.unseen {
            let outputs = try Self.outputs(in: "\(folder)/\(graph.folder)__\(graph.file)")
            rate.add(outputs, author: graph.author)
            print("\(graph.folder): fetched \(graph.author), guessed \(outputs)")
        }
        print("guessed outputs, unseen: \(rate)")
        #expect(rate.graphs == Self.unseen.count)
        #expect(rate.all * 10 >= rate.graphs * 7)
    }

    private static func outputs(in folder: String) throws -> [String] {
        let files = try FileManager.default.contentsOfDirectory(atPath: folder)
        let file = try #require(files.first { $0.hasSuffix(".meta") })
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(file)"))
        return try ShownInterface(try MetaGraphDef(serializedBytes: data)).outputs
    }
}
