import ArgumentParser

/// The arguments of `metaserve benchmark --http`.
struct LoadOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Send requests to this address. (default path: /models/NAME/predict of FOLDER's name)", valueName: "url"),
        transform: TargetAddress.parse)
    var http: TargetAddress?

    @Option(help: ArgumentHelp("Connections that are kept open. (default: 1)", valueName: "count"))
    var connections: Int?

    @Option(
        help: ArgumentHelp(
            "Requests per second, due at fixed times. (default: each connection sends when it has its response)",
            valueName: "requests"))
    var rate: Double?

    @Option(help: ArgumentHelp("Body of the requests. (default: feeds of FOLDER as JSON)", valueName: "file"))
    var body: String?

    @Option(help: ArgumentHelp("Header of the requests, as 'NAME: VALUE'; repeatable.", valueName: "header"))
    var header: [String] = []

    private static let maxConnections = 20_000
    private static let maxRate = 10_000_000.0

    func validate() throws {
        let given = [
            ("--connections", connections != nil), ("--rate", rate != nil), ("--body", body != nil),
            ("--header", !header.isEmpty),
        ]
        if http == nil, let name = given.first(where: \.1)?.0 {
            throw ValidationError("\(name) is for requests to a server: add --http URL, such as http://localhost:8501")
        }
        if let connections, !(1...Self.maxConnections).contains(connections) {
            throw ValidationError("--connections \(connections): expected 1 to \(Self.maxConnections)")
        }
        if let rate, !(rate > 0 && rate <= Self.maxRate) {
            throw ValidationError(
                "--rate \(rate): expected more than 0 and at most \(Int(Self.maxRate)) requests a second")
        }
        for line in header {
            guard let colon = line.firstIndex(of: ":"), colon > line.startIndex, line.utf8.allSatisfy({ $0 >= 0x20 })
            else {
                throw ValidationError("--header '\(line)': expected 'NAME: VALUE', such as 'Authorization: Bearer x'")
            }
        }
    }
}
