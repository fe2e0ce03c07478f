internal import HTTPMessages
internal import Serving
internal import Tensors

/// The schemas of requests to a version of a model, with its own inputs and outputs.
struct OpenAPIModel {
    /// A protocol.
    enum Form {
        case predict, tfServing, classify, regress, openInference

        /// The method that the model must have a signature for.
        fileprivate var examples: ExamplesMethod? {
            switch self {
            case .classify: .classify
            case .regress: .regress
            default: nil
            }
        }
    }

    private let model: Model
    private let version: ModelVersion

    init(_ version: ModelVersion) {
        self.version = version
        model = version.model
    }

    /// Whether the model supports the protocol.
    func takes(_ form: Form) -> Bool {
        form.examples.map { !$0.signatures(of: TFServingSignatures(model)).isEmpty } ?? true
    }

    /// The schema of a request's body.
    func request(_ form: Form) -> JSONTree {
        switch form {
        case .predict: predict
        case .tfServing: rowsOrColumns
        case .classify, .regress: form.examples.map(examples) ?? [:]
        case .openInference: infer
        }
    }

    /// The schema of a response.
    func response(_ form: Form) -> JSONTree {
        switch form {
        case .predict: predicted
        case .tfServing:
            ["anyOf": [["type": "object", "required": ["predictions"]], ["type": "object", "required": ["outputs"]]]]
        case .classify, .regress:
            [
                "type": "object", "required": ["results"],
                "properties": [
                    "results": ["type": "array", "items": ["type": form == .classify ? "array" : "number"]]
                ],
            ]
        case .openInference: inferred
        }
    }

    /// A valid request with example values; nil if the inputs are too large.
    func example(_ form: Form) -> JSONTree? {
        let example = Example(model)
        guard !example.isLarge else { return nil }
        switch form {
        case .predict: return .json(example.body())
        case .tfServing:
            guard let signature = TFServingSignatures(model).usual else { return nil }
            var inputs: [(key: String, value: JSONTree)] = []
            for input in signature.inputs where input.isRequired {
                inputs.append((input.name, .json(example.value(of: input.tensor))))
            }
            return ["inputs": .object(inputs)]
        // The features are only known to the graph.
        case .classify, .regress: return nil
        case .openInference:
            let inputs = V2Interface(model).inputs.filter { !$0.isOptional }
            return [
                "inputs": .list(
                    inputs.map { input in
                        let value = JSONTree.json(example.value(of: input.description))
                        let dimensions = example.dimensions(of: input.description)
                        let isFlat = dimensions.isEmpty
                        let sizes = (isFlat ? input.inputDimensions : dimensions).map {
                            JSONTree.integer($0 < 0 ? 1 : $0)
                        }
                        return [
                            "name": .string(input.name), "datatype": .string(V2Datatype.name(of: input.dtype) ?? ""),
                            "shape": .list(sizes), "data": isFlat ? [value] : value,
                        ]
                    })
            ]
        }
    }
}

// POST /predict
extension OpenAPIModel {
    private var predict: JSONTree {
        let needed = model.inputs.filter { $0.isNeeded && $0.defaultValue == nil }
        return [
            "type": "object", "required": ["feeds"], "additionalProperties": false,
            "properties": [
                "model": ["const": .string(model.name)],
                "feeds": [
                    "description": "Other tensors of the graph can be fed too.",
                    "type": "object", "required": .list(needed.map { .string($0.name) }),
                    "properties": .object(model.inputs.map { ($0.name, schema(of: $0, .request)) }),
                    "additionalProperties": false,
                ],
                "fetches": [
                    "description": "Other tensors of the graph can be fetched too.",
                    "type": ["array", "null"], "minItems": 1, "uniqueItems": true,
                    "items": ["enum": .list(model.outputs.map { .string($0.name) })],
                ],
                "top": [
                    "description": "Number of highest classes to return for outputs that are scores.",
                    "type": ["integer", "null"], "minimum": 1,
                ],
            ],
        ]
    }

    private var predicted: JSONTree {
        [
            "type": "object", "required": ["outputs", "model"],
            "properties": [
                "outputs": [
                    "type": "object",
                    "properties": .object(
                        model.outputs.map { ($0.name, ["anyOf": [schema(of: $0, .response), Self.classes]]) }),
                ],
                "model": [
                    "type": "object", "required": ["name", "step"],
                    "properties": ["name": ["const": .string(model.name)], "step": ["type": ["integer", "null"]]],
                ],
            ],
        ]
    }

    /// The form of scores with `"top"`: nested lists of classes, with as many dimensions as the output.
    private static let classes: JSONTree = [
        "description": "The highest classes, if the request asks for them.", "type": "array",
    ]

    private func schema(of tensor: TensorDescription, _ place: OpenAPISchema.Place) -> JSONTree {
        let schema = OpenAPISchema.tensor(tensor.dtype, tensor.shape, place)
        let description = "\(tensor.dtype?.name ?? "any dtype") \(tensor.shape)" + (tensor.note.map { ": \($0)" } ?? "")
        return schema.adding([("description", .string(description))])
    }
}

