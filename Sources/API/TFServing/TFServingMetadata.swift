internal import HTTPMessages
internal import Serving
internal import Tensors

/// Writes signatures as TF Serving does: its messages as JSON, with the names of the fields and with defaults.
enum TFServingMetadata {
    static func write(_ model: String, _ version: ModelVersion, to response: inout HTTPResponse) {
        // Safety: Service.attachment(for:) makes all attachments.
        let signatures = unsafeDowncast(version.attachment, to: VersionCalls.self).signatures
        var writer = JSONWriter(response.body)
        writer.object { writer in
            writer.key("model_spec")
            writer.object { writer in
                writer.key("name")
                writer.string(model)
                writer.key("signature_name")
                writer.string("")
                writer.key("version")
                writer.string("\(version.number)")
            }
            writer.key("metadata")
            writer.object { writer in
                writer.key("signature_def")
                writer.object { writer in
                    writer.key("signature_def")
                    writer.object { writer in
                        for signature in signatures.all { write(signature, &writer) }
                    }
                }
            }
        }
    }

    private static func write(_ signature: TFServingSignature, _ writer: inout JSONWriter) {
        writer.key(signature.name)
        writer.object { writer in
            writer.key("inputs")
            write(signature.inputs, &writer)
            writer.key("outputs")
            write(signature.outputs, &writer)
            writer.key("method_name")
            writer.string(signature.methodName)
            writer.key("defaults")
            writer.object { _ in }
        }
    }

    private static func write(_ arguments: [TFServingSignature.Argument], _ writer: inout JSONWriter) {
        writer.object { writer in
            for argument in arguments {
                writer.key(argument.name)
                writer.object { writer in
                    writer.key("dtype")
                    writer.string(argument.tensor.dtype.map(name) ?? "DT_INVALID")
                    writer.key("tensor_shape")
                    write(argument.tensor.shape, &writer)
                    writer.key("name")
                    writer.string(argument.tensor.tensor)
                }
            }
        }
    }

    private static func write(_ shape: PartialShape, _ writer: inout JSONWriter) {
        writer.object { writer in
            writer.key("dim")
            writer.beginList()
            for size in shape.dimensions ?? [] {
                writer.object { writer in
                    writer.key("size")
                    writer.string("\(size)")
                    writer.key("name")
                    writer.string("")
                }
            }
            writer.endList()
            writer.key("unknown_rank")
            writer.bool(shape.dimensions == nil)
        }
    }

    /// The name in TensorFlow's enumeration.
    private static func name(_ dtype: DataType) -> String {
        switch dtype {
        case .float32: "DT_FLOAT"
        case .float64: "DT_DOUBLE"
        case .float16: "DT_HALF"
        default: "DT_" + dtype.name.uppercased()
        }
    }
}
