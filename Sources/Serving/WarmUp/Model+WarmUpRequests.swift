internal import Checkpoints
internal import Execution
internal import Files
internal import Operations
internal import Tensors
internal import Threads

extension Model {
    private static let warmUpFile = "assets.extra/tf_serving_warmup_requests"
    private static let maxRecords = 1000
    private static let maxFileBytes = 256 << 20
    private static let maxReplaySeconds = 20.0
    private static let maxReplayRunSeconds = 5.0

    /// Replays the requests that were recorded with a SavedModel for TensorFlow Serving, so that the first requests of users are not slower
    /// than others. At most 1000 requests and 20 seconds.
    ///
    /// A request that assigns variables, or draws random numbers, is only compiled.
    ///
    /// - Parameter folder: The SavedModel's folder.
    /// - Returns: The problem, for the log: one line at most.
    package func replayWarmUpRequests(in folder: String) -> [String] {
        let path = "\(folder)/\(Self.warmUpFile)"
        guard FileIdentity.exists(path) else { return [] }
        let deadline = Deadline(after: Self.maxReplaySeconds)
        var count = 0
        var failures: [String] = []
        do throws(CheckpointError) {
            var file = try RecordFile(path: path, maxBytes: Self.maxFileBytes)
            while let record = try file.next() {
                guard count < Self.maxRecords else {
                    failures.append(
                        "has more than \(Self.maxRecords) records: the first \(Self.maxRecords) are replayed")
                    break
                }
                guard !deadline.isPast else {
                    failures.append("took longer than \(Int(Self.maxReplaySeconds)) s: \(count) records are replayed")
                    break
                }
                count += 1
                if let reason = failure(replaying: record) { failures.append("record \(count) \(reason)") }
            }
        } catch { failures.append(error.reason) }
        guard let first = failures.first else { return [] }
        let rest = failures.count > 1 ? "; \(failures.count - 1) more failed" : ""
        return ["\(Self.warmUpFile): \(first)\(rest)"]
    }

    /// Replays a request.
    ///
    /// - Returns: The reason why it failed; nil if it succeeded.
    private func failure(replaying record: [UInt8]) -> String? {
        do throws(WarmUpRequest.Fault) {
            switch try WarmUpRequest(record) {
            case .predict(let signature, let inputs, let outputs): try replay(signature, inputs, outputs)
            case .examples(let signatures, let examples):
                guard !examples.isEmpty, let tensor = Tensor(strings: examples, shape: .vector(examples.count)) else {
                    throw WarmUpRequest.Fault(reason: "has no examples")
                }
                for name in signatures {
                    let inputs = try signature(name).inputs.map { (name: $0.name, value: tensor) }
                    try replay(name, inputs, [])
                }
            }
            return nil
        } catch { return error.reason }
    }

    private func signature(_ name: String) throws(WarmUpRequest.Fault) -> Signature {
        guard let signature = signatures[name] else {
            let names = signatures.keys.sorted().map { "\"\($0)\"" }.joined(separator: ", ")
            throw WarmUpRequest.Fault(reason: "names the signature \"\(name)\"; there are \(names)")
        }
        return signature
    }

    private func replay(
        _ name: String, _ inputs: [(name: String, value: Tensor)], _ outputs: [String]
    ) throws(WarmUpRequest.Fault) {
        let signature = try signature(name)
        var feeds: [String] = []
        for input in inputs {
            guard let tensor = signature.inputs.first(where: { $0.name == input.name }) else {
                throw WarmUpRequest.Fault(reason: "feeds \"\(input.name)\", which signature \"\(name)\" does not have")
            }
            feeds.append(tensor.tensor)
        }
        var fetches: [String] = []
        for output in outputs.isEmpty ? signature.outputs.map(\.name) : outputs {
            guard let tensor = signature.outputs.first(where: { $0.name == output }) else {
                throw WarmUpRequest.Fault(reason: "fetches \"\(output)\", which signature \"\(name)\" does not have")
            }
            fetches.append(tensor.tensor)
        }
        let callable: Callable
        do throws(ModelError) { callable = try self.callable(feeds: feeds, fetches: fetches) } catch {
            throw WarmUpRequest.Fault(reason: "cannot be replayed: \(error.message)")
        }
        do throws(OpError) {
            let tensors = inputs.map(\.value)
            if callable.leavesNoTrace {
                _ = try callable.run(tensors, limits: RunLimits(deadline: Deadline(after: Self.maxReplayRunSeconds)))
            } else {
                try callable.prepare(for: tensors)
            }
        } catch { throw WarmUpRequest.Fault(reason: "failed: \(error)") }
    }
}
