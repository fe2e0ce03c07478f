import Execution
import Foundation
import GraphSupport
import Graphs
import Operations
import Planning
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Testing
import VectorSupport

/// Recorded runs of single ops as graphs: inputs are fed, constants, or variables of which the plan derives weights.
@Suite("Ops in plans, without passes")
struct OpPassTests {
    /// Whether every run is tried in every form without each pass, and not a share of them.
    private static let isFull = ProcessInfo.processInfo.environment["METASERVE_PASSES"] == "full"
    /// Every so many runs are tried in the short form.
    private static let share = 11

    /// What the op's inputs are.
    private enum Form: CaseIterable {
        case feeds, constants, variables
    }

    @Test("Every recorded op gives TensorFlow's outputs as a graph, with each pass off", arguments: VectorFamily.ops)
    func switchedOff(_ family: VectorFamily) throws {
        let choices = [[]] + PassList.names.map { Set([$0]) } + [Set(PassList.names)]
        for (index, vector) in try VectorFile.read(family.path).enumerated() {
            guard vector.error.isEmpty, !OpTable.traits(of: vector.node.op).contains(.random) else { continue }
            guard Self.isFull || index % Self.share == 0 else { continue }
            for (number, form) in Form.allCases.enumerated() {
                for (place, disabled) in choices.enumerated()
                where Self.isFull || place == (index / Self.share + number) % choices.count {
                    guard let difference = try difference(vector, form, disabled) else { continue }
                    Issue.record(
                        "\(family.name) #\(index) \(vector.node.op), \(form), without \(disabled): \(difference)")
                }
            }
        }
    }

    @Test(
        "Every recorded op gives the outputs of a session of its own where a version before has made the plan",
        arguments: VectorFamily.ops)
    func secondVersion(_ family: VectorFamily) throws {
        for (index, vector) in try VectorFile.read(family.path).enumerated() {
            guard vector.error.isEmpty, !OpTable.traits(of: vector.node.op).contains(.random) else { continue }
            guard Self.isFull || index % Self.share == 1 else { continue }
            let inputs = try vector.inputs.map { try Tensor(decoding: $0) }
            // Other elements of the same dtypes and shapes: whether the op takes them or not.
            let others = inputs.map { $0.turnedRound ?? $0 }
            let (graph, _) = try graph(vector, inputs, .variables)
            let library = PlanLibrary(graph)
            let before = session(graph, inputs, library)
            let first = Result { try outputs(of: before, vector) }
            let shared = Result { try outputs(of: session(graph, others, library), vector) }
            let own = Result { try outputs(of: session(graph, others, PlanLibrary(graph)), vector) }
            let name = "\(family.name) #\(index) \(vector.node.op)"
            switch (shared, own) {
            case (.success(let shared), .success(let own)):
                #expect(zip(shared, own).allSatisfy { $0.isSame(as: $1) }, "\(name)")
            case (.failure(let shared), .failure(let own)): #expect("\(shared)" == "\(own)", "\(name)")
            default: Issue.record("\(name): \(shared), not \(own)")
            }
            withExtendedLifetime((before, first)) {}
        }
    }

    private func session(_ graph: Graph, _ inputs: [Tensor], _ library: PlanLibrary) -> Session {
        let values = Dictionary(uniqueKeysWithValues: inputs.enumerated().map { ("v\($0)", $1) })
        return Session(
            graph: graph, variables: TestGraph.Variables(values: values), threadCount: 1, library: library)
    }

    private func outputs(of session: Session, _ vector: OpVector) throws -> [Tensor] {
        try session.callable([], vector.outputs.indices.map { "\(vector.node.name):\($0)" }).run([])
    }

    private func difference(_ vector: OpVector, _ form: Form, _ disabled: Set<String>) throws -> String? {
        let inputs = try vector.inputs.map { try Tensor(decoding: $0) }
        let session = try session(vector, inputs, form, PassOptions(disabled: disabled))
        let feeds = form == .feeds ? inputs : []
        let outputs: [Tensor]
        do {
            outputs = try session.callable(
                feeds.indices.map { "i\($0):0" }, vector.outputs.indices.map { "\(vector.node.name):\($0)" }
            ).run(feeds)
        } catch { return "\(error)" }
        let tolerance = Tolerance(
            relative: vector.hasRtol ? vector.rtol : nil, absolute: vector.hasAtol ? vector.atol : nil)
        for (output, expected) in zip(outputs, vector.outputs) {
            if let difference = tolerance.difference(output, try Tensor(decoding: expected)) { return difference }
        }
        return nil
    }

    private func session(
        _ vector: OpVector, _ inputs: [Tensor], _ form: Form, _ passes: PassOptions
    ) throws -> Session {
        let (graph, values) = try graph(vector, inputs, form)
        return Session(
            graph: graph, variables: TestGraph.Variables(values: values), threadCount: 1, passes: passes)
    }

    /// The op alone, with inputs of a form, and the values of the variables among them.
    private func graph(
        _ vector: OpVector, _ inputs: [Tensor], _ form: Form
    ) throws -> (Graph, [String: Tensor]) {
        var graph = GraphDef()
        var values: [String: Tensor] = [:]
        for (index, input) in inputs.enumerated() {
            var node = NodeDef.with { node in
                node.name = "i\(index)"
                node.attr["dtype"] = .with { $0.type = input.dtype.rawValue }
            }
            let shape = AttrValue.with { value in
                value.shape.dim = input.shape.dimensions.map { size in .with { $0.size = Int64(size) } }
            }
            switch form {
            case .feeds:
                node.op = "Placeholder"
                node.attr["shape"] = shape
            case .constants:
                node.op = "Const"
                node.attr["value"] = .with { $0.tensor = vector.inputs[index] }
            case .variables:
                node.name = "v\(index)"
                node.op = "VariableV2"
                node.attr["shape"] = shape
                values[node.name] = input
                graph.node.append(
                    .with { read in
                        read.name = "i\(index)"
                        read.op = "Identity"
                        read.input = ["v\(index)"]
                        read.attr["T"] = .with { $0.type = input.dtype.rawValue }
                    })
            }
            graph.node.append(node)
        }
        graph.node.append(vector.node)
        return (try Graph(graph), values)
    }
}

extension Tensor {
    /// The elements from the last to the first; nil for strings.
    fileprivate var turnedRound: Tensor? {
        guard let width = dtype.fixedWidth, width > 0 else { return nil }
        return withUnsafeBytes { bytes in
            Tensor(dtype: dtype, shape: shape) { memory in
                for (place, start) in stride(from: 0, to: bytes.count, by: width).reversed().enumerated() {
                    for byte in 0..<width { memory[place * width + byte] = bytes[start + byte] }
                }
            }
        }
    }

    /// Whether both are the same, bit for bit.
    fileprivate func isSame(as other: Tensor) -> Bool {
        guard dtype == other.dtype, shape == other.shape else { return false }
        if let strings { return strings == other.strings }
        return withUnsafeBytes { mine in other.withUnsafeBytes { mine.elementsEqual($0) } }
    }
}
