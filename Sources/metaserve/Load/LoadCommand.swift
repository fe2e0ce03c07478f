import ArgumentParser
import Serving
import Settings

/// The reason why a benchmark cannot go on.
struct BenchmarkFailure: Error, CustomStringConvertible {
    let description: String
}

/// `metaserve benchmark --http`
struct LoadCommand {
    private let load: LoadOptions
    private let input: BenchmarkInput
    private let threads: Int
    private let connections: Int
    private let seconds: Double

    private static let defaultThreads = 2
    private static let maxBodyBytes = 1 << 30

    init(_ load: LoadOptions, _ input: BenchmarkInput, _ threads: Int?, _ seconds: Double) {
        self.load = load
        self.input = input
        self.seconds = seconds
        connections = load.connections ?? 1
        self.threads = min(threads ?? Self.defaultThreads, connections)
    }

    /// Sends one request, then the load, and prints what became of it.
    ///
    /// - Parameters:
    ///   - isJSON: Whether to print one line of JSON instead of the text.
    ///   - progress: Shows the responses so far.
    /// - Throws: `ValidationError`, `ModelError` or ``BenchmarkFailure`` with the problem and the next step.
    func run(isJSON: Bool, _ progress: inout Progress) throws {
        guard let url = load.http else { return }
        let (address, body) = try target(url)
        let request = RequestBytes.compose(address, body: body, headers: load.header)
        let server: ServerSocket
        do {
            server = try ServerSocket(address)
            let first = try FirstRequest.send(request, to: server)
            guard (200..<300).contains(first.status) else {
                throw BenchmarkFailure(
                    description: "\(address.text): the first request got status \(first.status), expected 200 to 299: "
                        + first.excerpt)
            }
        } catch let error as ServerSocket.Failure {
            let hint = "Is the server running? To start one: metaserve serve \(input.folder ?? "FOLDER")"
            throw BenchmarkFailure(description: "\(address.text): \(error.reason). \(hint)")
        }
        let plan = LoadPlan(
            server: server, request: request, connections: connections, rate: load.rate, threads: threads,
            seconds: seconds)
        let result: LoadResult
        do { result = try LoadGenerator(plan).run(&progress) } catch let error as LoadThread.Failure {
            throw BenchmarkFailure(
                description: "the load cannot be sent: \(error.reason). Use fewer --connections or --threads")
        }
        guard result.latencies.count > 0 else {
            let errors = result.errors.map { "\($0.count) x \($0.name)" }.joined(separator: ", ")
            throw BenchmarkFailure(
                description: "\(address.text): no request was answered with status 200 to 299: "
                    + (errors.isEmpty ? "no request was due; use a longer --seconds or a higher --rate" : errors))
        }
        let report = LoadReport(address.text, plan, result)
        if isJSON { print(try JSONLine.text(report)) } else { try report.show() }
    }

    /// The complete address, and the body of the requests.
    private func target(_ url: TargetAddress) throws -> (TargetAddress, (bytes: [UInt8], type: String)?) {
        if let path = load.body {
            guard !url.path.isEmpty else {
                throw ValidationError("--http \(url.text): with --body, the address needs a path, such as /predict")
            }
            do throws(SettingsProblem) {
                return (url, (try SmallFile.read(path, maxBytes: Self.maxBodyBytes), RequestBytes.type(of: path)))
            } catch { throw ValidationError("--body \(path): \(path) cannot be read: \(error.message)") }
        }
        guard let folder = input.folder else { return (url.path.isEmpty ? url.with(path: "/") : url, nil) }
        let call = try input.call(of: folder)
        let path = url.path.isEmpty ? TargetAddress.predictPath(of: call.model.name) : url.path
        return (url.with(path: path), (try call.body(), "application/json"))
    }
}
