import API
import ArgumentParser
import Execution
import Foundation
import Serving
import Tensors

/// `metaserve check`
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Show how far a model's outputs move if its weights are kept in another precision.",
        discussion: """
            Runs the model in fp32 and in the other precision, with the same feeds, and
            compares each output of each signature. Feeds are random, or the arrays of FILE,
            which numpy.savez wrote with the names of the inputs.

              metaserve check models/digits --precision bf16
              metaserve check models/digits --precision bf16 --data images.npz --batch 100

            The status is 0 if the outputs were compared, however far they are apart.
            """)

    @OptionGroup var input: BenchmarkInput

    @Option(help: ArgumentHelp("Arrays to feed, by the names of inputs, in a .npz file.", valueName: "file"))
    var data: String?

    @Option(help: ArgumentHelp("Threads of a run. (default: the processors)", valueName: "count"))
    var threads: Int?

    @Flag(help: "Print one line of JSON instead of the text.")
    var json = false

    private static let standardBatch = 32
    private static let maxThreads = 1024

    func validate() throws {
        guard input.folder != nil else { throw ValidationError("give a model's folder, such as models/tutorial") }
        guard input.precision != nil else {
            let others = Precision.allCases.filter { $0 != .fp32 }.map { "--precision \($0.rawValue)" }
            throw ValidationError("give the precision to compare with fp32: \(others.joined(separator: ", "))")
        }
        if let threads, !(1...Self.maxThreads).contains(threads) {
            throw ValidationError("--threads \(threads): expected 1 to \(Self.maxThreads)")
        }
        guard data == nil || input.caseNumber == nil else {
            throw ValidationError("--data and --case both say what to feed: leave out one of them")
        }
    }

    func run() throws {
        guard let folder = input.folder, let precision = input.precision else { return }
        let standard = try input.model(at: folder, .fp32)
        let other = try input.model(at: folder, precision)
        let batches = try batches(for: standard)
        let helpers = TimedRuns.helpers(for: threads ?? ThreadBudget.processors)
        let signatures = signatures(of: standard)
        var checked: [CheckedSignature] = []
        for signature in signatures {
            do {
                checked.append(
                    try CheckedSignature(standard, other, runs: batches.count, helpers) { number in
                        try input.call(
                            of: standard, at: folder, signature: signature, given: batches[number],
                            standardBatch: input.feed.isEmpty ? Self.standardBatch : nil)
                    })
            } catch  where signatures.count > 1 {
                warn("signature \(signature?.name ?? "") is not compared: \(error)")
            }
        }
        guard !checked.isEmpty else {
            throw BenchmarkFailure(description: "no signature was compared: give values with --feed and --fetch")
        }
        let report = CheckReport(
            standard, precision, checked, packedBytes: standard.weightMemory[.packed], other.weightMemory[.packed])
        if json { print(try JSONLine.text(report)) } else { report.show() }
    }

    /// All signatures, or the default one if the arguments say what is run.
    private func signatures(of model: Model) -> [Signature?] {
        guard !input.namesFeedsOrFetches, data == nil, model.signatures.count > 1 else { return [nil] }
        return model.signatures.values.sorted { $0.name < $1.name }
    }

    /// The feeds of each run.
    private func batches(for model: Model) throws -> [[(name: String, value: FeedSource)]] {
        guard let path = data else { return [[]] }
        let data = try CheckedData(path: path, for: model, except: input.feed.map { try FeedArgument($0).name })
        for name in data.unused {
            warn("array \"\(name)\" of \(data.path) is no input of \(model.name), and is not used")
        }
        return try data.batches(of: input.batch ?? Self.standardBatch)
    }

    private func warn(_ text: String) {
        FileHandle.standardError.write(Data("warning: \(text)\n".utf8))
    }
}
