import SwiftProtobuf
import TensorFlowProtos
import Tensors
import VectorSupport

@testable import Checkpoints
@testable import Operations
@testable import Serving

/// A file with a graph of any kind, binary or text, up to a model's graph with its inputs, outputs and signatures.
struct GraphReader: FuzzReader {
    static let name = "graph"
    private let folder: ScratchFolder

    static var words: [[UInt8]] {
        OpTable.entries.keys.sorted().map { Array($0.utf8) }
            + Seeds.words(
                "node {", "attr {", "key: ", "value {", "DT_FLOAT", "DT_RESOURCE", "shape {", "dim {", "size: -1",
                "graph_def {", "meta_graphs {", "library {", "function {", "signature_def {", "saver_def {",
                "serving_default", "_output_shapes", "dtype", "shape", "T", "N", "^")
    }

    static func seeds() throws -> [[UInt8]] {
        let files = try Seeds.files { name in
            [".meta", ".pb", ".pbtxt"].contains { name.hasSuffix($0) }
        }
        var graphs: [[UInt8]] = []
        for family in VectorFamily.graphs where family.name != "differential" {
            for vector in try VectorFile.readGraphs(family.path) {
                graphs.append(Array(try vector.graph.serializedBytes() as [UInt8]))
            }
        }
        // Large graphs would take too much time. Small ones have the same ops.
        return (files + graphs).filter { $0.count <= 6 << 10 }
    }

    init() throws { folder = try ScratchFolder() }

    func read(_ bytes: UnsafeRawBufferPointer) {
        let path = folder.write(bytes, to: "graph.pb")
        _ = GraphFile.isGraph(path: path)
        _ = GraphFile.look(path: path)
        guard let contents = try? GraphBytes(path: path), let file = try? contents.decoded(),
            let meta = file.metaGraph
        else { return }
        _ = try? ModelGraph(meta, contents, ModelGraph.Defaults(model: "m"))
    }
}
