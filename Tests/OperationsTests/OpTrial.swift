import Graphs
import Kernels
import OperationSupport
import Operations
import TensorFlowProtos
import Tensors
import Testing
import VectorSupport

/// How much a shape rule is told of the inputs.
enum Blur: CaseIterable {
    /// All shapes and values.
    case none
    /// Shapes, and the values that the op's rule or kernel asks for.
    case otherValues
    /// Shapes only.
    case values
    /// Ranks, and the values that the op asks for.
    case dimensions
    /// Ranks only.
    case dimensionsAndValues
    /// The values that the op asks for, no shapes of other inputs.
    case ranks
    /// Dtypes only.
    case everything
}

/// Makes an op without a file.
func plainOp(_ name: String, inputs: Int, _ attributes: [String: AttrValue] = [:]) throws -> any Op {
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
        node.input.append("i\(index)")
    }
    definition.node.append(node)
    let entry = try #require(OpTable.entries[name])
    return try entry.make(NodeReader(try #require(Graph(definition).node(named: "op"))))
}

/// A recorded run, ready to be done again.
struct OpTrial {
    let op: any Op
    let inputs: [Tensor]
    let expected: [Tensor]
    let tolerance: Tolerance

    /// - Throws: ``OpError`` where the op does not take the attributes; another error where the record cannot be used.
    init(_ vector: OpVector) throws {
        let recorded = try RecordedOp(vector)
        op = recorded.op
        inputs = recorded.inputs
        expected = try vector.outputs.map { try Tensor(decoding: $0) }
        tolerance = Tolerance(
            relative: vector.hasRtol ? vector.rtol : nil, absolute: vector.hasAtol ? vector.atol : nil)
    }

    /// The error that a recorded run ends with; nil where it ends with outputs.
    ///
    /// Throws where the record cannot be used: that is no refusal by an op.
    static func refusal(of vector: OpVector) throws -> OpError? {
        do {
            _ = try OpTrial(vector).run()
            return nil
        } catch let error as OpError {
            return error
        } catch let fault as Fault {
            return OpError(fault)
        }
    }

    /// What is known of the inputs.
    func facts(_ blur: Blur) -> [TensorFact] {
        inputs.enumerated().map { index, tensor in
            let isWanted = op.valueInputs.contains(index)
            let isKnown =
                switch blur {
                case .none: true
                case .otherValues, .dimensions, .ranks: isWanted
                case .values, .dimensionsAndValues, .everything: false
                }
            if isKnown { return TensorFact(tensor) }
            return switch blur {
            case .none, .otherValues, .values: TensorFact(tensor.dtype, tensor.shape)
            case .dimensions, .dimensionsAndValues: TensorFact(tensor.dtype, .ofRank(tensor.shape.rank))
            case .ranks, .everything: TensorFact(tensor.dtype, .unknown)
            }
        }
    }

    /// Computes the outputs.
    func run() throws -> [Tensor] { try op.evaluate(inputs.map { TensorFact($0) }) }

    /// Computes output 0 over each input that the kernel says may be overwritten.
    func runInPlace() throws -> [(input: Int, result: Tensor)] {
        let inputFacts = facts(.otherValues)
        let spec = KernelSpec(inputs: inputFacts, outputs: try op.outputs(for: inputFacts))
        guard !spec.outputs.allSatisfy({ $0.value != nil }), !(op is any TensorOp) else { return [] }
        let kernel = try op.makeKernel(for: spec)
        guard case .compute(let body) = kernel.work else { return [] }
        var results: [(Int, Tensor)] = []
        for input in kernel.overwritableInputs where inputs.indices.contains(input) {
            guard inputs[input].byteCount == expected[0].byteCount else { continue }
            if let result = try overwrite(input, body, kernel.scratchBytes, spec) { results.append((input, result)) }
        }
        return results
    }

    private func overwrite(
        _ input: Int, _ body: Kernel.Body, _ scratchBytes: Int, _ spec: KernelSpec
    ) throws -> Tensor? {
        var memory: [TensorStorage] = []
        for (index, output) in spec.outputs.enumerated() {
            let shape = try spec.outputShape(index)
            guard let storage = TensorStorage(byteCount: shape.byteCount(of: output.dtype) ?? 0) else { return nil }
            memory.append(storage)
        }
        guard let scratch = TensorStorage(byteCount: scratchBytes) else { return nil }
        inputs[input].withUnsafeBytes { bytes in
            if let source = bytes.baseAddress { memory[0].baseAddress.copyMemory(from: source, byteCount: bytes.count) }
        }
        var values = inputs.map { $0.storage.baseAddress + $0.byteOffset } + memory.map(\.baseAddress)
        values[input] = memory[0].baseAddress
        let operands = values.indices.map { Int32($0) }
        var state = RunState()
        withUnsafeMutablePointer(to: &state) { state in
            // Safety: the tables outlive the call, and the kernel says that it allows the overlap.
            body(
                KernelFrame(
                    values: values, operands: operands, inputCount: inputs.count, scratch: scratch.baseAddress,
                    state: state))
        }
        let shape = try spec.outputShape()
        let result = Tensor(dtype: spec.outputs[0].dtype, shape: shape, storage: memory[0])?.owningStrings
        withExtendedLifetime((memory, scratch, inputs)) {}
        if let fault = state.fault { throw fault }
        return result
    }
}
