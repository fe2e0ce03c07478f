import Execution
import Foundation
import Operations
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Testing
import VectorSupport

@testable import Graphs
@testable import Serving

private struct NoVariables: VariableSource {
    func value(of variable: VariableReference) throws(CompileError) -> Tensor {
        throw CompileError(.missingVariable, variable.name)
    }
}

/// What is shown of graphs that people published; not a part of the project.
@Suite("Inputs and outputs of published graphs", .enabled(if: Fixtures.corpus != nil, "the corpus is not here"))
struct InterfaceCorpusTests {
    @Test("dump")
    func dump() throws {
        let corpus = try #require(Fixtures.corpus)
        for folder in try FileManager.default.contentsOfDirectory(atPath: corpus).sorted() {
            let files = (try? FileManager.default.contentsOfDirectory(atPath: "\(corpus)/\(folder)")) ?? []
            guard let file = files.first(where: { $0.hasSuffix(".meta") }) else { continue }
            let start = ContinuousClock().now
            let meta = try MetaGraphDef(serializedBytes: Data(contentsOf: URL(fileURLWithPath: "\(corpus)/\(folder)/\(file)")))
            let graph = try Graph(meta.graphDef, ops: meta.metaInfoDef.strippedOpList)
            let session = Session(graph: graph, variables: NoVariables(), threadCount: 1)
            let middle = ContinuousClock().now
            let interface = GraphInterface(graph, meta) { session.fact(of: $0) }
            print("=====", folder, middle - start, ContinuousClock().now - middle)
            for input in interface.inputs {
                print("  in ", graph.nodes[input.tensor.node].name, input.role?.note ?? "")
            }
            for output in interface.outputs {
                let fact = session.fact(of: output)
                print("  out", graph.nodes[output.node].name, output.output, graph.nodes[output.node].op, fact.map { "\($0.dtype) \($0.shape)" } ?? "?")
            }
        }
    }
}
