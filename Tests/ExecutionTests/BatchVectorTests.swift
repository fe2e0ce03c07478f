import Execution
import GraphSupport
import Graphs
import Operations
import Planning
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Testing
import VectorSupport

/// Recorded runs, their feeds cut into rows: where a graph is found to keep rows apart, a batch must give what single runs give.
@Suite("Batches of recorded runs")
struct BatchVectorTests {
    /// What sums up products in an order that depends on the number of rows.
    private static let products: Set<String> = [
        "MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "SparseMatMul", "Conv2D", "Conv3D", "Einsum",
        "Conv2DBackpropInput", "Conv3DBackpropInputV2", "LSTMBlockCell", "GRUBlockCell",
    ]
    /// What gives other numbers each time.
    private static let random: Set<String> = [
        "RandomUniform", "RandomStandardNormal", "TruncatedNormal", "RandomUniformInt", "Multinomial", "RandomShuffle",
    ]
    /// How far answers may be apart where products are summed up, in units of the last place of the largest number.
    private static let maxUnits = 8.0

    private struct Variables: VariableSource {
        var values: [String: Tensor] = [:]

        func value(of variable: VariableReference) throws(OpError) -> Tensor {
            guard let value = values[variable.name] else { throw OpError(.missingVariable, variable.name) }
            return value
        }
    }

    @Test("Every op that is found to keep rows apart does", arguments: VectorFamily.ops)
    func ops(_ family: VectorFamily) throws {
        var batched: [String: Int] = [:]
        var vectorCount = 0
        var largest = 0.0
        for (index, vector) in try VectorFile.read(family.path).enumerated() {
            guard vector.error.isEmpty, !Self.random.contains(vector.node.op) else { continue }
            let inputs = try vector.inputs.map { try Tensor(decoding: $0) }
            let name = "\(family.name) #\(index) \(vector.node.op) \(vector.label)"
            var isBatched = false
            for rows in Self.choices(inputs) {
                guard let callable = try? Self.callable(vector, inputs, rows: rows) else { continue }
                let feeds = rows.map { inputs[$0] }
                let distance = Self.check(callable, feeds, name, products: [vector.node.op])
                guard let distance else { continue }
                isBatched = true
                largest = max(largest, distance)
                batched[vector.node.op, default: 0] += 1
            }
            vectorCount += isBatched ? 1 : 0
        }
        let list = batched.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        print("batches of \(family.name): \(vectorCount) vectors; by op: \(list); largest distance \(largest)")
    }

    /// Which inputs are fed and cut into rows; the others are constants.
    private static func choices(_ inputs: [Tensor]) -> [[Int]] {
        let possible = inputs.indices.filter { inputs[$0].shape.rank > 0 && inputs[$0].shape.dimensions[0] > 0 }
        guard possible.count <= 5 else { return possible.map { [$0] } + [possible] + [[0, 1, 2], [0, 1]] }
        return (1..<(1 << possible.count)).map { mask in
            possible.enumerated().filter { mask >> $0.offset & 1 == 1 }.map(\.element)
        }
    }

    private static func callable(_ vector: OpVector, _ inputs: [Tensor], rows: [Int]) throws -> Callable {
        var graph = GraphDef()
        for (index, input) in inputs.enumerated() {
            graph.node.append(
                .with { node in
                    node.name = "i\(index)"
                    node.attr["dtype"] = .with { $0.type = input.dtype.rawValue }
                    if rows.contains(index) {
                        node.op = "Placeholder"
                        node.attr["shape"] = .with { $0.shape = Self.openShape(input) }
                    } else {
                        node.op = "Const"
                        node.attr["value"] = .with { $0.tensor = vector.inputs[index] }
                    }
                })
        }
        graph.node.append(vector.node)
        let session = Session(graph: try Graph(graph), variables: Variables(), threadCount: 1)
        return try session.callable(
            rows.map { "i\($0)" }, vector.outputs.indices.map { "\(vector.node.name):\($0)" })
    }

    private static func openShape(_ tensor: Tensor) -> TensorShapeProto {
        .with { shape in
            shape.dim = tensor.shape.dimensions.enumerated().map { axis, size in
                .with { $0.size = axis == 0 ? -1 : Int64(size) }
            }
        }
    }

    /// Runs requests of different values and rows.
    ///
    /// - Returns: How far answers are apart; nil where they are not run as one.
    private static func check(
        _ callable: Callable, _ feeds: [Tensor], _ name: String, products ops: Set<String>
    ) -> Double? {
        let turned = feeds.compactMap(\.turnedAround)
        let first = feeds.compactMap { $0.rows(1) }
        guard turned.count == feeds.count, first.count == feeds.count else { return nil }
        var result: Double?
        for requests in [
            [feeds, turned], [first, feeds], [turned, first, first, feeds], [first, turned.compactMap { $0.rows(1) }],
        ] {
            guard case .together(let difference, let distance) = BatchTrial.outcome(callable, requests) else {
                continue
            }
            if let difference { Issue.record("\(name): \(difference)") }
            let allowed = ops.isDisjoint(with: products) ? 0 : maxUnits
            #expect(distance <= allowed, "\(name): \(distance) units of the last place")
            result = max(result ?? 0, distance)
        }
        return result
    }

    @Test("Every recorded graph that is found to keep rows apart does", arguments: VectorFamily.graphs)
    func graphs(_ family: VectorFamily) throws {
        var (runs, batched) = (0, 0)
        var largest = 0.0
        for (index, vector) in try VectorFile.readGraphs(family.path).enumerated() {
            let ops = Set(vector.graph.node.map(\.op) + vector.graph.library.function.flatMap { $0.nodeDef.map(\.op) })
            guard ops.isDisjoint(with: Self.random) else { continue }
            for (number, run) in vector.runs.enumerated() where run.error.isEmpty && !run.feeds.isEmpty {
                runs += 1
                let name = "\(family.name) #\(index) \(vector.label) run \(number)"
                guard let (callable, feeds) = try? Self.callable(vector, run) else { continue }
                guard let distance = Self.check(callable, feeds, name, products: ops) else { continue }
                batched += 1
                largest = max(largest, distance)
            }
        }
        print("batches of \(family.name): \(batched) of \(runs) runs; largest distance \(largest)")
    }

    /// The graph with placeholders whose first dimension is open.
    private static func callable(_ vector: GraphVector, _ run: GraphRun) throws -> (Callable, [Tensor]) {
        var graph = vector.graph
        let feeds = try run.feeds.map { try Tensor(decoding: $0.tensor) }
        for (feed, tensor) in zip(run.feeds, feeds) where tensor.shape.rank > 0 {
            let name = feed.name.split(separator: ":").first.map(String.init) ?? feed.name
            for index in graph.node.indices where graph.node[index].name == name {
                graph.node[index].attr["shape"] = .with { $0.shape = openShape(tensor) }
                graph.node[index].attr["_output_shapes"] = nil
            }
        }
        let values = try vector.variables.map { ($0.name, try Tensor(decoding: $0.tensor)) }
        let session = Session(
            graph: try Graph(graph),
            variables: Variables(values: Dictionary(uniqueKeysWithValues: values)), threadCount: 1)
        return (try session.callable(run.feeds.map(\.name), run.fetches), feeds)
    }
}
