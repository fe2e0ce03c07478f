/// A route's entry in the OpenAPI document; see ``OpenAPI``.
struct RouteDescription: Sendable {
    /// The body of a request.
    enum Body: Sendable {
        case none
        /// The same for all models; it may be left out.
        case optional(JSONTree)
        /// That of a protocol, with the inputs of the path's model.
        case inference(OpenAPIModel.Form)
        /// The same, of whichever model the body names.
        case inferenceOfAny
    }

    /// The body of a response.
    enum Response: Sendable {
        case empty
        case text
        case json(JSONTree)
        /// That of a protocol, with the outputs of the path's model.
        case inference

        /// An object that has these keys, and perhaps others.
        static func object(_ keys: String...) -> Response {
            .json(["type": "object", "required": .list(keys.map { .string($0) })])
        }
    }

    /// In a few words.
    let summary: String
    var body = Body.none
    let response: Response

    init(_ summary: String, _ body: Body = .none, response: Response) {
        self.summary = summary
        self.body = body
        self.response = response
    }
}
