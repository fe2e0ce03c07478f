import Foundation
import Graphs
import Kernels
import TensorFlowProtos
import Tensors
import Testing
import VectorSupport

@testable import Operations

/// An op as a graph's node would have it.
private func makeOp(_ name: String, inputs: Int, _ attributes: [String: AttrValue] = [:]) throws -> any Op {
    var definition = GraphDef()
    var node = NodeDef()
    node.name = "op"
    node.op = name
    node.attr = attributes
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

private func attribute(_ number: Int64) -> AttrValue {
    var value = AttrValue()
    value.i = number
    return value
}

private func attribute(_ truth: Bool) -> AttrValue {
    var value = AttrValue()
    value.b = truth
    return value
}

private func fact<Scalar: TensorScalar>(_ scalars: [Scalar], _ shape: [Int]? = nil) throws -> TensorFact {
    TensorFact(try #require(Tensor(scalars, shape: shape)))
}

private func numbers(_ shape: [Int]) throws -> TensorFact {
    try fact((0..<shape.reduce(1, *)).map { Float($0 * 37 % 101) }, shape)
}

private func file(_ bytes: [UInt8]) throws -> TensorFact {
    TensorFact(try #require(Tensor(strings: [bytes], shape: .scalar)))
}

@Suite("Ops on images")
struct ImageOpTests {
    @Test(
        "Space becomes depth, and depth space, also where channels come first",
        arguments: ["SpaceToDepth", "DepthToSpace"])
    func channelsFirst(_ name: String) throws {
        let block = ["block_size": attribute(2)]
        let images = try numbers([2, 4, 6, 8])
        let first = try makeOp("Transpose", inputs: 2).evaluate([images, try fact([Int32(0), 3, 1, 2])])[0]
        let attributes = block.merging(["data_format": attribute("NCHW")]) { $1 }
        let result = try makeOp(name, inputs: 1, attributes).evaluate([TensorFact(first)])[0]
        let last = try makeOp(name, inputs: 1, block).evaluate([images])[0]
        let expected = try makeOp("Transpose", inputs: 2).evaluate([TensorFact(last), try fact([Int32(0), 3, 1, 2])])[0]
        #expect(result.shape == expected.shape)
        #expect(result.scalars(as: Float.self) == expected.scalars(as: Float.self))
    }

    @Test("A size that no memory has is an error of the request, not a trap")
    func hostileSizes() throws {
        let huge = Int64(1) << 40
        let image = try numbers([1, 2, 2, 1])
        let two = try fact([Int32.max, Int32.max])
        let one = try fact([Float(1), 1])
        let box = try fact([Float(0), 0, 1, 1], [1, 4])
        let pads = try fact([0, 0, huge, huge, huge, huge, 0, 0], [4, 2])
        let cases: [(String, [TensorFact], [String: AttrValue])] = [
            ("Pad", [image, pads], [:]), ("PadV2", [image, pads, try fact([Float(0)], [])], [:]),
            ("MirrorPad", [image, pads], ["mode": attribute("REFLECT")]),
            ("MirrorPadGrad", [image, pads], ["mode": attribute("REFLECT")]),
            ("ResizeBilinear", [image, two], [:]), ("ResizeBicubic", [image, two], [:]),
            ("ResizeArea", [image, two], [:]), ("ResizeNearestNeighbor", [image, two], [:]),
            ("ResizeNearestNeighborGrad", [image, two], [:]), ("ScaleAndTranslate", [image, two, one, one], [:]),
            ("CropAndResize", [image, box, try fact([Int32(0)]), two], [:]),
            ("ExtractGlimpseV2", [image, two, try fact([Float(0), 0], [1, 2])], [:]),
            ("SpaceToBatchND", [image, try fact([huge, huge]), try fact([0, huge - 2, 0, huge - 2], [2, 2])], [:]),
            ("DepthToSpace", [image], ["block_size": attribute(huge)]),
            ("SpaceToDepth", [image], ["block_size": attribute(huge)]),
            (
                "ImageProjectiveTransformV2", [image, try fact([Float](repeating: 0, count: 8), [1, 8]), two],
                ["interpolation": attribute("NEAREST")]
            ),
        ]
        for (name, inputs, attributes) in cases {
            #expect(throws: OpError.self, "\(name)") {
                try makeOp(name, inputs: inputs.count, attributes).evaluate(inputs, RunAccount(limitBytes: 1 << 20))
            }
        }
    }

    @Test("Noise outside of an image is like the image", arguments: ["uniform", "gaussian"])
    func noise(_ kind: String) throws {
        let attributes = ["noise": attribute(kind), "uniform_noise": attribute(kind == "uniform")]
        let op = try makeOp("ExtractGlimpseV2", inputs: 3, attributes)
        #expect(op.traits.contains(.random))
        let image = try fact((0..<32).map { Float($0 % 2 == 0 ? 3 : 7) }, [1, 4, 4, 2])
        let result = try op.evaluate([image, try fact([Int32(20), 20]), try fact([Float(0), 0], [1, 2])])[0]
        let values = try #require(result.scalars(as: Float.self))
        #expect(values.allSatisfy { $0 >= 3 && $0 <= 7 })
        let isMixed = Set(values).count > 2
        #expect(isMixed == (kind == "uniform"), "each channel has one number only")
    }

    @Test("What a damaged file becomes is an image or an error", arguments: [UInt64(1), 2, 3])
    func damagedFiles(_ seed: UInt64) throws {
        var state = seed
        func random(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
        let vectors =
            try VectorFile.read(Fixtures.path("ops/image_files.vectors"))
            + VectorFile.read(Fixtures.path("ops/decoding.vectors"))
        var count = 0
        for vector in vectors where vector.error.isEmpty && vector.node.op.hasPrefix("Decode") && random(4) == 0 {
            let trial = try OpTrial(vector)
            guard let whole = trial.inputs[0].strings?.first, whole.count > 12 else { continue }
            for _ in 0..<8 {
                var bytes = random(4) == 0 ? Array(whole[..<random(whole.count)]) : whole
                for _ in 0..<random(4) where !bytes.isEmpty { bytes[random(bytes.count)] = UInt8(random(256)) }
                let inputs = [try file(bytes)] + trial.inputs.dropFirst().map { TensorFact($0) }
                _ = try? trial.op.evaluate(inputs)
                count += 1
            }
        }
        #expect(count > 200)
    }

    @Test("Boxes are chosen from the best score on, of equal ones the first, also where overlaps lower scores")
    func suppressionOrder() throws {
        // One box in each place of a grid: none overlaps another. The last repeats the first hundred.
        let count = 3000
        let places = (0..<count).map { $0 % (count - 100) }
        let boxes = places.flatMap { place -> [Float] in
            let (top, left) = (Float(place / 60), Float(place % 60))
            return [top, left, top + 0.9, left + 0.9]
        }
        let scores = (0..<count).map { Float($0 * 7919 % 257) / 257 }
        let threshold: Float = 0.25
        var ranked = (0..<count).filter { scores[$0] > threshold }
        ranked.sort { scores[$0] == scores[$1] ? $0 < $1 : scores[$0] > scores[$1] }
        var taken: Set<Int> = []
        let expected = ranked.filter { taken.insert(places[$0]).inserted }
        #expect(expected.count < ranked.count)
        for (sigma, most) in [(Float(0), count), (0, 40), (0.0001, count)] {
            let inputs = [
                try fact(boxes, [count, 4]), try fact(scores), try fact([Int32(most)], []), try fact([Float(0.5)], []),
                try fact([threshold], []), try fact([sigma], []),
            ]
            let outputs = try makeOp("NonMaxSuppressionV5", inputs: 6).evaluate(inputs)
            let chosen = try #require(outputs[0].scalars(as: Int32.self))
            #expect(chosen == expected.prefix(most).map { Int32($0) }, "sigma \(sigma), at most \(most)")
        }
    }

    @Test("A file that claims more pixels than its bytes can hold is refused before memory is taken")
    func claims() throws {
        let vectors = try VectorFile.read(Fixtures.path("ops/decoding.vectors"))
        let vector = try #require(vectors.first { $0.node.op == "DecodeJpeg" && $0.label.hasPrefix("rgb 0") })
        let trial = try OpTrial(vector)
        var bytes = try #require(trial.inputs[0].strings?.first)
        let header = try #require((0..<bytes.count - 1).first { bytes[$0] == 0xff && bytes[$0 + 1] == 0xc0 })
        // Height and width in the frame's header.
        bytes.replaceSubrange(header + 5..<header + 9, with: [0x20, 0, 0x20, 0])
        let expected =
            "jpeg::Uncompress failed. Invalid JPEG data or crop window: the data is too short for an image of that size"
        #expect(throws: OpError.invalid(expected)) { try trial.op.evaluate([try file(bytes)]) }
    }
}
