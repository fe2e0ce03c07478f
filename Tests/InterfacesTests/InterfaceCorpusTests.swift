import Foundation
import SwiftProtobuf
import TensorFlowProtos
import Testing
import VectorSupport

/// What is shown of graphs that people published; not a part of the project.
@Suite(
    "Inputs and outputs of published graphs",
    .enabled(if: Fixtures.corpus != nil, "METASERVE_CORPUS names no folder of published graphs"))
struct InterfaceCorpusTests {
    /// The tensors that a person feeds, and those that they call outputs.
    struct Expectation: Sendable, CustomTestStringConvertible {
        /// How the folder's name begins.
        let folder: String
        let inputs: [String]
        let outputs: [String]

        var testDescription: String { folder }
    }

    static let expectations = [
        Expectation(
            folder: "59161146+", inputs: ["image_tensor"],
            outputs: ["detection_boxes", "detection_scores", "detection_classes", "num_detections"]),
        Expectation(folder: "Aplain+", inputs: ["input", "istate"], outputs: ["inference/add_1"]),
        Expectation(folder: "BUAAQingYuan+", inputs: ["Placeholder", "dropout_keep_prob"], outputs: ["ArgMax"]),
        Expectation(
            folder: "Brickhoff+",
            inputs: [
                "uid", "user_gender", "user_age", "user_job", "movie_id", "movie_categories", "movie_titles",
                "dropout_keep_prob",
            ], outputs: ["inference/Sum"]),
        Expectation(folder: "Code-Xiang+", inputs: [], outputs: ["weights/read", "biases/read"]),
        Expectation(
            folder: "Dormir30+", inputs: ["Placeholder", "Placeholder_1", "Placeholder_5"],
            outputs: ["ArgMax", "Sigmoid"]),
        Expectation(folder: "HUFSinforms+", inputs: ["Placeholder_3"], outputs: ["Sigmoid"]),
        Expectation(folder: "KeplerC+", inputs: ["Placeholder"], outputs: ["Sigmoid"]),
        Expectation(folder: "LeanderLXZ+", inputs: ["Placeholder"], outputs: ["ArgMax", "Add"]),
        Expectation(folder: "MattChubb+", inputs: ["Placeholder_1", "Placeholder"], outputs: ["BiasAdd_4"]),
        Expectation(folder: "NoahRJohnson+", inputs: ["Placeholder"], outputs: ["Softmax"]),
        Expectation(
            folder: "ShenghanGao+", inputs: ["trainModel_1/Placeholder"], outputs: ["trainModel_1/Softmax"]),
        Expectation(
            folder: "Wallace00V+", inputs: ["Placeholder", "Placeholder_2", "Placeholder_4"],
            outputs: ["ArgMax", "ArgMax_2", "ArgMax_4", "fc/Softmax"]),
        Expectation(
            folder: "YangLiliang+", inputs: ["input", "input_1"], outputs: ["q/output/BiasAdd", "t/output/BiasAdd"]),
        Expectation(folder: "adamberecz111+", inputs: ["Placeholder"], outputs: ["ArgMax", "add_5"]),
        Expectation(
            folder: "agoila+", inputs: ["input", "source_sequence_length", "target_sequence_length"],
            outputs: ["predictions", "logits"]),
        Expectation(
            folder: "akadahiroyasu+", inputs: ["input_z", "input_real"],
            outputs: ["generator_1/Tanh", "discriminator/Sigmoid"]),
        Expectation(folder: "juwangvsu+pybullet_ex__model", inputs: [], outputs: ["Variable/read"]),
        Expectation(folder: "juwangvsu+pybullet_ex__my_test", inputs: [], outputs: ["w1_1/read", "w2_1/read"]),
        Expectation(folder: "michaelhtleung+", inputs: ["X", "Placeholder"], outputs: ["ArgMax", "add_3"]),
        Expectation(folder: "mnpathak1+", inputs: ["Placeholder_1", "Placeholder"], outputs: ["Softmax", "ArgMax"]),
        Expectation(
            folder: "simcity429+",
            inputs: ["Placeholder", "Placeholder_1", "Placeholder_2", "Placeholder_3", "input_1", "input_2"],
            outputs: ["model/lambda_3/add", "model_3/lambda_7/add", "lambda_3/add", "dense_6/BiasAdd"]),
    ]

    @Test("are what a person would call so", arguments: expectations)
    func shows(_ expectation: Expectation) throws {
        let shown = try Self.shown(expectation.folder)
        let data = shown.inputs.filter { !$0.hasSuffix("need it") && !$0.hasSuffix("needs it") }
            .map { $0.split(separator: ":")[0] }
        for input in expectation.inputs { #expect(data.contains { $0 == input }, "\(shown.inputs)") }
        for output in expectation.outputs { #expect(shown.outputs.contains(output), "\(shown.outputs)") }
    }

    @Test("are not what savers, optimisers, summaries and gradients have", arguments: expectations)
    func hides(_ expectation: Expectation) throws {
        let shown = try Self.shown(expectation.folder)
        for name in shown.inputs + shown.outputs {
            let words = name.lowercased()
            for hidden in ["save", "adam", "gradients", "momentum", "beta1", "init", "summary", "learning_rate"] {
                #expect(!words.contains(hidden), "\(name)")
            }
        }
    }

    @Test("what people feed is among the inputs", arguments: expectations)
    func feeds(_ expectation: Expectation) throws {
        let folder = try Self.path(expectation.folder)
        let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/cases.json"))
        let cases = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: [String: Any]]])
        let inputs = try Self.shown(expectation.folder).inputs.map { String($0.split(separator: ":")[0]) }
        for sample in cases {
            for (name, _) in sample["feeds"] ?? [:] {
                let node = String(name.split(separator: ":")[0])
                #expect(inputs.contains(node))
            }
        }
    }

    private static func path(_ prefix: String) throws -> String {
        let corpus = try #require(Fixtures.corpus)
        let names = try FileManager.default.contentsOfDirectory(atPath: corpus)
        return try #require(names.first { $0.hasPrefix(prefix) }.map { "\(corpus)/\($0)" })
    }

    private static func shown(_ prefix: String) throws -> ShownInterface {
        let folder = try path(prefix)
        let files = try FileManager.default.contentsOfDirectory(atPath: folder)
        let file = try #require(files.first { $0.hasSuffix(".meta") })
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(file)"))
        return try ShownInterface(try MetaGraphDef(serializedBytes: data))
    }
}
