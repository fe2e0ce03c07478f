internal import HTTPMessages
internal import Serving

/// `GET /` as text for a terminal: the served models, and a command to copy.
struct Overview {
    let catalog: Catalog
    let options: Service.Options
    /// The command to copy; nil if no model has an example.
    let line: String?

    func write(to response: inout HTTPResponse) {
        response.contentType = "text/plain; charset=utf-8"
        response.headers.append(("Vary", "Accept, User-Agent"))
        let address = options.address()
        let curl = "curl" + (address.socketPath.map { " --unix-socket \(ShellWord.quoted($0))" } ?? "")
        var lines = ["metaserve \(options.version)", "", "Models"]
        lines += catalog.models.isEmpty ? ["  none"] : catalog.models.map { "  " + Self.text(of: $0) }
        if let line { lines += ["", "Try", "  " + line] }
        lines += [
            "", "More",
            "  \(curl) \(address.url)/models/NAME    # a model's inputs, outputs and variables",
            "  \(curl) \(address.url)/openapi.json   # all routes",
            "  \(curl) -H 'Accept: application/json' \(address.url)/   # the same as JSON",
        ]
        for line in lines { response.body.append(line + "\n") }
    }

    private static func text(of model: ServedModel) -> String {
        let step = model.versions.current?.model.step.map { ", step \($0)" } ?? ""
        let state = model.versions.current == nil ? ", not loaded" : step
        // A folder's name may contain control characters, which a terminal would obey.
        let name = model.name.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : Character($0) }
        return String(name) + state
    }
}

/// Words of a command line.
enum ShellWord {
    /// A text quoted as one word for the shell.
    static func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }
}
