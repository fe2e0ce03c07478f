import ArgumentParser
import Checkpoints
import Execution
import Graphs
import Operations
import Serving
import Tensors

/// `metaserve inspect`
struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "List the variables, inputs, outputs and ops of a model.")

    @Argument(help: "A model folder, a file of a model, or a folder of model folders.")
    var path: String

    @Flag(help: "Print one line of JSON per model.")
    var json = false

    @Flag(help: "Follow paths in a checkpoint file that lead to other folders.")
    var followPaths = false

    func run() throws {
        for path in try ModelFolders.find(in: path) {
            let model: Model
            do throws(ModelError) {
                model = try Model(contentsOf: path, threadCount: 1, followsPaths: followPaths)
            } catch {
                // Weights can be listed without a graph.
                guard let reader = (try? CheckpointReader(folder: path)) ?? (try? CheckpointReader(prefix: path)) else {
                    throw error
                }
                try show(path, reader, error)
                continue
            }
            if json { print(try InspectedModel(model).line()) } else { show(model) }
        }
    }

    private func show(_ path: String, _ reader: CheckpointReader, _ error: ModelError) throws {
        if json { return print(try InspectedModel(path, reader, error: error).line()) }
        print("\(path): \(reader.format) without a graph, \(reader.prefix)")
        print("  note: it cannot be served: \(error)")
        show(reader)
    }

    private func show(_ model: Model) {
        let version = model.version.map { ", version \($0)" } ?? ""
        print("\(model.name): \(model.format), \(model.prefix)\(version)" + (model.step.map { ", step \($0)" } ?? ""))
        for warning in model.warnings { print("  warning: \(warning)") }
        for note in model.notes { print("  note: \(note)") }
        print("  variables: \(model.variablesMode.rawValue), because \(model.variablesReason)")
        if let reader = model.reader { show(reader) }
        for signature in model.signatures.values.sorted(by: { $0.name < $1.name }) { show(signature) }
        show(title("Inputs", model.inputs), model.inputs)
        show(title("Outputs", model.outputs), model.outputs)
        showOps(of: model.graph)
    }

    private func title(_ title: String, _ tensors: [TensorDescription]) -> String {
        tensors.contains(where: \.isGuessed) ? "\(title) (guessed from the graph: the model has no signature)" : title
    }

    private func show(_ signature: Signature) {
        print("\nSignature \(signature.name)")
        let rows = [("input", signature.inputs), ("output", signature.outputs)].flatMap { direction, tensors in
            tensors.map { tensor in
                [direction, tensor.name, tensor.tensor, tensor.dtype?.name ?? "?", tensor.shape.description]
            }
        }
        Table.print(["", "name", "tensor", "dtype", "shape"], rows)
    }

    private func show(_ reader: CheckpointReader) {
        print("\nTensors of the checkpoint")
        let tensors = reader.tensors
        Table.print(
            ["name", "dtype", "shape", "shard", "bytes"],
            tensors.map { tensor in
                [
                    tensor.name, tensor.dtype.name, tensor.shape.description,
                    tensor.shards.map(String.init).joined(separator: ","), "\(tensor.byteCount)",
                ]
            })
        let noun = tensors.count == 1 ? "tensor" : "tensors"
        print("  \(tensors.count) \(noun), \(tensors.reduce(0) { $0 + $1.byteCount }) bytes")
    }

    private func show(_ title: String, _ tensors: [TensorDescription]) {
        print("\n\(title)")
        let hasKeys = tensors.contains { $0.name != $0.tensor }
        Table.print(
            ["name"] + (hasKeys ? ["tensor"] : []) + ["dtype", "shape", "default", ""],
            tensors.map { tensor in
                [tensor.name] + (hasKeys ? [tensor.tensor] : []) + [
                    tensor.dtype?.name ?? "?", tensor.shape.description,
                    tensor.defaultValue.map { DefaultNumber($0).description } ?? "", tensor.note ?? "",
                ]
            })
    }

    private func showOps(of graph: Graph) {
        let ops = InspectedOp.all(of: graph)
        print("\nOps")
        Table.print(
            ["op", "nodes", ""],
            ops.map { [$0.name, "\($0.nodes)", $0.remark] })
        let missing = ops.filter(\.isMissing)
        print(
            "  \(graph.nodes.count) nodes of \(ops.count) ops; not supported: \(missing.count) ops of "
                + "\(missing.map(\.nodes).reduce(0, +)) nodes. Unsupported ops matter only if a fetch depends on them.")
    }
}

/// Prints columns.
private enum Table {
    static func print(_ head: [String], _ rows: [[String]]) {
        guard !rows.isEmpty else { return Swift.print("  none") }
        let widths = head.indices.map { column in ([head] + rows).map { $0[column].count }.max() ?? 0 }
        for row in [head] + rows {
            let line = zip(row, widths).map { $0 + String(repeating: " ", count: max(0, $1 - $0.count)) }.joined(
                separator: "  ")
            Swift.print("  " + line.reversed().drop { $0 == " " }.reversed().map(String.init).joined())
        }
    }
}
