import FoundationEssentials
import Kernels
import Operations
import TensorFlowProtos
import Tensors
import Testing

@Suite("Roles of ops")
struct OpRoleTests {
    private func fact(_ dimensions: Int..., dtype: DataType = .float32) -> TensorFact {
        TensorFact(dtype, PartialShape(dimensions))
    }

    private func constant(_ numbers: [Float], _ dimensions: [Int]? = nil) throws -> TensorFact {
        TensorFact(try #require(Tensor(numbers, shape: dimensions ?? [numbers.count])))
    }

    private func attribute(_ value: Bool) -> AttrValue {
        var attribute = AttrValue()
        attribute.b = value
        return attribute
    }

    private func attribute(_ value: Float) -> AttrValue {
        var attribute = AttrValue()
        attribute.f = value
        return attribute
    }

    private func attribute(_ value: String) -> AttrValue {
        var attribute = AttrValue()
        attribute.s = Data(value.utf8)
        return attribute
    }

    /// `strides` and `padding` of windows.
    private func window(_ rank: Int, format: String? = nil) -> [String: AttrValue] {
        var strides = AttrValue()
        strides.list.i = Array(repeating: 1, count: rank)
        var attributes = ["strides": strides, "padding": attribute("SAME")]
        if let format { attributes["data_format"] = attribute(format) }
        return attributes
    }

    // MARK: - Linear ops

    private func roles(
        _ name: String, _ attributes: [String: AttrValue] = [:], _ inputs: [TensorFact]
    ) throws -> [LinearRole] {
        let op = try #require(try plainOp(name, inputs: inputs.count, attributes) as? any LinearOp)
        return op.linearRoles(inputs)
    }

    @Test("A convolution tells where the channels of its weight and its output lie")
    func convolutions() throws {
        let last = try roles("Conv2D", window(4), [fact(1, 5, 5, 3), fact(2, 2, 3, 7)])
        #expect(last.count == 1)
        #expect(last.first?.weight == 1)
        #expect(last.first?.weightAxes == [3])
        #expect(last.first?.outputAxis == 3)
        let first = try roles("Conv2D", window(4, format: "NCHW"), [fact(1, 3, 5, 5), fact(2, 2, 3, 7)])
        #expect(first.first?.outputAxis == 1)
        let depthwise = try roles("DepthwiseConv2dNative", window(4), [fact(1, 5, 5, 3), fact(2, 2, 3, 2)])
        #expect(depthwise.first?.weightAxes == [2, 3])
        let volumes = try roles("Conv3D", window(5), [fact(1, 5, 5, 5, 3), fact(2, 2, 2, 3, 7)])
        #expect(volumes.first?.weightAxes == [4])
        #expect(volumes.first?.outputAxis == 4)
    }

    @Test("Either matrix of a product may be the weight")
    func products() throws {
        let inputs = [fact(2, 3), fact(3, 4)]
        let plain = try roles("MatMul", [:], inputs)
        #expect(plain.map(\.weight) == [1, 0])
        #expect(plain.map(\.weightAxes) == [[1], [0]])
        #expect(plain.map(\.outputAxis) == [1, 0])
        let transposed = try roles(
            "MatMul", ["transpose_a": attribute(true), "transpose_b": attribute(true)], [fact(3, 2), fact(4, 3)])
        #expect(transposed.map(\.weightAxes) == [[0], [1]])
        let batched = try roles("BatchMatMulV2", [:], [fact(5, 2, 3), fact(3, 4)])
        #expect(batched.map(\.weightAxes) == [[1], [1]])
        #expect(batched.map(\.outputAxis) == [2, 1])
        #expect(try roles("BatchMatMulV2", [:], [TensorFact(.float32, .unknown), fact(3, 4)]).isEmpty)
        #expect(try roles("MatMul", [:], [fact(2, 3, dtype: .complex64), fact(3, 4, dtype: .complex64)]).isEmpty)
    }

    /// To scale the weight along its axes must be to scale the output along its axis.
    @Test(
        "Scaled channels of the weight are scaled channels of the output",
        arguments: ["Conv2D", "DepthwiseConv2dNative", "MatMul", "BatchMatMulV2"])
    func scaling(_ name: String) throws {
        let isProduct = name.contains("MatMul")
        let dataShape = isProduct ? [3, 2] : [1, 2, 2, 2]
        let weightShape = isProduct ? [2, 4] : [1, 2, 2, 2]
        let op = try plainOp(name, inputs: 2, isProduct ? [:] : window(4))
        let data = try constant((0..<dataShape.reduce(1, *)).map { Float($0) - 2 }, dataShape)
        let weights = (0..<weightShape.reduce(1, *)).map { Float($0 * $0 % 7) }
        let role = try #require((op as? any LinearOp)?.linearRoles([data, try constant(weights, weightShape)]).first)
        let plain = try op.evaluate([data, try constant(weights, weightShape)])[0]
        let channels = role.weightAxes.map { weightShape[$0] }
        let factors = (0..<channels.reduce(1, *)).map { Float($0 + 2) }
        let scaled = weights.enumerated().map { index, weight in
            let place = places(of: index, weightShape)
            let channel = role.weightAxes.reduce(0) { $0 * weightShape[$1] + place[$1] }
            return weight * factors[channel]
        }
        let result = try op.evaluate([data, try constant(scaled, weightShape)])[0]
        let expected = try #require(plain.scalars(as: Float.self)).enumerated().map { index, number in
            number * factors[places(of: index, plain.shape.dimensions)[role.outputAxis]]
        }
        #expect(result.scalars(as: Float.self) == expected)
    }

