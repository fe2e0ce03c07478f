import Foundation
import ServerSupport
import Testing
import VectorSupport

/// The line to copy that `GET /` shows, for inputs that are no scalars.
@Suite("The line to copy")
struct ExampleTests {
    /// A graph as text: nodes by name, op, inputs and attributes.
    struct Graph: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let nodes: [String]
        /// What the answer holds.
        let shape: String

        init(_ name: String, shape: String, _ nodes: [String]) {
            testDescription = name
            self.shape = shape
            self.nodes = nodes
        }
    }

    private static func node(_ name: String, _ op: String, _ inputs: String..., attributes: String...) -> String {
        let inputs = inputs.map { "input: \"\($0)\" " }.joined()
        return "node { name: \"\(name)\" op: \"\(op)\" \(inputs)\(attributes.joined(separator: " ")) }"
    }

    private static func attribute(_ key: String, _ value: String) -> String {
        "attr { key: \"\(key)\" value { \(value) } }"
    }

    private static func placeholder(_ name: String, _ dtype: String, _ sizes: [Int]?) -> String {
        let shape = sizes.map { $0.map { "dim { size: \($0) }" }.joined(separator: " ") } ?? "unknown_rank: true"
        return node(
            name, "Placeholder", attributes: attribute("dtype", "type: \(dtype)"),
            attribute("shape", "shape { \(shape) }"))
    }

    private static func constant(_ name: String, _ sizes: [Int]) -> String {
        let shape = sizes.map { "dim { size: \($0) }" }.joined(separator: " ")
        return node(
            name, "Const", attributes: attribute("dtype", "type: DT_FLOAT"),
            attribute("value", "tensor { dtype: DT_FLOAT tensor_shape { \(shape) } float_val: 0.5 }"))
    }

    private static let float = attribute("T", "type: DT_FLOAT")

    /// A convolution and the mean over the places of its output: an image gives a number for each of two channels.
    private static func convolution(_ input: String, stride: Int = 4) -> [String] {
        [
            constant("filter", [5, 5, 3, 2]),
            node(
                "conv", "Conv2D", input, "filter",
                attributes: float, attribute("padding", "s: \"VALID\""),
                attribute("strides", "list { i: 1 i: \(stride) i: \(stride) i: 1 }")),
            node(
                "places", "Const", attributes: attribute("dtype", "type: DT_INT32"),
                attribute("value", "tensor { dtype: DT_INT32 tensor_shape { dim { size: 2 } } int_val: 1 int_val: 2 }")),
            node(
                "out", "Mean", "conv", "places", attributes: float, attribute("Tidx", "type: DT_INT32")),
        ]
    }

    private static func cast(_ name: String, _ input: String, from dtype: String) -> String {
        node(
            name, "Cast", input, attributes: attribute("SrcT", "type: \(dtype)"), attribute("DstT", "type: DT_FLOAT"))
    }

    private static let graphs = [
        Graph(
            "an image of 224 x 224 x 3", shape: "[[0.0,0.0]]",
            [placeholder("x", "DT_FLOAT", [-1, 224, 224, 3])] + convolution("x")),
        Graph(
            "an image of any size", shape: "[[0.0,0.0]]",
            [placeholder("x", "DT_FLOAT", [-1, -1, -1, 3])] + convolution("x")),
        Graph(
            "an image of which the graph tells nothing but that it is convolved", shape: "[[0.0,0.0]]",
            [placeholder("x", "DT_UINT8", nil), cast("pixels", "x", from: "DT_UINT8")] + convolution("pixels")),
        Graph(
            "a vector of which only the weights tell the size", shape: "[[0.0,0.0]]",
            [
                placeholder("x", "DT_FLOAT", nil),
                constant("w", [300, 2]), node("out", "MatMul", "x", "w", attributes: float),
            ]),
        Graph(
            "the file of an image", shape: "[[[128.0]]]",
            [
                placeholder("file", "DT_STRING", []),
                node(
                    "image", "DecodePng", "file", attributes: attribute("channels", "i: 1"),
                    attribute("dtype", "type: DT_UINT8")),
                cast("out", "image", from: "DT_UINT8"),
            ]),
        Graph(
            "many strings", shape: "[[\"\"",
            [
                placeholder("words", "DT_STRING", [-1, 150]),
                node("out", "Identity", "words", attributes: attribute("T", "type: DT_STRING")),
            ]),
        Graph(
            "large and small inputs together", shape: "[[0.0,0.0",
            [
                placeholder("x", "DT_FLOAT", [-1, 2000]), placeholder("n", "DT_INT64", []),
                cast("m", "n", from: "DT_INT64"), node("out", "Mul", "x", "m", attributes: float),
            ]),
    ]

    @Test("it runs, and is short", arguments: graphs)
    func runs(_ graph: Graph) throws {
        let folder = Scratch()
        try Fixtures.write(Array(graph.nodes.joined(separator: "\n").utf8), to: folder.path + "/graph.pbtxt")
        let server = try RunningServer(folder.path)
        let text = try Program.curl(server.address + "/")
        let lines = text.split(separator: "\n").map(String.init)
        let place = try #require(lines.firstIndex(of: "Try"), "\(text)")
        #expect(lines[place + 1].count < 700)
        let result = try Program.launch("/bin/sh", ["-c", lines[place + 1]])
        #expect(
            result.output.hasPrefix("{\"outputs\":{\"out:0\":\(graph.shape)"),
            "\(lines[place + 1]): \(result.output.prefix(300))")
        #expect(server.stop() == 0)
    }
}
