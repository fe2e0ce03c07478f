import Operations
import TensorFlowProtos
import Tensors
import Testing
import VectorSupport

@Suite("Dtypes are checked when a plan is made")
struct DTypeCheckTests {
    /// Ops whose inputs' sizes depend on one another in ways of their own. Their dtypes are checked as soon as all dimensions are known.
    private static let needsDimensions: Set<String> = [
        "BatchToSpace", "BatchToSpaceND", "Conv2DBackpropFilter", "Conv3DBackpropFilterV2",
        "DepthwiseConv2dNativeBackpropFilter", "GRUBlockCell", "LSTMBlockCell", "MaxPool3DGrad", "QuantizedReshape",
        "SpaceToBatchND", "SparseSegmentMean", "SparseSegmentMeanWithNumSegments", "SparseSegmentSqrtN",
        "SparseSegmentSqrtNWithNumSegments",
    ]

    /// Ops with three different ranks of inputs.
    private static let needsRanks: Set<String> = [
        "CropAndResize", "DrawBoundingBoxes", "DrawBoundingBoxesV2", "FusedBatchNormGrad", "FusedBatchNormGradV2",
        "FusedBatchNormGradV3", "QuantizedBiasAdd", "SampleDistortedBoundingBox", "SampleDistortedBoundingBoxV2",
    ]

    @Test("A dtype without a kernel is refused by the rule already", arguments: VectorFamily.ops)
    func rulesRefuse(_ family: VectorFamily) throws {
        var tried: [String: Int] = [:]
        for vector in try VectorFile.read(family.path) where vector.error.isEmpty {
            tried[vector.node.op, default: 0] += 1
            guard tried[vector.node.op, default: 0] <= 12, let trial = try? OpTrial(vector) else { continue }
            for dtype in DataType.allCases where !dtype.isHandle { check(trial, dtype, vector.node.op) }
        }
    }

    /// Changes the dtype of an op's first input, and of all others with the same dtype.
    private func check(_ trial: OpTrial, _ dtype: DataType, _ name: String) {
        guard case .kernel(let op) = trial.op.implementation, let first = trial.inputs.first?.dtype else { return }
        func facts(_ blur: Blur) -> [TensorFact] {
            trial.facts(blur).map { $0.dtype == first ? TensorFact(dtype, $0.shape) : $0 }
        }
        let exact = facts(.otherValues)
        guard op.valueInputs.allSatisfy({ !exact.indices.contains($0) || exact[$0].value != nil }),
            let outputs = try? op.outputs(for: exact), outputs.contains(where: { $0.value == nil })
        else { return }
        do throws(OpError) { _ = try op.makeKernel(for: KernelSpec(inputs: exact, outputs: outputs)) } catch {
            guard error.refusesDType else { return }
            for blur in [Blur.otherValues, .dimensions, .ranks] {
                if blur != .otherValues, Self.needsDimensions.contains(name) { continue }
                if blur == .ranks, Self.needsRanks.contains(name) { continue }
                #expect(throws: OpError.self, "\(name) of \(dtype), \(blur)") {
                    try trial.op.checkedOutputs(for: facts(blur))
                }
            }
        }
    }

    @Test("Every recorded run passes the check, whatever is known of its inputs", arguments: VectorFamily.ops)
    func recordedRunsPass(_ family: VectorFamily) throws {
        for (index, vector) in try VectorFile.read(family.path).enumerated() where vector.error.isEmpty {
            guard let trial = try? OpTrial(vector) else { continue }
            for blur in [Blur.otherValues, .dimensions, .ranks, .everything] {
                #expect(throws: Never.self, "\(family.name) #\(index) \(vector.node.op) \(vector.label), \(blur)") {
                    try trial.op.checkedOutputs(for: trial.facts(blur))
                }
            }
        }
    }

    @Test("The error is the one that making the kernel gives")
    func words() throws {
        let softmax = try plainOp("Softmax", inputs: 1)
        var refusal: OpError?
        do throws(OpError) { _ = try softmax.checkedOutputs(for: [TensorFact(.int32, .unknown)]) } catch {
            refusal = error
        }
        #expect(refusal?.kind == .unsupported)
        #expect(refusal?.reason == "dtype int32 is not supported")
        #expect(try softmax.checkedOutputs(for: [TensorFact(.bfloat16, .unknown)]).count == 1)
    }
}
