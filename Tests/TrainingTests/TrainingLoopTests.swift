import Graphs
import Planning
import Serving
import Tensors
import Testing
import Training
import VectorSupport

@Suite("Training loop")
struct TrainingLoopTests {
    /// The network of digits, with a loss to make smaller.
    private static func session() throws -> (Session, step: String) {
        let model = try Model(contentsOf: Fixtures.model("digits"), variables: .session)
        let plain = Session(model)
        let variables = try ["hidden1/weights", "hidden1/biases", "out/weights", "out/biases"].map {
            try plain.endpoint($0).node
        }
        let minimization = try Minimization(
            of: plain.endpoint("loss"), by: variables, .adam(learningRate: 0.001), in: plain.graph, plain.inference)
        let session = Session(model, graph: minimization.graph)
        try session.run(targets: [minimization.initializer])
        return (session, minimization.step)
    }

    /// Images of noise whose class is the quarter that is brighter.
    private static func data(count: Int = 100) throws -> DataSet {
        var images: [Float] = []
        var labels: [Int64] = []
        for sample in 0..<count {
            let label = sample % 4
            labels.append(Int64(label))
            let noise = Noise.numbers(seed: UInt64(sample + 1), count: 64)
            images += noise.enumerated().map { Float($1) * 4 + ($0 / 16 == label ? 8 : 0) }
        }
        return try DataSet([
            "images": #require(Tensor(images, shape: [count, 64])), "labels": #require(Tensor(labels, shape: [count])),
        ])
    }

    private static func plan(_ step: String) -> TrainingPlan {
        var plan = TrainingPlan(
            targets: [step], feeds: ["x": .column("images"), "labels": .column("labels"), "keep_prob": .value(1)])
        plan.reports = ["loss"]
        plan.batchSize = 16
        return plan
    }

    private static func reports(_ change: (inout TrainingPlan) -> Void) throws -> (
        [TrainingReport], TrainingLoop.Ending, Session
    ) {
        let (session, step) = try session()
        var plan = plan(step)
        change(&plan)
        var reports: [TrainingReport] = []
        var observer = TrainingLoop.Observer()
        observer.report = { reports.append($0) }
        let ending = try TrainingLoop(session, data(), plan).run(observer)
        return (reports, ending, session)
    }

