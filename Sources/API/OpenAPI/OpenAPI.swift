internal import HTTPMessages
internal import Serving

/// `GET /openapi.json`: the server's API, generated from its routes and from the loaded models, with their actual inputs and shapes.
struct OpenAPI: Sendable {
    private let registry: ModelRegistry
    private let options: Service.Options
    private let documented: [(route: Route, description: RouteDescription)]

    /// - Parameters:
    ///   - context: The state that the routes share.
    ///   - routes: All other routes.
    init(_ context: Service.Context, _ routes: [Route]) {
        registry = context.registry
        options = context.options
        documented = routes.compactMap { route in route.description.map { (route, $0) } }
    }

    var routes: [Route] {
        [.immediate(.get, "/openapi.json") { _, response in write(to: &response) }]
    }

    private func write(to response: inout HTTPResponse) {
        var writer = JSONWriter(response.body)
        document.write(to: &writer)
    }

    private var document: JSONTree {
        let models = registry.catalog.models.filter { $0.versions.current != nil }
        var paths = Paths(models: models, defaultModel: registry.catalog.defaultModel, rules: options.access)
        for (route, description) in documented { paths.add(route, description) }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "metaserve", "version": .string(options.version),
                "description": "TensorFlow models, served from their checkpoints.",
            ],
            "paths": paths.tree,
            "components": [
                "schemas": .object(paths.schemas),
                "securitySchemes": ["token": ["type": "http", "scheme": "bearer"]],
            ],
        ]
    }
}

/// The paths of the document, and their schemas.
private struct Paths {
    private let models: [ServedModel]
    private let defaultModel: ServedModel?
    private let rules: AccessRules
    /// In the order of the routes.
    private var operations: [(path: String, methods: [(key: String, value: JSONTree)])] = []
    private(set) var schemas: [(key: String, value: JSONTree)] = [
        (
            "Error",
            [
                "type": "object", "required": ["error"], "additionalProperties": false,
                "properties": ["error": ["type": "string", "description": "The problem, and the expected value."]],
            ]
        )
    ]

    init(models: [ServedModel], defaultModel: ServedModel?, rules: AccessRules) {
        self.models = models
        self.defaultModel = defaultModel
        self.rules = rules
    }

    var tree: JSONTree { .object(operations.map { ($0.path, .object($0.methods)) }) }

    mutating func add(_ route: Route, _ description: RouteDescription) {
        switch description.body {
        case .inference(let form):
            for model in models { add(route, description, form, model) }
        case .inferenceOfAny where models.isEmpty: return
        case .inferenceOfAny:
            add(route, route.pattern, description, body: anyBody, example: nil, response: ["type": "object"])
        case .none:
            add(route, route.pattern, description, body: nil, example: nil, response: nil)
        case .optional(let schema):
            add(route, route.pattern, description, body: schema, example: nil, response: nil)
        }
    }

    /// Adds a path for each model, and for each of its versions and labels if the route has them.
    private mutating func add(
        _ route: Route, _ description: RouteDescription, _ form: OpenAPIModel.Form, _ model: ServedModel
    ) {
        let path = route.pattern.replacingParameter("name", by: model.name)
        let versions = model.versions
        if path.contains("{number") {
            for version in versions.versions {
                add(route, path.replacingParameter("number", by: "\(version.number)"), description, form, version)
            }
        } else if path.contains("{label") {
            for (label, version) in versions.labels.sorted(by: { $0.key < $1.key }) {
                add(route, path.replacingParameter("label", by: label), description, form, version)
            }
        } else if let version = versions.current {
            add(route, path, description, form, version)
        }
    }

    private mutating func add(
        _ route: Route, _ path: String, _ description: RouteDescription, _ form: OpenAPIModel.Form,
        _ version: ModelVersion
    ) {
        let model = OpenAPIModel(version)
        guard model.takes(form) else { return }
        add(
            route, path, description, body: reference(form, version, "request") { model.request(form) },
            example: model.example(form), response: reference(form, version, "answer") { model.response(form) })
    }

    /// Versions and labels share schemas.
    private mutating func reference(
        _ form: OpenAPIModel.Form, _ version: ModelVersion, _ what: String, _ schema: () -> JSONTree
    ) -> JSONTree {
        let number = models.firstIndex { $0.name.utf8.elementsEqual(version.model.name.utf8) } ?? 0
        let plain = version.model.name.utf8.map { byte in
            let scalar = UnicodeScalar(byte)
            return byte < 0x80 && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
                ? Character(scalar) : "_"
        }
        // Different names may have the same plain form.
        let key = "\(form).\(number).\(String(plain)).\(version.number).\(what)"
        if !schemas.contains(where: { $0.key == key }) { schemas.append((key, schema())) }
        return ["$ref": "#/components/schemas/\(key)"]
    }

