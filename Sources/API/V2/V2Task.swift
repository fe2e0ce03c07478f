internal import Execution
internal import HTTPMessages
internal import Serving

/// `POST /v2/models/NAME/infer`: a request of the Open Inference Protocol, with tensors as JSON or as bytes after it.
final class V2Task: RequestTask {
    private var parts = V2Request()
    /// Whether the body is one tensor without JSON. The response's tensors are bytes then.
    private var isRaw = false
    private var sizes: [Int] = []

    override func reset() {
        parts.clear()
        isRaw = false
        super.reset()
    }

    override func read(_ request: HTTPRequest, _ calls: VersionCalls) throws(RequestError) -> PreparedCall {
        var body = try V2Body(request)
        isRaw = body.isRaw
        if isRaw { return try readRaw(body.tensors, calls) }
        try parts.read(try workspace.parser.parse(body.json))
        let call = try call(of: calls)
        for (index, input) in parts.inputs.enumerated() {
            let expected = V2Input(
                name: call.feedNames[index], index: index, expected: call.callable.feeds[index],
                isScalar: !call.scalars.isEmpty && call.scalars[index])
            try expected.requireDatatype(input.datatype)
            let count = try expected.readShape(input.shape, into: &sizes)
            switch input.elements {
            case .data(let data): try expected.add(data, sizes, count: count, to: &workspace.feeds)
            case .binary(let size):
                let left = body.tensors.count
                guard let bytes = body.take(size) else {
                    throw .badRequest(
                        "input \"\(expected.name)\": \"binary_data_size\" is \(size), but only \(left) bytes of the body are left"
                    )
                }
                try expected.add(bytes, sizes, count: count, to: &workspace.feeds)
            }
        }
        guard body.tensors.isEmpty else {
            throw .badRequest("\(body.tensors.count) bytes of the body follow the inputs' binary data")
        }
        return call
    }

    private func call(of calls: VersionCalls) throws(RequestError) -> PreparedCall {
        workspace.signature.append(PreparedCall.Kind.v2.rawValue)
        for input in parts.inputs {
            PreparedCall.append(name: UnsafeRawBufferPointer(input.name.string), to: workspace.signature)
        }
        if !parts.outputs.isEmpty { workspace.signature.append(1) }
        for output in parts.outputs {
            PreparedCall.append(name: UnsafeRawBufferPointer(output.name.string), to: workspace.signature)
        }
        if let name = parts.signature {
            workspace.signature.append(3)
            PreparedCall.append(name: UnsafeRawBufferPointer(name.string), to: workspace.signature)
        }
        return try prepared(calls) { () throws(RequestError) in
            let signature = try calls.signature(named: parts.signature?.text)
            let outputs = parts.outputs.map(\.name.text)
            let inputs = parts.inputs.map(\.name.text)
            return PreparedCall.Names(
                feeds: inputs, fetches: outputs.isEmpty ? signature?.outputs.map(\.name) : outputs,
                signature: signature, scalars: V2Interface(calls.model, signature).scalars(among: inputs))
        }
    }

    /// Prepares the call. An unknown name is an error of the request, not of the path.
    private func prepared(
        _ calls: VersionCalls, _ names: () throws(RequestError) -> PreparedCall.Names
    ) throws(RequestError) -> PreparedCall {
        do throws(RequestError) { return try calls.call(for: workspace.signature, names: names) } catch {
            throw error.status == 404 ? .badRequest(error.message) : error
        }
    }

    private func readRaw(_ bytes: UnsafeRawBufferPointer, _ calls: VersionCalls) throws(RequestError) -> PreparedCall {
        workspace.signature.append(PreparedCall.Kind.v2.rawValue)
        workspace.signature.append(2)
        let call = try prepared(calls) { () throws(RequestError) in
            let needed = V2Interface(calls.model).inputs.filter { !$0.isOptional }
            guard let input = needed.first, needed.count == 1 else {
                throw .badRequest(
                    "a body without JSON requires a model with one input; model \"\(calls.model.name)\" has "
                        + needed.map { "\"\($0.name)\"" }.joined(separator: ", "))
            }
            let signature = calls.model.defaultSignature
            return PreparedCall.Names(
                feeds: [input.name], fetches: signature?.outputs.map(\.name), signature: signature)
        }
        try V2Input(name: call.feedNames[0], index: 0, expected: call.callable.feeds[0]).add(
            body: bytes, to: &workspace.feeds)
        return call
    }

    override func write(
        _ outputs: UnsafeBufferPointer<TensorView>, of call: PreparedCall, to response: inout HTTPResponse
    ) throws(RequestError) {
        var writer = JSONWriter(response.body)
        writer.beginObject()
        writeHead(&writer)
        writer.key("outputs")
        writer.beginList()
        var isPlain = true
        for (index, output) in outputs.enumerated() {
            let isBinary = isBinary(index)
            isPlain = isPlain && !isBinary
            try V2Output.with(output, classCount: wish(index)?.classCount, call.classes[index], call.keys[index]) {
                tensor throws(RequestError) in
                let output = V2Output(tensor: tensor, key: call.keys[index])
                try output.write(isBinary: isBinary, policy: route.options.nanPolicy, &writer)
            }
        }
        writer.endList()
        writer.endObject()
        if isPlain { return }
        response.contentType = "application/octet-stream"
        response.headers.append((HTTPHeader.inferenceHeaderContentLength.name, "\(response.body.count)"))
        for (index, output) in outputs.enumerated() where isBinary(index) {
            try V2Output.with(output, classCount: wish(index)?.classCount, call.classes[index], call.keys[index]) {
                tensor in
                V2Output(tensor: tensor, key: call.keys[index]).append(to: response.body)
            }
        }
    }

    private func writeHead(_ writer: inout JSONWriter) {
        if let id = parts.id {
            writer.key("id")
            writer.string(UnsafeBufferPointer(id.string))
        }
        guard let model, let version else { return }
        writer.key("model_name")
        writer.string(model.name)
        writer.key("model_version")
        writer.string(String(version.number))
    }

    /// The request's entry for an output, if it names outputs.
    private func wish(_ index: Int) -> V2Request.Output? {
        parts.outputs.indices.contains(index) ? parts.outputs[index] : nil
    }

    private func isBinary(_ index: Int) -> Bool { isRaw || wish(index)?.isBinary ?? parts.isBinary }
}
