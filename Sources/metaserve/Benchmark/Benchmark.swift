import ArgumentParser
import Execution
import Foundation
import Operations
import Serving

/// `metaserve benchmark`
struct Benchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmark",
        abstract: "Measure how long a model takes, in the process or through a server.",
        discussion: """
            Without --http, the graph is run in this process, one run after the other, with
            the feeds in memory. The last line is {"median_us": M}: the median time of a run.

              metaserve benchmark models/digits --batch 32
              metaserve benchmark models/digits --compare ./other-metaserve

            With --http, requests are sent to a server. FOLDER makes the body, --body FILE
            sends a file. With --rate, requests are due at fixed times, and their latencies
            begin at these times.

              metaserve benchmark models/digits --http http://localhost:8501 --connections 8
            """)

    @OptionGroup var input: BenchmarkInput

    @Option(
        help: ArgumentHelp(
            "Threads of a run; with --http, threads that send requests. (default: the processors; with --http 2)",
            valueName: "count"))
    var threads: Int?

    @Option(help: "How long to measure.")
    var seconds = 3.0

    @Flag(help: "Show the time by kernel and by node too.")
    var profile = false

    @Option(help: ArgumentHelp("Another metaserve to run in turns with this one.", valueName: "program"))
    var compare: String?

    @Option(help: ArgumentHelp("With --compare: how often each program measures. (default: 5)", valueName: "count"))
    var rounds: Int?

    @OptionGroup(title: "Options for --http") var load: LoadOptions

    @Flag(help: "Print one line of JSON instead of the text.")
    var json = false

    @Flag(help: "Show the progress on the standard error even if that is not a terminal.")
    var progress = false

    private static let defaultRounds = 5
    private static let maxThreads = 1024
    private static let maxSeconds = 86_400.0
    private static let leastProfileRuns = 10
    private static let mostProfileRuns = 1000

    func validate() throws {
        if let threads, !(1...Self.maxThreads).contains(threads) {
            throw ValidationError("--threads \(threads): expected 1 to \(Self.maxThreads)")
        }
        guard seconds > 0, seconds <= Self.maxSeconds else {
            throw ValidationError("--seconds \(seconds): expected more than 0 and at most \(Int(Self.maxSeconds))")
        }
        if let rounds {
            guard compare != nil else {
                throw ValidationError("--rounds says how often two programs run: add --compare PROGRAM")
            }
            guard rounds > 0 else { throw ValidationError("--rounds \(rounds): expected 1 or more") }
        }
        guard load.http == nil else {
            for (name, isGiven) in [
                ("--profile", profile), ("--compare", compare != nil), ("--precision", input.precision != nil),
            ] where isGiven {
                throw ValidationError("\(name) needs a run in this process: leave out --http")
            }
            guard load.body == nil || (input.folder == nil && !input.namesTensors) else {
                throw ValidationError(
                    "--body FILE is the whole body: leave out FOLDER, --case, --feed, --fetch and --batch, or --body")
            }
            guard input.folder != nil || !input.namesTensors else {
                throw ValidationError("--case, --feed, --fetch and --batch need the model's FOLDER")
            }
            return
        }
        guard input.folder != nil else {
            throw ValidationError("give a model's folder, such as models/tutorial, or --http URL for a server")
        }
    }

    func run() throws {
        var progress = Progress(isWanted: progress, seconds: seconds)
        if load.http != nil { return try LoadCommand(load, input, threads, seconds).run(isJSON: json, &progress) }
        guard let folder = input.folder else { return }
        let threads = threads ?? ThreadBudget.processors
        if let compare {
            let words =
                ["benchmark"] + input.words + ["--threads", "\(threads)", "--seconds", "\(seconds)"]
            let comparison = try Comparison(with: compare, words, rounds: rounds ?? Self.defaultRounds)
            return try comparison.run(isJSON: json, &progress)
        }
        let machine = Machine.current
        let call = try input.call(of: folder)
        for warning in machine.warnings { warn(warning) }
        if threads > machine.processors {
            warn("--threads \(threads) is more than the \(machine.processors) processors: threads wait for each other")
        }
        let timed: TimedRuns
        do {
            timed = try TimedRuns(of: call, threads: threads, seconds: seconds, &progress)
        } catch let error as OpError { throw call.failure(error) }
        let report = BenchmarkReport(
            call, timed, threads: threads, machine,
            profile: profile ? try profile(of: call, timed, threads) : nil)
        if json { print(try JSONLine.text(report)) } else { try report.show() }
    }

    private func profile(of call: BenchmarkCall, _ timed: TimedRuns, _ threads: Int) throws -> ProfileReport {
        let runs = Int(seconds * 1e9 / 2 / max(1, timed.times.mean))
        let explained = try call.model.explain(
            feeds: Dictionary(
                zip(call.names, call.tensors.map { FeedValue($0) }), uniquingKeysWith: { first, _ in first }),
            fetches: call.fetches, runs: min(max(runs, Self.leastProfileRuns), Self.mostProfileRuns),
            helpers: TimedRuns.helpers(for: threads))
        return ProfileReport(explained)
    }

    private func warn(_ text: String) {
        FileHandle.standardError.write(Data("warning: \(text)\n".utf8))
    }
}
