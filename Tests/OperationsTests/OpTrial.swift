import Graphs
import Kernels
import OperationSupport
import Operations
import TensorFlowProtos
import Tensors
import Testing
import VectorSupport

/// The knowledge about the inputs that a shape rule gets.
enum Blur: CaseIterable {
    /// All shapes and values.
    case none
    /// Shapes, and the values that the op's rule or kernel needs.
    case otherValues
    /// Shapes only.
    case values
    /// Ranks, and the values that the op needs.
    case dimensions
    /// Ranks only.
    case dimensionsAndValues
    /// The values that the op needs, but no shapes of other inputs.
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

/// A recorded run that can be repeated.
struct OpTrial {
    let op: any Op
    let inputs: [Tensor]
    let expected: [Tensor]
    let tolerance: Tolerance

    /// - Throws: ``OpError`` if the op refuses the attributes; another error if the record is unusable.
    init(_ vector: OpVector) throws {
        let recorded = try RecordedOp(vector)
        op = recorded.op
        inputs = recorded.inputs
        expected = try vector.outputs.map { try Tensor(decoding: $0) }
        tolerance = Tolerance(
            relative: vector.hasRtol ? vector.rtol : nil, absolute: vector.hasAtol ? vector.atol : nil)
    }

    /// The error of a recorded run; nil if it has outputs.
    ///
    /// - Throws: An error if the record is unusable, which is not a refusal by an op.
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

    /// The facts about the inputs.
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
        guard !spec.outputs.allSatisfy({ $0.value != nil }), case .kernel(let op) = op.implementation else { return [] }
        let kernel = try op.makeKernel(for: spec)
        if case .alias = kernel.work { return [] }
        var results: [(Int, Tensor)] = []
        for input in kernel.overwritableInputs where inputs.indices.contains(input) {
            guard inputs[input].byteCount == expected[0].byteCount else { continue }
            if let result = try overwrite(input, kernel, spec) { results.append((input, result)) }
        }
        return results
    }

    /// Computes the outputs with each kernel of the op; empty if it has no choice.
    func runChoices() throws -> [(name: String, results: [Tensor])] {
        guard let op = op as? any KernelChoosing, !inputs.contains(where: { $0.dtype.isHalfPrecision }) else {
            return []
        }
        let inputFacts = facts(.otherValues)
        let spec = KernelSpec(inputs: inputFacts, outputs: try op.outputs(for: inputFacts))
        return try op.kernels(for: spec).map { choice in
            let results = try spec.outputs.indices.map { index in
                let shape = try spec.outputShape(index)
                return try #require(Tensor(dtype: spec.outputs[index].dtype, shape: shape, initializing: { _ in }))
            }
            // Safety: the tensors outlive the call.
            try choice.make().run(inputs.map(\.memory), results.map(\.memory)) {}
            return ("\(choice.name)", results)
        }
    }

    private func overwrite(_ input: Int, _ kernel: Kernel, _ spec: KernelSpec) throws -> Tensor? {
        var memory: [TensorStorage] = []
        for (index, output) in spec.outputs.enumerated() {
            let shape = try spec.outputShape(index)
            guard let storage = TensorStorage(byteCount: shape.byteCount(of: output.dtype) ?? 0) else { return nil }
            memory.append(storage)
        }
        inputs[input].withUnsafeBytes { bytes in
            if let source = bytes.baseAddress { memory[0].baseAddress.copyMemory(from: source, byteCount: bytes.count) }
        }
        var values = inputs.map(\.memory)
        values[input] = memory[0].baseAddress
        let shape = try spec.outputShape()
        var result: Tensor?
        // Safety: the kernel says that it allows the overlap; the memory outlives the call.
        try kernel.run(values, memory.map(\.baseAddress)) {
            result = Tensor(dtype: spec.outputs[0].dtype, shape: shape, storage: memory[0])?.owningStrings
        }
        withExtendedLifetime((memory, inputs)) {}
        return result
    }
}

extension Tensor {
    /// The address of the elements.
    var memory: UnsafeMutableRawPointer { storage.baseAddress + byteOffset }
}
