internal import Checkpoints
internal import FoundationEssentials
internal import Graphs
internal import SwiftProtobuf
internal import TensorFlowProtos

/// A checkpoint's files, opened and decoded.
struct ModelFiles {
    let location: CheckpointFolder
    let meta: MetaGraphDef
    let graph: Graph
    let variables: RestoredVariables

    /// The protobuf library's own limit is lower; graphs with large constants are legal.
    private static let nestingLimit = 100

    /// Opens the newest checkpoint of a folder, and verifies the checksums of all that it holds.
    ///
    /// - Throws: ``ModelError`` of kind `load` naming file and cause.
    init(folder: String) throws(ModelError) {
        do throws(CheckpointError) {
            location = try CheckpointFolder(folder: folder)
            meta = try Self.meta(location.metaPath)
            let reader = try CheckpointReader(prefix: location.prefix)
            try reader.verify()
            let plan = RestorePlan(graph: meta.graphDef, saver: meta.hasSaverDef ? meta.saverDef : nil)
            variables = RestoredVariables(plan: plan, reader: reader)
        } catch { throw ModelError(error) }
        do throws(GraphError) {
            graph = try Graph(meta.graphDef, ops: meta.metaInfoDef.strippedOpList)
        } catch { throw ModelError(.load, "\(location.metaPath): \(error)") }
    }

    private static func meta(_ path: String) throws(CheckpointError) -> MetaGraphDef {
        let file = try MappedFile(path: path)
        var options = BinaryDecodingOptions()
        options.messageDepthLimit = nestingLimit
        // Safety: the data is decoded, which copies it, before the mapping ends.
        let data = file.bytes.baseAddress.map {
            Data(bytesNoCopy: UnsafeMutableRawPointer(mutating: $0), count: file.bytes.count, deallocator: .none)
        }
        defer { withExtendedLifetime(file) {} }
        guard let data, let meta = try? MetaGraphDef(serializedBytes: data, options: options) else {
            throw CheckpointError(
                .malformed, file: path, "is not a meta graph: it is cut off or damaged, or of another kind of file")
        }
        guard !meta.graphDef.node.isEmpty else {
            throw CheckpointError(.malformed, file: path, "the meta graph has no nodes")
        }
        return meta
    }
}
