import API
import ArgumentParser
import Foundation
import HTTPMessages
import Serving

/// `metaserve predict`
struct Predict: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Run a model once, without a server.",
        discussion: """
            A feed is NAME=VALUE: a number, a string, true or false, or lists as JSON; or NAME=@FILE. A file is a .npy
            array, a text file of JSON, or, for an input of strings, any file: an image, a text.

              metaserve predict models/tutorial --feed w1:0=13 --feed w2:0=17 --fetch op_to_restore:0
              metaserve predict models/digits --feed x:0=@x.npy --feed keep_prob:0=1 --fetch probs:0
            """)

    @Argument(help: "A model folder, or a file of one.")
    var path: String

    @Option(help: "NAME=VALUE; once a feed.")
    var feed: [String] = []

    @Option(
        name: .customLong("default"), help: "NAME=VALUE: what a placeholder is when it is not fed; repeatable.",
        transform: Parse.defaultValue)
    var defaults: [NamedDefault] = []

    @Option(help: "Whether the run may assign variables: read-only or session.", transform: Parse.variablesMode)
    var variables: VariablesMode?

    @Option(help: "A tensor to compute; repeatable. Without any, the model's outputs.")
    var fetch: [String] = []

    @Option(help: "Print so many of the highest classes of outputs that are scores, instead of all scores.")
    var top: Int?

    @Option(help: "How NaN and infinities are written: string, token, null or error.", transform: Parse.nanPolicy)
    var nan = NaNPolicy.string

    @Flag(help: "Take what a checkpoint file names in other folders.")
    var followPaths = false

    func run() throws {
        ThreadBudget.apply()
        let folders = try ModelFolders.find(in: path)
        guard folders.count == 1 else {
            throw ValidationError(
                "\(path) holds \(folders.count) models: give the path of one of \(folders.joined(separator: ", "))")
        }
        var options = Service.Options()
        options.nanPolicy = nan
        options.threadCount = ThreadBudget.processors
        let values = DefaultValues(try Parse.values(of: defaults))
        let model = try Model(
            contentsOf: folders[0], threadCount: 1, defaults: values, variables: variables, followsPaths: followPaths)
        let registry = ModelRegistry([model], ModelRegistry.Configuration(attach: Service.attachment))
        let response = Service(registry, options: options).respond(
            .post, Array("/predict".utf8), body: try body(for: model))
        let body = String(decoding: response.body, as: UTF8.self)
        guard response.status == 200 else {
            FileHandle.standardError.write(Data(body.utf8))
            throw ExitCode.failure
        }
        print(body, terminator: "")
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