// POST /v1/models/NAME:predict
extension OpenAPIModel {
    private var rowsOrColumns: JSONTree {
        guard let signature = TFServingSignatures(model).usual else { return ["type": "object"] }
        let required = JSONTree.list(signature.inputs.filter(\.isRequired).map { .string($0.name) })
        func named(_ shape: (PartialShape) -> PartialShape) -> JSONTree {
            [
                "type": "object", "required": required,
                "properties": .object(
                    signature.inputs.map {
                        ($0.name, OpenAPISchema.tensor($0.tensor.dtype, shape($0.tensor.shape), .request))
                    }),
            ]
        }
        func row(_ shape: PartialShape) -> PartialShape {
            shape.dimensions.map { PartialShape(Array($0.dropFirst())) } ?? shape
        }
        // As in TensorFlow Serving, unknown names are ignored in columns only.
        var rows = [named(row).adding([("additionalProperties", false)])]
        var columns = [named { $0 }]
        if let plain = signature.plainInput {
            let tensor = signature.inputs[plain].tensor
            rows.append(OpenAPISchema.tensor(tensor.dtype, row(tensor.shape), .request))
            columns.append(OpenAPISchema.tensor(tensor.dtype, tensor.shape, .request))
        }
        let name: JSONTree = ["const": .string(signature.name)]
        // Other keys are ignored, but both of these together are an error.
        var forms: [JSONTree] = [
            [
                "type": "object", "required": ["inputs"],
                "properties": ["signature_name": name, "inputs": ["anyOf": .list(columns)], "instances": false],
            ]
        ]
        // A scalar has no rows.
        if signature.inputs.allSatisfy({ !$0.isRequired || $0.tensor.shape.dimensions?.isEmpty != true }) {
            forms.append([
                "type": "object", "required": ["instances"],
                "properties": [
                    "signature_name": name, "inputs": false,
                    "instances": ["type": "array", "minItems": 1, "items": ["anyOf": .list(rows)]],
                ],
            ])
        }
        return ["anyOf": .list(forms)]
    }
}

// POST /v1/models/NAME:classify and :regress
extension OpenAPIModel {
    private func examples(_ method: ExamplesMethod) -> JSONTree {
        let names = method.signatures(of: TFServingSignatures(model)).map(\.name)
        let hasDefault = names.contains(Signature.defaultName)
        let value: JSONTree = [
            "anyOf": [
                ["type": ["number", "string", "boolean"]],
                ["type": "object", "required": ["b64"], "properties": ["b64": ["type": "string"]]],
            ]
        ]
        let features: JSONTree = [
            "description": "A tf.train.Example: the values of each feature.", "type": "object",
            "additionalProperties": ["anyOf": [value, ["type": "array", "items": value]]],
        ]
        return [
            "type": "object", "required": hasDefault ? ["examples"] : ["examples", "signature_name"],
            "properties": [
                "signature_name": ["enum": .list(names.map { .string($0) })], "context": features,
                "examples": ["type": "array", "minItems": 1, "items": features],
            ],
        ]
    }
}

// POST /v2/models/NAME/infer
extension OpenAPIModel {
    private var infer: JSONTree {
        let interface = V2Interface(model)
        let least = interface.inputs.count { !$0.isOptional }
        return [
            "description": "The bytes of tensors may follow the JSON; see Triton's binary tensor data extension.",
            "type": "object", "required": ["inputs"],
            "properties": [
                "id": ["type": ["string", "null"]],
                "parameters": Self.parameters(["binary_data_output": ["type": "boolean"]]),
                "inputs": [
                    "type": "array", "minItems": .integer(least), "maxItems": .integer(interface.inputs.count),
                    "items": ["anyOf": .list(interface.inputs.map(input))],
                ],
                "outputs": [
                    "type": ["array", "null"],
                    "items": [
                        "type": "object", "required": ["name"],
                        "properties": [
                            "name": ["enum": .list(interface.outputs.map { .string($0.name) })],
                            "parameters": Self.parameters([
                                "binary_data": ["type": "boolean"],
                                "classification": ["type": "integer", "minimum": 0],
                            ]),
                        ],
                    ],
                ],
            ],
        ]
    }

    /// Other parameters are ignored.
    private static func parameters(_ known: JSONTree) -> JSONTree {
        ["type": ["object", "null"], "properties": known]
    }

    private func input(_ tensor: V2Interface.Tensor) -> JSONTree {
        let element = OpenAPISchema.element(tensor.dtype, .request)
        let dimensions = tensor.inputDimensions
        return [
            "type": "object", "required": ["name", "shape", "datatype", "data"],
            "properties": [
                "name": ["const": .string(tensor.name)],
                "shape": OpenAPISchema.list(
                    ["type": "integer", "minimum": 0], size: tensor.shape.rank == nil ? -1 : dimensions.count),
                "datatype": ["const": .string(V2Datatype.name(of: tensor.dtype) ?? "")],
                "data": [
                    "anyOf": [
                        ["type": "array", "items": element],
                        OpenAPISchema.tensor(tensor.dtype, PartialShape(dimensions), .request),
                    ]
                ],
            ],
        ]
    }

    private var inferred: JSONTree {
        [
            "type": "object", "required": ["model_name", "model_version", "outputs"],
            "properties": [
                "id": ["type": "string"],
                "model_name": ["const": .string(model.name)],
                // Without a version in the path, any version may respond.
                "model_version": ["type": "string", "pattern": "^[0-9]+$"],
                "outputs": [
                    "type": "array",
                    "items": [
                        "type": "object", "required": ["name", "datatype", "shape"],
                        "properties": [
                            "name": ["type": "string"], "datatype": ["type": "string"],
                            "shape": ["type": "array", "items": ["type": "integer", "minimum": 0]],
                            "data": ["type": "array"], "parameters": ["type": "object"],
                        ],
                    ],
                ],
            ],
        ]
    }
}
