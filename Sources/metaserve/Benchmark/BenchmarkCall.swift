import API
import ArgumentParser
import Execution
import Operations
import Serving
import Tensors

/// A call of a model that can be repeated: the compiled graph, with its feeds in memory.
struct BenchmarkCall {
    let model: Model
    let callable: Callable
    /// The names of the feeds, in the order in which the callable takes them.
    let names: [String]
    /// The feeds.
    let tensors: [Tensor]
    /// The names of the feeds with random values.
    let randomNames: Set<String>
    /// The names of the switches, such as dropout's, with their usual values.
    private let usualNames: Set<String>
    /// The names of the fetches.
    let fetchNames: [String]
    /// The fetches that were asked for; nil for the model's outputs.
    let fetches: [String]?
    /// The signature; nil without one.
    let signature: Signature?

    /// Compiles the call, and makes the feeds.
    ///
    /// - Parameters:
    ///   - model: The model.
    ///   - feeds: The feeds by name.
    ///   - fetches: The names of fetches; nil for the outputs.
    ///   - signature: The signature; nil for the default one.
    /// - Throws: `ModelError` for names that there are not; `ValidationError` for values that do not fit.
    init(
        _ model: Model, feeds: [(name: String, value: FeedSource)], fetches: [String]?, in signature: Signature? = nil
    ) throws {
        let signature = signature ?? model.defaultSignature
        let named = try model.callable(feeds: feeds.map(\.name), fetches: fetches, in: signature)
        self.signature = signature
        self.model = model
        self.fetches = fetches
        callable = named.callable
        fetchNames = named.fetchNames
        names = feeds.map(\.name)
        randomNames = Set(feeds.filter(\.value.isRandom).map(\.name))
        usualNames = Set(feeds.filter(\.value.isUsual).map(\.name))
        tensors = try zip(feeds, named.callable.feeds).map { feed, argument in
            switch feed.value {
            case .value(let value, let shape):
                let tensor = try value.tensor(of: argument.dtype, feed: "feed \"\(feed.name)\"")
                return shape.flatMap { tensor.reshaped(to: $0) } ?? tensor
            case .array(let bytes, let path):
                do throws(NPYText.Fault) {
                    return try NPYText.tensor(file: bytes, as: argument.dtype, feed: feed.name)
                } catch {
                    throw ValidationError("\(path): is not a .npy file that can be fed: \(error.reason)")
                }
            case .tensor(let tensor):
                guard tensor.dtype == argument.dtype else {
                    throw ValidationError(
                        "input \(feed.name) takes \(argument.dtype), the array is \(tensor.dtype): save "
                            + "x.astype(\"\(argument.dtype)\")")
                }
                return tensor
            case .random(let input, let shape):
                var random = RandomFeed(input, shape, decodesImages: model.decodesImages)
                guard let tensor = random.tensor(of: argument.dtype) else {
                    throw ValidationError(
                        "there is no random value of \(argument.dtype) \(shape): give one with --feed \(feed.name)=VALUE"
                    )
                }
                return tensor
            }
        }
    }

    /// The same feeds and fetches of another model with the same graph.
    ///
    /// - Throws: `ModelError` for names that there are not.
    func on(_ other: Model) throws -> Callable {
        try other.callable(feeds: names, fetches: fetches, in: signature).callable
    }

    /// The error of a run, with the next step if random values may be the cause.
    func failure(_ error: OpError) -> any Error {
        guard !randomNames.isEmpty else { return error }
        let text = "\(error)"
        return BenchmarkFailure(
            description:
                "\(text)\(text.hasSuffix(".") ? "" : ".") The values of \(randomNames.sorted().joined(separator: ", ")) are random: "
                + "give others with --feed NAME=VALUE, or a recorded case with --case N")
    }

    /// The first dimension of the largest feed; 1 if there is none.
    var batch: Int { tensors.max { $0.byteCount < $1.byteCount }?.shape.dimensions.first ?? 1 }

    /// The feeds, with dtypes and shapes.
    var feedText: String {
        guard !names.isEmpty else { return "none" }
        return zip(names, tensors).map { name, tensor in
            "\(name) \(tensor.dtype) \(tensor.shape)"
                + (randomNames.contains(name) ? " (random)" : usualNames.contains(name) ? " (its usual value)" : "")
        }.joined(separator: ", ")
    }

    /// The body of a request to `/predict` with these feeds.
    ///
    /// - Throws: `ValidationError` for a feed without a JSON form.
    func body() throws -> [UInt8] {
        let feeds = try zip(names, tensors).map { name, tensor in
            guard let value = JSONText.value(of: tensor) else {
                throw ValidationError(
                    "input \(name) \(tensor.dtype) \(tensor.shape) cannot be sent as JSON: give a body with --body FILE"
                )
            }
            return JSONText.quoted(name) + ":" + value
        }
        let fetches = fetches.map { ",\"fetches\":[" + $0.map(JSONText.quoted).joined(separator: ",") + "]" } ?? ""
        return Array("{\"feeds\":{\(feeds.joined(separator: ","))}\(fetches)}".utf8)
    }
}
