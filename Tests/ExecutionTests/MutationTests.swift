import Execution
import Foundation
import GraphSupport
import Graphs
import Operations
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Testing
import Threads
import VectorSupport

/// Graphs of TensorFlow with something wrong in them: each ends with an answer or an error.
@Suite("Damaged graphs")
struct MutationTests {
    /// How many damaged graphs are made of each file; more of them on demand.
    private static let count = ProcessInfo.processInfo.environment["METASERVE_MUTATIONS"].flatMap(Int.init) ?? 150
    /// Which ones: the first seed.
    private static let seed = ProcessInfo.processInfo.environment["METASERVE_MUTATION_SEED"].flatMap(UInt64.init) ?? 1

    /// For a test that hangs: it is said which family of graphs it was. A family takes some seconds.
    private static let limitMinutes = 10 + count / 50

    @Test("none of them traps or hangs", .timeLimit(.minutes(limitMinutes)), arguments: VectorFamily.graphs)
    func endsSomehow(_ family: VectorFamily) throws {
        let vectors = try VectorFile.readGraphs(family.path).filter { !$0.runs.isEmpty }
        for seed in Self.seed..<Self.seed + UInt64(Self.count) {
            var random = SplitMix(state: seed &* 0x9E37_79B9_7F4A_7C15)
            let vector = vectors[Int(random.next() % UInt64(vectors.count))]
            if Self.count > 1000 { FileHandle.standardError.write(Data("\(family.name) \(seed)\n".utf8)) }
            run(random.damaged(vector))
        }
    }

    private func run(_ vector: GraphVector) {
        guard let graph = try? Graph(vector.graph) else { return }
        var values = TestGraph.Variables()
        for variable in vector.variables { values.values[variable.name] = try? Tensor(decoding: variable.tensor) }
        let session = Session(graph: graph, variables: values, threadCount: 1, limitBytes: 64 << 20)
        for run in vector.runs.prefix(2) {
            guard let feeds = try? run.feeds.map({ try Tensor(decoding: $0.tensor) }),
                let callable = try? session.callable(run.feeds.map(\.name), run.fetches)
            else { continue }
            _ = try? callable.run(feeds, limits: RunLimits(deadline: Deadline(after: 0.1)))
        }
    }
}

/// Damages graphs.
extension SplitMix {
    fileprivate mutating func damaged(_ vector: GraphVector) -> GraphVector {
        var result = vector
        for _ in 0..<Int.random(in: 1...4, using: &self) {
            let functions = result.graph.library.function.indices
            if let function = functions.randomElement(using: &self), Bool.random(using: &self) {
                damage(&result.graph.library.function[function].nodeDef)
            } else {
                damage(&result.graph.node)
            }
        }
        return result
    }

    private mutating func damage(_ nodes: inout [NodeDef]) {
        guard let index = nodes.indices.randomElement(using: &self),
            let other = nodes.indices.randomElement(using: &self)
        else { return }
        switch Int.random(in: 0..<12, using: &self) {
        case 0: nodes.remove(at: index)
        case 1: nodes[index].op = nodes[other].op
        case 2: nodes[index].input.append("^" + nodes[other].name)
        case 3: if !nodes[index].input.isEmpty { nodes[index].input.removeLast() }
        case 4: nodes[index].attr = nodes[other].attr
        case 5, 6, 7: changeAttribute(&nodes[index], nodes[other])
        default:
            guard let place = nodes[index].input.indices.randomElement(using: &self) else { return }
            let output = Int.random(in: -2...2, using: &self)
            let source = Bool.random(using: &self) ? nodes[other].name : nodes[other].input.first ?? nodes[other].name
            nodes[index].input[place] = output > 0 && !source.contains(":") ? "\(source):\(output)" : source
        }
    }

    private mutating func changeAttribute(_ node: inout NodeDef, _ other: NodeDef) {
        guard let key = node.attr.keys.sorted().randomElement(using: &self), var value = node.attr[key] else { return }
        let numbers: [Int64] = [-1, 0, 1, 2, 3, 7, 1 << 20, 1 << 31, .max, .min]
        let number = numbers.randomElement(using: &self) ?? 0
        switch value.value {
        case .i: value.i = number
        case .type: value.type = Int32.random(in: 0...23, using: &self)
        case .b(let old): value.b = !old
        case .s: value.s = other.attr[key]?.s ?? Data("?".utf8)
        case .shape:
            if let axis = value.shape.dim.indices.randomElement(using: &self) {
                value.shape.dim[axis].size = number
            } else {
                value.shape.dim = [.with { $0.size = number }]
            }
        case .tensor: change(&value.tensor, number)
        case .list: value.list.i = value.list.i.map { _ in number }
        case .func: value.func.name = other.attr[key]?.func.name ?? "?"
        default: value = other.attr[key] ?? value
        }
        node.attr[key] = value
    }

    private mutating func change(_ tensor: inout TensorProto, _ number: Int64) {
        switch Int.random(in: 0..<3, using: &self) {
        case 0:
            if let axis = tensor.tensorShape.dim.indices.randomElement(using: &self) {
                tensor.tensorShape.dim[axis].size = number
            }
        case 1: tensor.dtype = Int32.random(in: 0...23, using: &self)
        default:
            if let place = tensor.tensorContent.indices.randomElement(using: &self) {
                tensor.tensorContent[place] = UInt8.random(in: 0...255, using: &self)
            } else {
                tensor.intVal = tensor.intVal.map { _ in Int32(truncatingIfNeeded: number) }
            }
        }
    }
}