    @Test("The loss falls, and the same seed gives the same numbers")
    func falls() throws {
        let change = { (plan: inout TrainingPlan) in
            plan.length = .epochs(8)
            plan.validation = 0.2
        }
        let (first, ending, session) = try Self.reports(change)
        #expect(ending == .complete)
        #expect(first.map(\.epoch) == Array(1...8))
        #expect(first.map(\.step) == (1...8).map { $0 * 5 })
        let (start, end) = (try #require(first.first), try #require(first.last))
        #expect(end.values[0] < start.values[0] / 2)
        #expect(try #require(end.validation)[0] < #require(start.validation)[0] / 2)
        let (second, _, again) = try Self.reports(change)
        #expect(first == second)
        for name in ["hidden1/weights", "out/biases"] {
            let values = try session.value(ofVariable: name).scalars(as: Float.self)
            #expect(try again.value(ofVariable: name).scalars(as: Float.self) == values)
        }
        let (other, _, _) = try Self.reports { plan in
            change(&plan)
            plan.seed = 2
        }
        #expect(other != first)
    }

    @Test("Steps end within an epoch; reports and saves come as often as they are asked for")
    func steps() throws {
        let (session, step) = try Self.session()
        var plan = Self.plan(step)
        plan.length = .steps(12)
        plan.reportEvery = 5
        plan.saveEvery = 4
        var (reported, saved, seen): ([Int], [Int], Int) = ([], [], 0)
        var observer = TrainingLoop.Observer()
        observer.step = { done, all in
            seen += 1
            #expect(done == seen && all == 12)
        }
        observer.report = { reported.append($0.step) }
        observer.save = { (step) throws(ModelError) in saved.append(step) }
        #expect(try TrainingLoop(session, Self.data(), plan).run(observer) == .complete)
        #expect(reported == [5, 10, 12])
        #expect(saved == [4, 8, 12])
        #expect(seen == 12)
    }

    @Test("Training ends when it is asked to, and when validation does not improve; it saves before")
    func endings() throws {
        let (session, step) = try Self.session()
        var saved: [Int] = []
        var observer = TrainingLoop.Observer()
        observer.save = { (step) throws(ModelError) in saved.append(step) }
        observer.shouldStop = { true }
        #expect(try TrainingLoop(session, Self.data(), Self.plan(step)).run(observer) == .stopped)
        #expect(saved == [1])
        // Steps that change nothing never improve.
        observer.shouldStop = { false }
        var plan = Self.plan("class")
        plan.length = .epochs(50)
        plan.validation = 0.3
        plan.patience = 2
        saved = []
        #expect(try TrainingLoop(session, Self.data(), plan).run(observer) == .noImprovement)
        #expect(saved == [15])
    }

    @Test("Data that does not fit is refused with its place")
    func badData() throws {
        func message(_ body: () throws -> Void) throws -> String {
            try #require(#expect(throws: ModelError.self) { try body() }).message
        }
        let row = try #require(Tensor([Float](repeating: 1, count: 6), shape: [3, 2]))
        #expect(try message { _ = try DataSet([:]) } == "the data has no columns")
        let none = try #require(Tensor([Float](), shape: [0, 2]))
        #expect(try message { _ = try DataSet(["x": none]) } == "the data has no samples")
        let two = try #require(Tensor([Float](repeating: 1, count: 2), shape: [2]))
        #expect(
            try message { _ = try DataSet(["a": row, "b": two]) }
                == "column \"b\" of the data has 2 samples, column \"a\" has 3")
        let broken = try #require(Tensor([1, 2, 3, .nan, 5, 6] as [Float], shape: [3, 2]))
        #expect(
            try message { _ = try DataSet(["x": broken]) }
                == "column \"x\" of the data has a number that is not finite, in sample 1")
        let (session, step) = try Self.session()
        var plan = Self.plan(step)
        plan.feeds["x"] = .column("pictures")
        #expect(
            try message { _ = try TrainingLoop(session, Self.data(), plan) }
                == "the data has no column \"pictures\"; it has \"images\", \"labels\"")
        plan = Self.plan(step)
        plan.feeds["x"] = .column("labels")
        let text = try message { _ = try TrainingLoop(session, Self.data(), plan).run() }
        #expect(text == "step 1: feed \"x:0\": expected float32 [?,64], got float32 [16]")
        plan = Self.plan(step)
        plan.feeds["labels"] = .value(FeedValue(try #require(Tensor([Int64](repeating: 10, count: 16)))))
        let label = try message { _ = try TrainingLoop(session, Self.data(), plan).run() }
        #expect(label.hasPrefix("step 1: ") && label.contains("10"))
        plan.batchSize = 0
        #expect(
            try message { _ = try TrainingLoop(session, Self.data(), plan) }
                == "the batch size is 0; it must be at least 1")
    }

    @Test("A loss that is not a number ends the training at its step")
    func notFinite() throws {
        let (session, step) = try Self.session()
        try session.assign(["out/biases": #require(Tensor([Float](repeating: .nan, count: 10)))])
        let error = #expect(throws: ModelError.self) { try TrainingLoop(session, Self.data(), Self.plan(step)).run() }
        #expect(try #require(error).message.hasPrefix("step 1: \"loss\" is NaN, for samples "))
    }

    @Test("The curve has a line for each kind of value")
    func curve() throws {
        let reports = (1...3).map {
            TrainingReport(step: $0, epoch: $0, values: [4 / Double($0)], validation: [5 / Double($0)])
        }
        let svg = try #require(TrainingCurve(of: "loss <0>", reports).svg)
        #expect(svg.matches(of: /<polyline/).count == 2)
        #expect(svg.contains("loss &lt;0>"))
        #expect(svg.contains("points=\"64.0,"))
        #expect(TrainingCurve(of: "loss", Array(reports.prefix(1))).svg == nil)
    }
}
