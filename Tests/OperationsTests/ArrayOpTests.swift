import Foundation
import Graphs
import Kernels
import TensorFlowProtos
import Tensors
import Testing

@testable import Operations

/// An op as a graph's node would have it.
private func makeOp(_ name: String, inputs: Int, _ attributes: [String: AttrValue] = [:]) throws -> any Op {
    var node = NodeDef()
    node.name = "op"
    node.op = name
    node.attr = attributes
    var definition = GraphDef()
    for index in 0..<inputs {
        var placeholder = NodeDef()
        placeholder.name = "i\(index)"
        placeholder.op = "Placeholder"
        definition.node.append(placeholder)
        node.input.append(placeholder.name)
    }
    definition.node.append(node)
    let entry = try #require(OpTable.entries[name])
    return try entry.make(NodeReader(try #require(try Graph(definition).node(named: "op"))))
}

private func attribute(_ text: String) -> AttrValue {
    var value = AttrValue()
    value.s = .init(text.utf8)
    return value
}

private func attribute(_ numbers: [Int64]) -> AttrValue {
    var value = AttrValue()
    value.list.i = numbers
    return value
}

private func attribute(_ number: Int64) -> AttrValue {
    var value = AttrValue()
    value.i = number
    return value
}

private func fact<Scalar: TensorScalar>(_ scalars: [Scalar], _ shape: [Int]? = nil) throws -> TensorFact {
    TensorFact(try #require(Tensor(scalars, shape: shape)))
}

private func numbers(_ shape: [Int]) throws -> TensorFact {
    try fact((0..<shape.reduce(1, *)).map { Float($0 * 37 % 101 - 50) }, shape)
}

@Suite("Ops on arrays and images")
struct ArrayOpTests {
    private func transpose(_ tensor: Tensor, _ perm: [Int32]) throws -> Tensor {
        try makeOp("Transpose", inputs: 2).evaluate([TensorFact(tensor), try fact(perm)])[0]
    }

    @Test(
        "Images whose channels come first give what they give with the channels last",
        arguments: ["Conv2D", "MaxPool", "AvgPool"], ["SAME", "VALID"])
    func channelsFirst(_ name: String, _ padding: String) throws {
        let isConvolution = name == "Conv2D"
        let images = try #require(try numbers([2, 6, 5, 4]).value)
        let others = isConvolution ? [try numbers([3, 2, 2, 6])] : []
        func attributes(_ format: String, _ strides: [Int64], _ sizes: [Int64]) -> [String: AttrValue] {
            var result = [
                "data_format": attribute(format), "padding": attribute(padding), "strides": attribute(strides),
            ]
            if !isConvolution { result["ksize"] = attribute(sizes) }
            return result
        }
        let last = try makeOp(name, inputs: isConvolution ? 2 : 1, attributes("NHWC", [1, 2, 1, 1], [1, 3, 2, 1]))
        let first = try makeOp(name, inputs: isConvolution ? 2 : 1, attributes("NCHW", [1, 1, 2, 1], [1, 1, 3, 2]))
        let expected = try transpose(try last.evaluate([TensorFact(images)] + others)[0], [0, 3, 1, 2])
        let turned = try transpose(images, [0, 3, 1, 2])
        let result = try first.evaluate([TensorFact(turned)] + others)[0]
        #expect(result.shape == expected.shape)
        #expect(result.scalars(as: Float.self) == expected.scalars(as: Float.self))
    }

    @Test("A size that no memory has is an error of the request, not a trap")
    func hostileSizes() throws {
        let huge = Int64(1) << 40
        let one = try numbers([])
        let cases: [(String, [TensorFact])] = [
            ("Fill", [try fact([huge]), one]),
            ("Fill", [try fact([huge, huge]), one]),
            ("Fill", [try fact([Int64](repeating: 1, count: 300)), one]),
            ("Tile", [try numbers([2, 2]), try fact([huge, 1])]),
            ("Tile", [try numbers([2, 2]), try fact([huge, huge])]),
            ("Tile", [try numbers([2, 2]), try fact([Int64.max, 1])]),
            ("Range", [try fact([Int64(0)], []), try fact([huge], []), try fact([Int64(1)], [])]),
            ("Range", [try fact([Int64.min], []), try fact([Int64.max], []), try fact([Int64(1)], [])]),
            ("OneHot", [try fact([Int32(1), 2]), try fact([Int32.max], []), one, one]),
            ("Reshape", [try numbers([2]), try fact([huge, huge])]),
            ("Reshape", [try numbers([2]), try fact([Int64](repeating: 1, count: 300))]),
            ("Slice", [try numbers([2]), try fact([Int64.max]), try fact([Int64.max])]),
            ("ExpandDims", [try numbers([2]), try fact([Int64.min], [])]),
            ("Transpose", [try numbers([2]), try fact([Int64.min])]),
        ]
        for (name, inputs) in cases {
            let op = try makeOp(name, inputs: inputs.count)
            #expect(throws: OpError.self, "\(name)") { try op.evaluate(inputs, RunAccount(limitBytes: 1 << 20)) }
        }
    }

    @Test("Rules of ops that read values say no more than is known of vectors of any length")
    func hostileLengths() throws {
        let long = TensorFact(.int64, PartialShape([1 << 40]))
        let matrix = TensorFact(.float32, PartialShape([-1, 3]))
        for (name, inputs) in [
            ("Reshape", [matrix, long]), ("Fill", [long, TensorFact(.float32, .scalar)]), ("Tile", [matrix, long]),
            ("Transpose", [matrix, long]), ("Slice", [matrix, long, long]),
        ] {
            let op = try makeOp(name, inputs: inputs.count)
            #expect(throws: OpError.self, "\(name)") { try op.outputs(for: inputs) }
        }
        let unknown = TensorFact(.float32, .unknown)
        #expect(try makeOp("StridedSlice", inputs: 4).outputs(for: [unknown, long, long, long])[0].shape == .unknown)
    }

    @Test("Shape, Size and Rank are known as soon as the shape is, and Rank before")
    func queriesGiveValues() throws {
        let known = TensorFact(.string, PartialShape([2, 0, 3]))
        let partial = TensorFact(.string, PartialShape([-1, 3]))
        #expect(try makeOp("Shape", inputs: 1).outputs(for: [known])[0].integers == [2, 0, 3])
        #expect(try makeOp("Size", inputs: 1).outputs(for: [known])[0].integers == [0])
        #expect(try makeOp("Rank", inputs: 1).outputs(for: [partial])[0].integers == [2])
        let shape = try makeOp("Shape", inputs: 1).outputs(for: [partial])[0]
        #expect(shape.integers == nil)
        #expect(shape.shape == PartialShape([2]))
    }

    @Test("Shapes are told as far as they are known")
    func partialShapes() throws {
        let images = TensorFact(.float32, PartialShape([-1, 28, 28, 1]))
        let filter = TensorFact(.float32, PartialShape([5, 5, 1, 32]))
        let strides = ["strides": attribute([1, 2, 2, 1]), "padding": attribute("SAME")]
        #expect(
            try makeOp("Conv2D", inputs: 2, strides).outputs(for: [images, filter])[0].shape
                == PartialShape([-1, 14, 14, 32]))
        let flat = try makeOp("Reshape", inputs: 2).outputs(for: [images, try fact([Int32(-1), 784])])
        #expect(flat[0].shape == PartialShape([-1, 784]))
        let weights = TensorFact(.float32, PartialShape([784, 10]))
        #expect(try makeOp("MatMul", inputs: 2).outputs(for: [flat[0], weights])[0].shape == PartialShape([-1, 10]))
        let column = ["shrink_axis_mask": attribute(2), "begin_mask": attribute(1), "end_mask": attribute(1)]
        let begin = TensorFact(.int32, PartialShape([2]))
        let step = try fact([Int32(1), 1])
        #expect(
            try makeOp("StridedSlice", inputs: 4, column).outputs(for: [flat[0], begin, begin, step])[0].shape
                == PartialShape([-1]))
    }

    @Test("An index out of range tells where it is, and what would be in range")
    func indexOutOfRange() throws {
        let gather = try makeOp("GatherV2", inputs: 3)
        let inputs = [try numbers([4, 3]), try fact([Int32(0), 1, 3, 2], [2, 2]), try fact([Int32(1)], [])]
        #expect(throws: Fault(.indexOutOfRange(position: 2, value: 3, limit: 3, of: Shape([2, 2])))) {
            try gather.evaluate(inputs)
        }
        let fault = Fault(.indexOutOfRange(position: 2, value: 3, limit: 3, of: Shape([2, 2])))
        #expect("\(fault)" == "indices[1,0] = 3 is not in [0, 3)")
        #expect(
            "\(Fault(.indexOutOfRange(position: 0, value: 9, limit: 3, of: .scalar)))" == "indices = 9 is not in [0, 3)"
        )
        #expect("\(Fault(.indexOutOfRange(position: 5, value: 9, limit: 3)))" == "indices[5] = 9 is not in [0, 3)")
    }
}
