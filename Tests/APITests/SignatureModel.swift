import Foundation
import Serving
import VectorSupport

/// A SavedModel of several signatures that hand their inputs through: what goes in can be seen in what comes out.
///
/// `serving_default`: inputs a, number, text and, with a default of 2, scale; outputs a * scale, number, text, and text again as bytes.
/// `one`: a to a. `words`: text to text. `scalar`: a to a and a scalar. `uneven`: a and number to both.
enum SignatureModel {
    static func load() throws -> Model {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("metaserve-\(UUID().uuidString)")
            .path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Fixtures.write(Array(text.utf8), to: folder + "/saved_model.pbtxt")
        return try Model(contentsOf: folder, name: "sig")
    }

    private static func placeholder(_ name: String, _ dtype: String, _ dimensions: [Int]) -> String {
        let dims = dimensions.map { "dim { size: \($0) }" }.joined(separator: " ")
        return """
            node { name: "\(name)" op: "Placeholder" attr { key: "dtype" value { type: \(dtype) } }
              attr { key: "shape" value { shape { \(dims) } } } }

            """
    }

    private static func identity(_ name: String, _ input: String, _ dtype: String) -> String {
        "node { name: \"\(name)\" op: \"Identity\" input: \"\(input)\" attr { key: \"T\" value { type: \(dtype) } } }\n"
    }

    private static let graph =
        placeholder("in_a", "DT_FLOAT", [-1, 2]) + placeholder("in_number", "DT_INT32", [-1])
        + placeholder("in_text", "DT_STRING", [-1])
            + """
            node { name: "two" op: "Const" attr { key: "dtype" value { type: DT_FLOAT } }
              attr { key: "value" value { tensor { dtype: DT_FLOAT tensor_shape { } float_val: 2 } } } }
            node { name: "in_scale" op: "PlaceholderWithDefault" input: "two" attr { key: "dtype" value { type: DT_FLOAT } }
              attr { key: "shape" value { shape { unknown_rank: true } } } }
            node { name: "scaled" op: "Mul" input: "in_a" input: "in_scale" attr { key: "T" value { type: DT_FLOAT } } }

            """ + identity("number", "in_number", "DT_INT32") + identity("text", "in_text", "DT_STRING")

    private static func info(_ side: String, _ key: String, _ tensor: String, _ dtype: String, _ shape: String)
        -> String
    {
        """
        \(side) { key: "\(key)" value { name: "\(tensor)" dtype: \(dtype) tensor_shape { \(shape) } } }

        """
    }

    private static let rows = "dim { size: -1 } dim { size: 2 }"
    private static let column = "dim { size: -1 }"
    private static let a = info("inputs", "a", "in_a:0", "DT_FLOAT", rows)
    private static let number = info("inputs", "number", "in_number:0", "DT_INT32", column)
    private static let words = info("inputs", "text", "in_text:0", "DT_STRING", column)
    private static let scaled = info("outputs", "scaled", "scaled:0", "DT_FLOAT", rows)
    private static let numberOut = info("outputs", "number", "number:0", "DT_INT32", column)

    private static let signatures: [(String, String)] = [
        (
            "serving_default",
            a + number + words + info("inputs", "scale", "in_scale:0", "DT_FLOAT", "unknown_rank: true") + scaled
                + numberOut + info("outputs", "text", "text:0", "DT_STRING", column)
                + info("outputs", "text_bytes", "text:0", "DT_STRING", column)
        ),
        ("one", a + scaled), ("words", words + info("outputs", "out", "text:0", "DT_STRING", column)),
        ("scalar", a + scaled + info("outputs", "two", "two:0", "DT_FLOAT", "")),
        ("uneven", a + number + scaled + numberOut),
        ("none", scaled),
    ]

    private static var text: String {
        let definitions = signatures.map { name, content in
            """
            signature_def { key: "\(name)" value { \(content) method_name: "tensorflow/serving/predict" } }

            """
        }
        return "saved_model_schema_version: 1\nmeta_graphs { meta_info_def { tags: \"serve\" } graph_def {\n" + graph
            + "}\n"
            + definitions.joined() + "}\n"
    }
}
