public import Serving

/// What a training does: the op of a step, its feeds, how long, and what is reported.
public struct TrainingPlan: Sendable {
    /// What a tensor is fed with.
    public enum Feed: Sendable {
        /// Samples of a column.
        case column(String)
        /// The same in all steps.
        case value(FeedValue)
    }

    /// When a training ends.
    public enum Length: Hashable, Sendable {
        /// After so many passes over the samples.
        case epochs(Int)
        /// After so many steps.
        case steps(Int)
    }

    /// The names of the nodes of a step, such as `train_op`.
    public var targets: [String]
    /// What tensors are fed with, by their names.
    public var feeds: [String: Feed]
    /// What some of them are fed with instead when the loss is validated: `keep_prob:0` with 1.
    public var validationFeeds: [String: Feed] = [:]
    /// The tensors to report. The first is the one that early stopping looks at; smaller is better.
    public var reports: [String] = []
    /// The number of samples of a step.
    public var batchSize = 32
    /// When the training ends.
    public var length = Length.epochs(1)
    /// The seed of the samples' order; nil to take them as they come.
    public var seed: UInt64? = 1
    /// The fraction of the samples that only validates, from 0 to below 1.
    public var validation = 0.0
    /// The number of steps between two reports; nil for one at the end of each epoch.
    public var reportEvery: Int?
    /// The number of steps between two saves; nil for none but the last.
    public var saveEvery: Int?
    /// The number of validations without a better value after which the training ends; nil for never.
    public var patience: Int?

    /// A plan of one epoch.
    ///
    /// - Parameters:
    ///   - targets: The names of the nodes of a step.
    ///   - feeds: What tensors are fed with.
    public init(targets: [String], feeds: [String: Feed]) {
        self.targets = targets
        self.feeds = feeds
    }

    /// - Throws: ``ModelError`` of kind `invalidArgument` that names the number.
    func check() throws(ModelError) {
        func refuse(_ text: String) -> ModelError { ModelError(.invalidArgument, text) }
        guard batchSize > 0 else { throw refuse("the batch size is \(batchSize); it must be at least 1") }
        guard (0..<1).contains(validation) else {
            throw refuse("the fraction for validation is \(validation); it must be at least 0 and below 1")
        }
        switch length {
        case .epochs(let count) where count < 1: throw refuse("\(count) epochs; expected at least 1")
        case .steps(let count) where count < 1: throw refuse("\(count) steps; expected at least 1")
        default: break
        }
        for (name, value) in [("report", reportEvery), ("save", saveEvery), ("patience", patience)] {
            if let value, value < 1 { throw refuse("\(name) every \(value); expected at least 1") }
        }
        guard patience == nil || validation > 0 else {
            throw refuse("early stopping needs samples for validation: set their fraction")
        }
        guard feeds.values.contains(where: { if case .column = $0 { true } else { false } }) else {
            throw refuse("no tensor is fed with a column of the data")
        }
    }
}

/// A line of the history of a training.
public struct TrainingReport: Hashable, Sendable {
    /// The number of steps so far.
    public let step: Int
    /// The number of the epoch, from 1.
    public let epoch: Int
    /// The means of the reported tensors since the report before, in the plan's order.
    public let values: [Double]
    /// Their means over the samples for validation; nil without validation.
    public let validation: [Double]?

    /// A report.
    public init(step: Int, epoch: Int, values: [Double], validation: [Double]?) {
        self.step = step
        self.epoch = epoch
        self.values = values
        self.validation = validation
    }
}
