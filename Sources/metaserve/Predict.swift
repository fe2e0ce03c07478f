import API
import ArgumentParser
import Foundation
import HTTPMessages
import Serving

/// `metaserve predict`
struct Predict: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a model once, without a server.",
        discussion: """
            A feed is NAME=VALUE: a number, a string, true or false, or lists as JSON; or NAME=@FILE.npy.

              metaserve predict models/tutorial --feed w1:0=13 --feed w2:0=17 --fetch op_to_restore:0
              metaserve predict models/digits --feed x:0=@digits.npy --feed keep_prob:0=1 --fetch probs:0
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
        options.threadCount = 1
        let values = DefaultValues(try Parse.values(of: defaults))
        let model = try Model(
            contentsOf: folders[0], threadCount: 1, defaults: values, variables: variables, followsPaths: followPaths)
        let registry = ModelRegistry([model], ModelRegistry.Configuration(attach: Service.attachment))
        let response = Service(registry, options: options).answer(.post, Array("/predict".utf8), body: try body())
        let answer = String(decoding: response.body, as: UTF8.self)
        guard response.status == 200 else {
            FileHandle.standardError.write(Data((answer + "\n").utf8))
            throw ExitCode.failure
        }
        print(answer)
    }

    private func body() throws -> [UInt8] {
        let feeds = try feed.map { text in
            guard let equals = text.firstIndex(of: "=") else {
                throw ValidationError("--feed \(text) has no \"=\": write NAME=VALUE, such as w1:0=13")
            }
            let value = String(text[text.index(after: equals)...])
            return JSONText.quoted(String(text[..<equals])) + ":" + (try Self.json(value))
        }
        let fetches = fetch.isEmpty ? "" : ",\"fetches\":[" + fetch.map(JSONText.quoted).joined(separator: ",") + "]"
        return Array("{\"feeds\":{\(feeds.joined(separator: ","))}\(fetches)}".utf8)
    }

    /// What is no JSON is a string.
    private static func json(_ value: String) throws -> String {
        if value.hasPrefix("@") { return try json(file: String(value.dropFirst())) }
        return JSONText.isValue(value) ? value : JSONText.quoted(value)
    }

    private static func json(file path: String) throws -> String {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ValidationError("\(path): cannot be read")
        }
        do throws(NPYText.Fault) { return try NPYText.json(file: Array(data)) } catch {
            throw ValidationError("\(path): is not a .npy file that can be fed: \(error.reason)")
        }
    }
}
