/// A route's entry in the OpenAPI document; see ``OpenAPI``.
struct RouteDescription: Sendable {
    /// The body of a request.
    enum Body: Sendable {
        case none
        /// An optional body that is the same for all models.
        case optional(JSONTree)
        /// The body of a protocol, with the inputs of the path's model.
        case inference(OpenAPIModel.Form)
        /// The body of a protocol, for the model that the body names.
        case inferenceOfAny
    }

    /// The body of a response.
    enum Response: Sendable {
        case empty
        case text
        case json(JSONTree)
        /// The response of a protocol, with the outputs of the path's model.
        case inference

        /// An object with these keys, and possibly others.
        static func object(_ keys: String...) -> Response {
            .json(["type": "object", "required": .list(keys.map { .string($0) })])
        }
    }

    /// A short description.
    let summary: String
    var body = Body.none
    let response: Response

    init(_ summary: String, _ body: Body = .none, response: Response) {
        self.summary = summary
        self.body = body
        self.response = response
    }
}
