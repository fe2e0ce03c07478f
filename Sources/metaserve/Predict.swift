import API
import ArgumentParser
import Checkpoints
import Foundation
import Glibc
import HTTPMessages
import Memory
import Serving
import Tensors

/// `metaserve predict`
struct Predict: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Run a model once, without a server.",
        discussion: """
            A feed is NAME=VALUE or NAME=@FILE. VALUE is JSON: a number, a string, true,
            false, or nested lists. FILE is a .npy array or a text file of JSON. For an
            input of dtype string, it is any file, such as an image.

              metaserve predict models/tutorial --feed w1:0=13 --feed w2:0=17 --fetch op_to_restore:0
              metaserve predict models/digits --feed x:0=@x.npy --feed keep_prob:0=1 --fetch probs:0
            """)

    @Argument(help: "A model folder, or a file of a model.")
    var path: String

    @Option(help: "Value of an input, as NAME=VALUE; repeatable.")
    var feed: [String] = []

    @Option(
        name: .customLong("default"), help: "Value of a placeholder that is not fed, as NAME=VALUE; repeatable.",
        transform: Parse.defaultValue)
    var defaults: [NamedDefault] = []

    @Option(help: "Whether the run may assign variables: read-only or session.", transform: Parse.variablesMode)
    var variables: VariablesMode?

    @Option(help: "Tensor to compute; repeatable. (default: the model's outputs)")
    var fetch: [String] = []

    @Option(help: "Number of highest classes to print for outputs that are scores, instead of all scores.")
    var top: Int?

    @Option(help: "Form of NaN and infinities in the output: string, token, null or error.", transform: Parse.nanPolicy)
    var nan = NaNPolicy.string

    @Option(
        help: "Numbers that products keep their weights in: fp32 or bf16. (default: the model's setting, or fp32)",
        transform: Parse.precision)
    var precision: Precision?

    @Option(
        name: .customLong("disable-pass"), help: "Pass of the planner that does not run; repeatable.",
        transform: Parse.pass)
    var disabledPasses: [String] = []

    @Flag(help: "Follow paths in a checkpoint file that lead to other folders.")
    var followPaths = false

    func run() throws {
        let folder = try ModelFolders.single(in: path)
        var options = Service.Options()
        options.nanPolicy = nan
        options.threadCount = ThreadBudget.processors
        let scheduler = Service.scheduler(options)
        options.scheduler = scheduler
        let values = DefaultValues(try Parse.values(of: defaults))
        let model = try Model(
            contentsOf: folder, threadCount: 1, defaults: values, variables: variables, followsPaths: followPaths,
            disabledPasses: Set(disabledPasses), precision: precision,
            reading: ReadingOptions(isOnDemand: true, helpers: scheduler.helpers, progress: Self.progress))
        let registry = ModelRegistry([model], ModelRegistry.Configuration(attach: Service.attachment))
        let response = Service(registry, options: options).respond(
            .post, Array("/predict".utf8), body: try body(for: model))
        // No output is printed of a damaged checkpoint.
        try model.verifyWeights()
        let body = String(decoding: response.body, as: UTF8.self)
        guard response.status == 200 else {
            FileHandle.standardError.write(Data(body.utf8))
            throw ExitCode.failure
        }
        print(body, terminator: "")
    }

    /// Shows on a terminal how far a long load is; nil elsewhere.
    private static var progress: ReadingProgress? {
        guard isatty(STDERR_FILENO) == 1 else { return nil }
        return ReadingProgress { done, total in
            let text =
                "loading: \(AvailableMemory.text(done.bytes)) of \(AvailableMemory.text(total.bytes)), "
                + "\(done.tensors) of \(total.tensors) tensors\n"
            FileHandle.standardError.write(Data(text.utf8))
        }
    }

    private func body(for model: Model) throws -> [UInt8] {
        let feeds = try feed.map { text in
            let feed = try FeedArgument(text)
            let input = model.inputs.first {
                $0.name == feed.name || $0.tensor == feed.name || $0.tensor == feed.name + ":0"
            }
            return JSONText.quoted(feed.name) + ":" + (try feed.json(for: input))
        }
        let fetches = fetch.isEmpty ? "" : ",\"fetches\":[" + fetch.map(JSONText.quoted).joined(separator: ",") + "]"
        let top = top.map { ",\"top\":\($0)" } ?? ""
        return Array("{\"feeds\":{\(feeds.joined(separator: ","))}\(fetches)\(top)}".utf8)
    }
}