    /// The schema of a body for any model. The default model's name is optional.
    private var anyBody: JSONTree {
        var forms: [JSONTree] = []
        for model in models {
            guard let version = model.versions.current else { continue }
            let schema = OpenAPIModel(version).request(.predict)
            forms.append(
                model === defaultModel ? schema : ["allOf": [schema, ["type": "object", "required": ["model"]]]])
        }
        return ["anyOf": .list(forms)]
    }

    private mutating func add(
        _ route: Route, _ pattern: String, _ description: RouteDescription, body: JSONTree?, example: JSONTree?,
        response: JSONTree?
    ) {
        let (path, parameters) = pattern.openAPIPath(models)
        var content: [(key: String, value: JSONTree)] = [
            ("summary", .string(description.summary)), ("tags", [.string(Self.tag(of: path))]),
        ]
        if rules.needsToken(route.access) { content.append(("security", [["token": []]])) }
        if !parameters.isEmpty { content.append(("parameters", .list(parameters))) }
        if let body {
            let isRequired = if case .optional = description.body { false } else { true }
            let media = JSONTree.object([("schema", body)]).adding(example.map { [("example", $0)] } ?? [])
            content.append(
                ("requestBody", ["required": .bool(isRequired), "content": ["application/json": media]]))
        }
        let error: JSONTree = ["schema": ["$ref": "#/components/schemas/Error"]]
        content.append(
            (
                "responses",
                [
                    "200": Self.response(description, response),
                    "default": ["description": "An error", "content": ["application/json": error]],
                ]
            ))
        let entry = (key: route.method == .get ? "get" : "post", value: JSONTree.object(content))
        if let index = operations.firstIndex(where: { $0.path == path }) {
            operations[index].methods.append(entry)
        } else {
            operations.append((path, [entry]))
        }
    }

    private static func tag(of path: String) -> String {
        if path.hasPrefix("/v1/") { return "TensorFlow Serving" }
        return path == "/v2" || path.hasPrefix("/v2/") ? "Open Inference Protocol" : "metaserve"
    }

    /// The response to an inference request: JSON, perhaps followed by the bytes of tensors.
    private static func content(of description: RouteDescription, _ schema: JSONTree) -> JSONTree {
        let json: JSONTree = ["application/json": ["schema": schema]]
        guard case .inference(.openInference) = description.body else { return json }
        return json.adding([("application/octet-stream", [:])])
    }

    private static func response(_ description: RouteDescription, _ inferred: JSONTree?) -> JSONTree {
        let response: JSONTree = ["description": .string(description.summary)]
        return switch description.response {
        case .empty: response
        case .text: response.adding([("content", ["text/plain": ["schema": ["type": "string"]]])])
        case .json(let schema): response.adding([("content", ["application/json": ["schema": schema]])])
        case .inference:
            response.adding([("content", content(of: description, inferred ?? ["type": "object"]))])
        }
    }
}

extension String {
    /// A route's pattern with a value in place of a parameter, which may end with a colon.
    fileprivate func replacingParameter(_ name: String, by value: String) -> String {
        let encoded = Example.percentEncoded(value)
        return replacing("{\(name):}", with: encoded).replacing("{\(name)}", with: encoded)
    }

    /// A route's path in the document, and its parameters.
    fileprivate func openAPIPath(_ models: [ServedModel]) -> (path: String, parameters: [JSONTree]) {
        var parameters: [JSONTree] = []
        let segments = split(separator: "/", omittingEmptySubsequences: false).map { segment -> String in
            guard segment.first == "{", let end = segment.lastIndex(of: "}") else { return String(segment) }
            let name = segment[..<end].dropFirst().prefix { $0 != ":" }
            let schema: JSONTree =
                switch name {
                case "name":
                    models.isEmpty
                        ? ["type": "string"] : ["type": "string", "enum": .list(models.map { .string($0.name) })]
                case "number": ["type": "integer", "minimum": 0, "maximum": .integer(.max)]
                default: ["type": "string", "minLength": 1]
                }
            let example: JSONTree? =
                switch name {
                case "name": models.first.map { .string($0.name) }
                case "number": models.first?.versions.current.map { .integer($0.number) }
                default: models.first?.versions.labels.keys.min().map { .string($0) }
                }
            parameters.append(
                JSONTree.object([
                    ("name", .string(String(name))), ("in", "path"), ("required", true), ("schema", schema),
                ])
                .adding(example.map { [("example", $0)] } ?? []))
            return "{\(name)}" + segment[segment.index(after: end)...]
        }
        return (segments.joined(separator: "/"), parameters)
    }
}