    private func places(of index: Int, _ shape: [Int]) -> [Int] {
        var rest = index
        var result: [Int] = []
        for size in shape.reversed() {
            result.insert(rest % size, at: 0)
            rest /= size
        }
        return result
    }

    // MARK: - Scale and shift

    /// The op gives what its scale and shift give, for images with two channels in the last axis.
    private func check(
        _ name: String, _ attributes: [String: AttrValue] = [:], data: Int = 0, with operands: [TensorFact]
    ) throws {
        let numbers: [Float] = [1, 2, 3, 4, -5, 6, 7, -8]
        var inputs = operands
        inputs.insert(try constant(numbers, [1, 2, 2, 2]), at: data)
        let op = try plainOp(name, inputs: inputs.count, attributes)
        let affine = try #require((op as? any ChannelAffineOp)?.channelAffine(of: data, inputs))
        let (scale, shift) = try #require(affine.coefficients(inputs))
        let result = try #require(try op.evaluate(inputs)[0].scalars(as: Float.self))
        for (index, number) in numbers.enumerated() {
            let channel = scale.count == 1 ? 0 : index % 2
            let expected = Double(number) * scale[channel] + shift[channel]
            #expect(abs(Double(result[index]) - expected) < 1e-5, "\(name), element \(index)")
        }
        if scale.count > 1 { #expect(affine.axis == 3) }
    }

    @Test("A normalisation by given moments is a scale and a shift for each channel")
    func normalizations() throws {
        let moments = [
            try constant([2, 3]), try constant([1, -1]), try constant([0.5, 4]), try constant([2, 0.25]),
        ]
        for name in ["FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"] {
            try check(name, ["is_training": attribute(false), "epsilon": attribute(0.01)], with: moments)
        }
        for scales in [true, false] {
            try check(
                "BatchNormWithGlobalNormalization",
                ["variance_epsilon": attribute(0.01), "scale_after_normalization": attribute(scales)],
                with: [moments[2], moments[3], moments[1], moments[0]])
        }
        let training = try plainOp("FusedBatchNormV3", inputs: 5, ["is_training": attribute(true)])
        let inputs = [fact(1, 2, 2, 2)] + moments
        #expect((training as? any ChannelAffineOp)?.channelAffine(of: 0, inputs) == nil)
    }

    @Test("Arithmetic with a number for each channel is a scale or a shift")
    func arithmetic() throws {
        let numbers = try constant([2, -4])
        for name in ["BiasAdd", "Add", "AddV2", "Sub", "Mul", "RealDiv"] { try check(name, with: [numbers]) }
        for name in ["Add", "Sub", "Mul"] { try check(name, data: 1, with: [numbers]) }
        try check("Mul", with: [try constant([3], [])])
        try check("Sub", with: [try constant([2, -4], [1, 1, 1, 2])])
    }

    @Test("Arithmetic that mixes axes, or makes the data larger, is not")
    func otherArithmetic() throws {
        let op = try #require(try plainOp("Mul", inputs: 2) as? any ChannelAffineOp)
        #expect(op.channelAffine(of: 0, [fact(1, 2, 2, 2), fact(2, 2)]) == nil)
        #expect(op.channelAffine(of: 0, [fact(2, 1), fact(2)]) == nil)
        #expect(op.channelAffine(of: 0, [fact(2), fact(1, 2)]) == nil)
        #expect(op.channelAffine(of: 0, [fact(2, -1), fact(3)]) == nil)
        #expect(op.channelAffine(of: 0, [fact(2, 2, dtype: .int32), fact(2, dtype: .int32)]) == nil)
        let division = try #require(try plainOp("RealDiv", inputs: 2) as? any ChannelAffineOp)
        #expect(division.channelAffine(of: 1, [fact(2), fact(3, 2)]) == nil)
    }

    // MARK: - Elementwise ops and movements

    @Test("An elementwise op shows its formula")
    func formulas() throws {
        func formula(_ name: String, inputs: Int, _ attributes: [String: AttrValue] = [:]) throws -> ElementwiseFormula?
        {
            try (plainOp(name, inputs: inputs, attributes) as? any ElementwiseOp)?.elementwiseFormula
        }
        #expect(try formula("Tanh", inputs: 1) == .unary(.tanh))
        #expect(try formula("Mul", inputs: 2) == .binary(.multiply))
        #expect(try formula("ClipByValue", inputs: 3) == .ternary(.clip))
        #expect(try formula("LeakyRelu", inputs: 1, ["alpha": attribute(0.5)]) == .leakyRelu(alpha: 0.5))
        #expect(try formula("AddN", inputs: 3) == .sum)
        #expect(try formula("BiasAdd", inputs: 2) == .binary(.add))
        #expect(try formula("BiasAdd", inputs: 2, ["data_format": attribute("NCHW")]) == nil)
        #expect(try formula("Equal", inputs: 2) == .binary(.equal))
        #expect(try formula("Equal", inputs: 2, ["incompatible_shape_error": attribute(false)]) == nil)
        #expect(try formula("Softmax", inputs: 1) == nil)
    }

    @Test("A movement is known as soon as its permutation is")
    func movements() throws {
        let transpose = try #require(try plainOp("Transpose", inputs: 2) as? any MovementOp)
        let permutation = TensorFact(try #require(Tensor([0, -1, 1] as [Int32])))
        #expect(transpose.movement([fact(2, 3, 4), permutation]) == .transpose(permutation: [0, 2, 1]))
        #expect(transpose.movement([fact(2, 3, 4), fact(3, dtype: .int32)]) == nil)
        for (name, inputs) in [("Reshape", 2), ("ExpandDims", 2), ("Squeeze", 1)] {
            let op = try #require(try plainOp(name, inputs: inputs) as? any MovementOp)
            #expect(op.movement([fact(2, 1), fact(1, dtype: .int32)]) == .reshape)
        }
    }

    @Test("An op over images has a twin for images whose channels come last, if they come first")
    func images() throws {
        let first = fact(2, 3, 6, 5)
        var pool = window(4, format: "NCHW")
        pool["ksize"] = pool["strides"]
        let numbers = Array(repeating: fact(3), count: 4)
        let cases: [(String, [String: AttrValue], [TensorFact], [Int])] = [
            ("Conv2D", window(4, format: "NCHW"), [first, fact(2, 2, 3, 7)], [2, 6, 5, 7]),
            ("DepthwiseConv2dNative", window(4, format: "NCHW"), [first, fact(2, 2, 3, 2)], [2, 6, 5, 6]),
            ("MaxPool", pool, [first], [2, 6, 5, 3]),
            ("BiasAdd", ["data_format": attribute("NCHW")], [first, fact(3)], [2, 6, 5, 3]),
            (
                "FusedBatchNorm", ["data_format": attribute("NCHW"), "is_training": attribute(false)],
                [first] + numbers, [2, 6, 5, 3]
            ),
        ]
        for (name, attributes, inputs, shape) in cases {
            let op = try #require(try plainOp(name, inputs: inputs.count, attributes) as? any ImageOp)
            let twin = try #require(op.channelsLast(inputs), "\(name)")
            let outputs = try twin.outputs(for: [fact(2, 6, 5, 3)] + inputs.dropFirst())
            #expect(outputs[0].shape == PartialShape(shape))
            var last = attributes
            last["data_format"] = nil
            let same = try #require(try plainOp(name, inputs: inputs.count, last) as? any ImageOp)
            #expect(same.channelsLast([fact(2, 6, 5, 3)] + inputs.dropFirst()) == nil)
            #expect(AnyHashable(twin) == AnyHashable(same))
        }
        let training = try plainOp("FusedBatchNorm", inputs: 5, ["data_format": attribute("NCHW")]) as? any ImageOp
        #expect(training?.channelsLast([first] + numbers) == nil)
    }

    @Test("A product takes transposed matrices, unless their adjoints are others")
    func transposedProducts() throws {
        for name in ["MatMul", "BatchMatMulV2"] {
            let product = try #require(try plainOp(name, inputs: 2) as? any TransposableProduct)
            for input in 0..<2 {
                let op = try #require(product.taking(transposed: input, .float32))
                let inputs = input == 0 ? [fact(3, 2), fact(3, 4)] : [fact(2, 3), fact(4, 3)]
                #expect(try op.outputs(for: inputs)[0].shape == PartialShape([2, 4]))
                let twice = (op as? any TransposableProduct)?.taking(transposed: input, .float32)
                #expect(twice.map { AnyHashable($0) } == AnyHashable(product))
            }
            #expect((product.taking(transposed: 0, .complex64) == nil) == (name != "MatMul"))
        }
    }

    @Test("A reduction shows what it folds as soon as its axes are known")
    func folds() throws {
        let keeps = try #require(
            try plainOp("Mean", inputs: 2, ["keep_dims": attribute(true)]) as? any ReducingOp)
        let axes = TensorFact(try #require(Tensor([-1, 0] as [Int32])))
        let data = fact(2, 3, 4)
        #expect(keeps.fold([data, axes]) == Fold(reduction: .mean, axes: [0, 2], keepsDimensions: true))
        #expect(keeps.fold([data, fact(2, dtype: .int32)]) == nil)
        let other = try #require(try plainOp("Max", inputs: 2) as? any ReducingOp)
        #expect(other.fold([data, axes]) == Fold(reduction: .max, axes: [0, 2], keepsDimensions: false))
    }

    @Test("Softmax computes rows by themselves; its logarithm is another op")
    func rows() throws {
        let softmax = try #require(try plainOp("Softmax", inputs: 1) as? any RowwiseOp)
        #expect(softmax.rowFormula([fact(2, 3)]) == .softmax)
        #expect(softmax.rowFormula([fact(2, 3, dtype: .float64)]) == nil)
        #expect((try plainOp("LogSoftmax", inputs: 1) as? any RowwiseOp)?.rowFormula([fact(2, 3)]) == nil)
        var normalization = RowNormalization(axisCount: 1, epsilon: 0.5)
        normalization.hasOffset = true
        #expect(
            normalization.rowFormula([fact(2, 3), fact(3)])
                == .layerNormalization(
                    LayerNormalization(count: 3, period: 3, epsilon: 0.5, scale: nil, offset: 1)))
        #expect(normalization.rowFormula([fact(2, 3), fact(2)]) == nil)
    }

    // MARK: - TensorFlow's fusions

    @Test("TensorFlow fuses a bias after both products, and a normalisation by given moments after a convolution")
    func fusions() throws {
        let convolution = try plainOp("Conv2D", inputs: 2, window(4))
        let product = try plainOp("MatMul", inputs: 2)
        let sparse = try plainOp("SparseMatMul", inputs: 2)
        let bias = try #require(try plainOp("BiasAdd", inputs: 2) as? any FusibleLink)
        #expect(bias.joins(convolution))
        #expect(bias.joins(product))
        #expect(!bias.joins(sparse))
        #expect(!bias.joins(try plainOp("DepthwiseConv2dNative", inputs: 2, window(4))))
        for name in ["FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"] {
            for isTraining in [true, false] {
                let op = try plainOp(name, inputs: 5, ["is_training": attribute(isTraining)])
                let link = try #require(op as? any FusibleLink)
                #expect(link.joins(convolution) == !isTraining)
                #expect(!link.joins(product))
            }
        }
    }
}
