public import Serving
internal import Tensors

/// Trains a session's variables: one step after another over the samples of a data set.
public struct TrainingLoop {
    /// What the training tells while it runs, and when it shall end.
    public struct Observer {
        /// Gets the number of steps so far and of all, after each one.
        public var step: (Int, Int) -> Void = { _, _ in }
        /// Gets each report.
        public var report: (TrainingReport) -> Void = { _ in }
        /// Saves the variables, after the given number of steps.
        public var save: (Int) throws(ModelError) -> Void = { _ in }
        /// Whether to save and end.
        public var shouldStop: () -> Bool = { false }

        /// An observer that does nothing.
        public init() {}
    }

    /// Why a training ended.
    public enum Ending: Hashable, Sendable {
        /// All steps were done.
        case complete
        /// Validation has not improved for as long as the plan allows.
        case noImprovement
        /// The observer asked for it.
        case stopped
    }

    private let session: Session
    private let plan: TrainingPlan
    private let data: DataSet
    private let order: SampleOrder
    private let feeds: [(name: String, feed: TrainingPlan.Feed)]

    /// - Parameters:
    ///   - session: The session to train.
    ///   - data: The samples.
    ///   - plan: What to do.
    /// - Throws: ``ModelError`` of kind `invalidArgument` where the plan contradicts itself or does not fit the data.
    public init(_ session: Session, _ data: DataSet, _ plan: TrainingPlan) throws(ModelError) {
        try plan.check()
        self.session = session
        self.data = data
        self.plan = plan
        order = SampleOrder(count: data.count, validation: plan.validation, seed: plan.seed)
        feeds = plan.feeds.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        for case .column(let name) in feeds.map(\.feed) { _ = try data.column(name) }
    }

    /// The number of steps of the whole training.
    public var stepCount: Int {
        switch plan.length {
        case .steps(let count): count
        case .epochs(let count): count * stepsPerEpoch
        }
    }

    private var stepsPerEpoch: Int { (order.count + plan.batchSize - 1) / plan.batchSize }

    /// Trains.
    ///
    /// - Parameter observer: What to tell, and when to end.
    /// - Returns: Why the training ended.
    /// - Throws: ``ModelError`` that names the step; the variables are as the step before has left them, or partly changed by this one. A
    ///   reported value that is not finite ends the training with such an error.
    public func run(_ observer: Observer = Observer()) throws(ModelError) -> Ending {
        let step = try session.step(feeds: feeds.map(\.name), fetches: plan.reports, targets: plan.targets)
        var progress = Progress(plan)
        var done = 0
        var epoch = 0
        while done < stepCount {
            let samples = order.samples(ofEpoch: epoch)
            epoch += 1
            var start = 0
            while start < samples.count, done < stepCount {
                let batch = samples[start..<min(samples.count, start + plan.batchSize)]
                start += plan.batchSize
                let values = try values(of: step, batch, done + 1)
                done += 1
                progress.add(values, weight: batch.count)
                observer.step(done, stepCount)
                let isReported = plan.reportEvery.map { done % $0 == 0 } ?? (start >= samples.count)
                if isReported || done == stepCount {
                    let validation = try validate(done)
                    observer.report(progress.report(step: done, epoch: epoch, validation))
                    if progress.hasStalled(validation?.first) {
                        try observer.save(done)
                        return .noImprovement
                    }
                }
                if let every = plan.saveEvery, done % every == 0, done < stepCount { try observer.save(done) }
                if observer.shouldStop() {
                    try observer.save(done)
                    return .stopped
                }
            }
        }
        try observer.save(done)
        return .complete
    }

    /// A step's reported values.
    private func values(of step: Step, _ samples: ArraySlice<Int>, _ number: Int) throws(ModelError) -> [Double] {
        do throws(ModelError) {
            let results = try step.run(try tensors(step, feeds.map(\.feed), samples))
            return try means(results, samples)
        } catch { throw ModelError(error.kind, "step \(number): \(error.message)") }
    }

