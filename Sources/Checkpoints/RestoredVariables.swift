internal import Synchronization
package import Tensors

/// The values of a graph's variables, read from a checkpoint when they are first asked for.
package final class RestoredVariables: Sendable {
    /// Where the values come from.
    package let reader: CheckpointReader
    private let plan: RestorePlan
    private let values = Mutex<[String: Tensor]>([:])

    package init(plan: RestorePlan, reader: CheckpointReader) {
        self.plan = plan
        self.reader = reader
    }

    /// The key of the checkpoint that a variable is restored from.
    package func key(of variable: String) -> String { plan.sources[variable]?.key ?? variable }

    /// What the checkpoint has of a variable, without reading it; nil if it has nothing.
    package func info(of variable: String) -> CheckpointReader.TensorInfo? { reader.info(for: key(of: variable)) }

    /// The value of a variable.
    ///
    /// - `variable`: The name in the graph.
    /// - `dtype`: As the graph declares it.
    /// - `shape`: As the graph declares it.
    ///
    /// Throws ``CheckpointError`` of kind `notFound`, naming variable, key and the nearest keys, if the checkpoint lacks it;
    ///   of kind `mismatch` if its dtype or shape is another.
    package func value(of variable: String, dtype: DataType, shape: PartialShape) throws(CheckpointError) -> Tensor {
        if let known = values.withLock({ $0[variable] }) { return known }
        let source = plan.sources[variable] ?? RestorePlan.Source(key: variable, slice: "")
        let tensor: Tensor
        do throws(CheckpointError) {
            tensor = try reader.tensor(named: source.key, slice: source.slice)
        } catch {
            throw CheckpointError(error.kind, file: error.file, "variable \"\(variable)\": \(error.reason)")
        }
        guard tensor.dtype == dtype, shape.admits(tensor.shape) else {
            throw CheckpointError(
                .mismatch, file: reader.prefix + ".index",
                "variable \"\(variable)\": the graph declares \(dtype) \(shape), the checkpoint's \"\(source.key)\" is "
                    + "\(tensor.dtype) \(tensor.shape)")
        }
        values.withLock { $0[variable] = tensor }
        return tensor
    }
}
