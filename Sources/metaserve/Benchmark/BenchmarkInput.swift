import API
import ArgumentParser
import Serving
import Tensors

/// The arguments of `metaserve benchmark` that say what is run.
struct BenchmarkInput: ParsableArguments {
    @Argument(help: "A model folder, or a file of a model.")
    var folder: String?

    @Option(
        name: .customLong("case"),
        help: ArgumentHelp("Feeds and fetches of a case of FOLDER/cases.json, from 0.", valueName: "n"))
    var caseNumber: Int?

    @Option(help: "Value of an input, as NAME=VALUE or NAME=@FILE; repeatable. (default: random values)")
    var feed: [String] = []

    @Option(help: "Tensor to compute; repeatable. (default: the model's outputs)")
    var fetch: [String] = []

    @Option(help: "First dimension of random feeds, where the model leaves it open. (default: 1)")
    var batch: Int?

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

    /// Whether it says what to feed or to fetch.
    var namesTensors: Bool { namesFeedsOrFetches || batch != nil }

    /// Whether it says which tensors to feed or to fetch.
    var namesFeedsOrFetches: Bool { caseNumber != nil || !feed.isEmpty || !fetch.isEmpty }

    func validate() throws {
        if let caseNumber {
            guard caseNumber >= 0 else {
                throw ValidationError("--case \(caseNumber): expected the place of a case in cases.json, 0 or more")
            }
            guard feed.isEmpty, fetch.isEmpty, batch == nil else {
                throw ValidationError(
                    "--case has feeds and fetches of its own: leave out --feed, --fetch and --batch, or --case")
            }
        }
        if let batch, batch < 1 { throw ValidationError("--batch \(batch): expected 1 or more") }
    }

    /// The words of the command line that these arguments came from.
    var words: [String] {
        var words = folder.map { [$0] } ?? []
        if let caseNumber { words += ["--case", "\(caseNumber)"] }
        for text in feed { words += ["--feed", text] }
        for name in fetch { words += ["--fetch", name] }
        if let batch { words += ["--batch", "\(batch)"] }
        if let precision { words += ["--precision", precision.rawValue] }
        for pass in disabledPasses { words += ["--disable-pass", pass] }
        return followPaths ? words + ["--follow-paths"] : words
    }

    /// Loads the model, and makes its feeds.
    ///
    /// - Parameter path: The model's path.
    /// - Returns: The call.
    /// - Throws: `ValidationError` and `ModelError` with the problem and the next step.
    func call(of path: String) throws -> BenchmarkCall { try call(of: model(at: path, precision), at: path) }

    /// Loads the model.
    ///
    /// - Parameters:
    ///   - path: Its path.
    ///   - precision: The numbers of its weights; nil for its own setting.
    /// - Returns: The model.
    /// - Throws: `ValidationError` and `ModelError` with the problem and the next step.
    func model(at path: String, _ precision: Precision?) throws -> Model {
        try Model(
            contentsOf: try ModelFolders.single(in: path), threadCount: 1, followsPaths: followPaths,
            disabledPasses: Set(disabledPasses), precision: precision)
    }

    /// Makes the feeds of a model.
    ///
    /// - Parameters:
    ///   - model: The model.
    ///   - path: Its path.
    ///   - signature: The signature; nil for the default one.
    ///   - given: Feeds by the names of inputs. The arguments take precedence.
    ///   - standardBatch: The first dimension of random feeds without `--batch`, where the model leaves it open.
    /// - Returns: The call.
    /// - Throws: `ValidationError` and `ModelError` with the problem and the next step.
    func call(
        of model: Model, at path: String, signature: Signature? = nil,
        given: [(name: String, value: FeedSource)] = [], standardBatch: Int? = nil
    ) throws -> BenchmarkCall {
        let inputs = signature?.inputs ?? model.inputs
        if let caseNumber {
            let recorded = try RecordedCase(caseNumber, of: path)
            return try BenchmarkCall(model, feeds: recorded.feeds, fetches: recorded.fetches)
        }
        var feeds: [(name: String, value: FeedSource)] = []
        var fed: Set<String> = []
        for text in feed {
            let argument = try FeedArgument(text)
            let input = inputs.first {
                $0.name == argument.name || $0.tensor == argument.name || $0.tensor == argument.name + ":0"
            }
            if let input { fed.insert(input.name) }
            feeds.append((argument.name, try argument.source(for: input)))
        }
        for (name, value) in given where fed.insert(name).inserted { feeds.append((name, value)) }
        feeds += try randomFeeds(
            for: inputs.filter { !fed.contains($0.name) }, of: model, standardBatch, isBatched: !given.isEmpty)
        return try BenchmarkCall(
            model, feeds: feeds.sorted { $0.name < $1.name }, fetches: fetch.isEmpty ? nil : fetch, in: signature)
    }

    /// Random feeds for the inputs that an output needs.
    private func randomFeeds(
        for inputs: [TensorDescription], of model: Model, _ standardBatch: Int?, isBatched: Bool
    ) throws -> [(name: String, value: FeedSource)] {
        let inputs = inputs.filter { $0.isNeeded && $0.defaultValue == nil && !($0.dtype?.isHandle ?? true) }
        // Feeds that were given are batches already.
        var isBatched = isBatched || batch == nil
        let feeds = try inputs.map { input -> (name: String, value: FeedSource) in
            var sizes = model.exampleDimensions(of: input.tensor, declared: input.shape)
            let isOpen = input.shape.dimensions.map { $0.first == PartialShape.unknownDimension } ?? !sizes.isEmpty
            if let batch = batch ?? standardBatch, isOpen, input.usualValue == nil {
                sizes[0] = batch
                isBatched = true
            }
            guard let shape = Shape(sizes) else {
                throw ValidationError(
                    "--batch \(batch ?? 1): input \(input.name) would have the shape \(sizes), which is too large")
            }
            return (input.name, .random(input, shape))
        }
        guard isBatched else {
            let shapes = inputs.map { "\($0.name) \($0.shape)" }.joined(separator: ", ")
            throw ValidationError(
                "--batch \(batch ?? 1): the first dimension of no random feed is open (\(shapes)): leave out --batch, or "
                    + "give values with --feed")
        }
        return feeds
    }
}

extension ModelFolders {
    /// The only model at a path.
    ///
    /// - Throws: `ValidationError` with the models to choose from, and the errors of ``find(in:)``.
    static func single(in path: String) throws -> String {
        let folders = try find(in: path)
        guard folders.count == 1 else {
            throw ValidationError(
                "\(path) contains \(folders.count) models: give the path of one of \(folders.joined(separator: ", "))")
        }
        return folders[0]
    }
}
