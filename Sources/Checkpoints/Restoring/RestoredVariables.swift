internal import Synchronization
internal import TensorFlowProtos
package import Tensors

/// The values of a graph's variables, read from a checkpoint on first use.
package final class RestoredVariables: Sendable {
    /// The checkpoint; nil for a graph without variables.
    package let reader: CheckpointReader?
    /// The mapping from tensors to variables.
    package let plan: RestorePlan
    /// Values that were put together or converted.
    private let values = Mutex<[String: Tensor]>([:])

    package init(plan: RestorePlan, reader: CheckpointReader?) {
        self.plan = plan
        self.reader = reader
    }

    /// The checkpoint's tensor for a variable. The plan takes precedence. In an object-based checkpoint, the variable's full name is looked up,
    /// then the path of an object with that name.
    private func source(of variable: String) -> RestorePlan.Source {
        let source = plan.sources[variable] ?? RestorePlan.Source(key: variable, slice: "")
        guard let reader, reader.info(for: source.key) == nil else { return source }
        let candidates = [
            reader.objectKeys[source.key], reader.objectKeys[variable], variable + "/.ATTRIBUTES/VARIABLE_VALUE",
        ]
        for case let key? in candidates where reader.info(for: key) != nil {
            return RestorePlan.Source(key: key, slice: source.slice, isReshaped: source.isReshaped)
        }
        return source
    }

    /// The checkpoint's entry for a variable, without reading it; nil if there is none.
    package func info(of variable: String) -> CheckpointReader.TensorInfo? {
        reader?.info(for: source(of: variable).key)
    }

    /// The shape of a variable's value, where the checkpoint's index tells it.
    ///
    /// - Parameters:
    ///   - variable: The name in the graph.
    ///   - dtype: The dtype that the graph declares.
    ///   - shape: The shape that the graph declares.
    /// - Returns: The shape; nil where ``value(of:dtype:shape:)`` has to find out, or fails.
    package func shape(of variable: String, dtype: DataType, shape: PartialShape) -> Shape? {
        guard plan.constants[variable] == nil, let reader else { return nil }
        let source = source(of: variable)
        guard source.slice.isEmpty, let info = reader.info(for: source.key), info.dtype == dtype else { return nil }
        if source.isReshaped, let known = shape.known, known.elementCount == info.shape.elementCount { return known }
        return shape.admits(info.shape) ? info.shape : nil
    }

    /// The value of a variable.
    ///
    /// - Parameters:
    ///   - variable: The name in the graph.
    ///   - dtype: The declared dtype.
    ///   - shape: The declared shape. If the graph reshapes the value, only the number of elements must match.
    /// - Returns: The value.
    /// - Throws: ``CheckpointError`` of kind `notFound`, with the variable, the key and the nearest keys, if the checkpoint lacks it;
    ///   of kind `mismatch` if its dtype or shape differs.
    package func value(of variable: String, dtype: DataType, shape: PartialShape) throws(CheckpointError) -> Tensor {
        if let known = values.withLock({ $0[variable] }) { return known }
        var (tensor, origin) = try read(variable)
        if plan.sources[variable]?.isReshaped == true, let known = shape.known,
            let reshaped = tensor.reshaped(to: known)
        {
            tensor = reshaped
        }
        guard tensor.dtype == dtype, shape.admits(tensor.shape) else {
            throw CheckpointError(
                .mismatch, file: reader?.indexPath ?? "graph",
                "variable \"\(variable)\": the graph declares \(dtype) \(shape), \(origin) is \(tensor.dtype) \(tensor.shape)"
            )
        }
        // The checkpoint has the others in memory, where it knows whether somebody uses them.
        if !tensor.storage.isBorrowed { values.withLock { $0[variable] = tensor } }
        return tensor
    }

    /// Lets a function take the bytes of a variable's value in parts, on several threads at once. The value needs no memory then.
    ///
    /// - Parameters:
    ///   - variable: The name in the graph.
    ///   - dtype: The declared dtype.
    ///   - shape: The declared shape.
    ///   - multiple: All parts but the last have a multiple of so many bytes.
    ///   - take: Takes a part.
    /// - Returns: false if the value is in memory, or cannot be read in this way.
    /// - Throws: ``CheckpointError``, as ``value(of:dtype:shape:)`` does; what was taken then is not to be used.
    package func readParts(
        of variable: String, dtype: DataType, shape: PartialShape, multipleOf multiple: Int,
        _ take: @escaping PartTaking
    ) throws(CheckpointError) -> Bool {
        guard self.shape(of: variable, dtype: dtype, shape: shape) != nil, let reader else { return false }
        do throws(CheckpointError) {
            return try reader.readParts(of: source(of: variable).key, multipleOf: multiple, take)
        } catch {
            throw CheckpointError(error.kind, file: error.file, "variable \"\(variable)\": \(error.reason)")
        }
    }

    /// The value, and the name of its source for messages.
    private func read(_ variable: String) throws(CheckpointError) -> (Tensor, origin: String) {
        if let constant = plan.constants[variable] {
            do throws(TensorDecodingError) {
                return (try Tensor(decoding: constant), "the constant that initialises it")
            } catch { throw CheckpointError(.malformed, file: "graph", "variable \"\(variable)\": \(error.reason)") }
        }
        guard let reader else {
            throw CheckpointError(
                .notFound, file: "graph", "variable \"\(variable)\" has no value: there is no checkpoint with the graph"
            )
        }
        let source = source(of: variable)
        do throws(CheckpointError) {
            return (try reader.tensor(named: source.key, slice: source.slice), "the checkpoint's \"\(source.key)\"")
        } catch {
            throw CheckpointError(error.kind, file: error.file, "variable \"\(variable)\": \(error.reason)")
        }
    }
}