    private func tensors(
        _ step: Step, _ feeds: [TrainingPlan.Feed], _ samples: ArraySlice<Int>
    ) throws(ModelError) -> [Tensor] {
        var result: [Tensor] = []
        for (index, feed) in feeds.enumerated() {
            let dtype = step.feedType(index)
            switch feed {
            case .column(let name): result.append(try data.batch(samples, of: name, as: dtype))
            case .value(let value):
                result.append(try value.tensor(of: dtype, feed: "feed \"\(self.feeds[index].name)\""))
            }
        }
        return result
    }

    /// The mean of each reported tensor's elements.
    private func means(_ results: [Tensor], _ samples: ArraySlice<Int>) throws(ModelError) -> [Double] {
        var means: [Double] = []
        for (name, result) in zip(plan.reports, results) {
            guard let mean = result.mean else {
                throw ModelError(
                    .invalidArgument, "\"\(name)\" is \(result.dtype) \(result.shape); a report needs numbers")
            }
            guard mean.isFinite else {
                let shown = samples.prefix(8).map(String.init).joined(separator: ", ")
                throw ModelError(
                    .invalidArgument,
                    "\"\(name)\" is \(mean.isNaN ? "NaN" : "\(mean)"), for samples \(shown)\(samples.count > 8 ? ", ..." : ""): try a smaller learning rate"
                )
            }
            means.append(mean)
        }
        return means
    }

    /// The means over the samples for validation; nil if there are none.
    private func validate(_ number: Int) throws(ModelError) -> [Double]? {
        guard !order.validation.isEmpty, !plan.reports.isEmpty else { return nil }
        let step = try session.step(feeds: feeds.map(\.name), fetches: plan.reports)
        let feeds = feeds.map { plan.validationFeeds[$0.name] ?? $0.feed }
        var progress = Progress(plan)
        var start = 0
        while start < order.validation.count {
            let batch = order.validation[start..<min(order.validation.count, start + plan.batchSize)]
            start += plan.batchSize
            do throws(ModelError) {
                progress.add(try means(try step.run(try tensors(step, feeds, batch)), batch), weight: batch.count)
            } catch { throw ModelError(error.kind, "validation after step \(number): \(error.message)") }
        }
        return progress.means
    }
}

/// The means of reported values, and whether they still improve.
private struct Progress {
    private var sums: [Double]
    private var weight = 0.0
    private let patience: Int?
    private var best = Double.infinity
    private var waited = 0

    init(_ plan: TrainingPlan) {
        sums = Array(repeating: 0, count: plan.reports.count)
        patience = plan.patience
    }

    mutating func add(_ values: [Double], weight: Int) {
        for (index, value) in values.enumerated() { sums[index] += value * Double(weight) }
        self.weight += Double(weight)
    }

    var means: [Double] { sums.map { weight == 0 ? 0 : $0 / weight } }

    /// The means since the last report.
    mutating func report(step: Int, epoch: Int, _ validation: [Double]?) -> TrainingReport {
        defer {
            sums = sums.map { _ in 0 }
            weight = 0
        }
        return TrainingReport(step: step, epoch: epoch, values: means, validation: validation)
    }

    /// Whether the value has not become smaller for as long as the plan allows.
    mutating func hasStalled(_ value: Double?) -> Bool {
        guard let patience, let value else { return false }
        if value < best {
            best = value
            waited = 0
            return false
        }
        waited += 1
        return waited >= patience
    }
}

extension Tensor {
    /// The mean of the elements; nil for dtypes without numbers, and without elements.
    fileprivate var mean: Double? {
        let numbers: [Double]? =
            switch dtype {
            case .float32: scalars(as: Float.self)?.map(Double.init)
            case .float64: scalars(as: Double.self)
            case .int32: scalars(as: Int32.self)?.map(Double.init)
            case .int64: scalars(as: Int64.self)?.map(Double.init)
            case .bool: scalars(as: Bool.self)?.map { $0 ? 1 : 0 }
            default: nil
            }
        guard let numbers, !numbers.isEmpty else { return nil }
        return numbers.reduce(0, +) / Double(numbers.count)
    }
}
