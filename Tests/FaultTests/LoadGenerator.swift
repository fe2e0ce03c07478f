import Foundation
import Glibc
import ServerSupport
import Synchronization
import Threads

/// Clients that send one request after another, each on its own connection, and check every response.
final class LoadGenerator: Sendable {
    /// The observations of the clients.
    struct Tally: Sendable {
        /// The numbers of responses by step.
        var steps: [Int: Int] = [:]
        /// The time of the first response of each step, by the monotonic clock in nanoseconds.
        var firstAnswers: [Int: UInt64] = [:]
        /// The numbers of responses by a status other than 200. Missing responses count as 0.
        var failures: [Int: Int] = [:]
        /// The number of responses with numbers of several steps, or of another step than they name.
        var mixed: [String] = []
        /// The time of each response, in nanoseconds.
        var latencies: [UInt64] = []
        /// The time of each refusal (429, 503), in nanoseconds.
        var refusalLatencies: [UInt64] = []
        /// The messages of the first failures.
        var examples: [String] = []

        var answered: Int { steps.values.reduce(0, +) }
        var failed: Int { failures.values.reduce(0, +) }

        /// The latency that this share of the responses does not exceed, in milliseconds.
        func milliseconds(at share: Double) -> Double { Self.milliseconds(latencies, at: share) }

        static func milliseconds(_ latencies: [UInt64], at share: Double) -> Double {
            let sorted = latencies.sorted()
            guard !sorted.isEmpty else { return 0 }
            return Double(sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]) / 1e6
        }
    }

    private let tally = Locked(Tally())
    private let isStopping = Flag()
    private let answeredCount = Atomic<Int>(0)
    private let threads = Locked<[SystemThread]>([])

    /// Starts the clients.
    ///
    /// - Parameters:
    ///   - port: The server's port.
    ///   - clients: The number of clients.
    ///   - path: The path of the requests.
    ///   - body: The body of the requests.
    ///   - pauseMicroseconds: The pause of each client between two requests.
    ///   - isChecked: Whether the responses are those of ``RecordedSaves``.
    /// - Throws: An error if there are no threads left.
    init(
        port: Int, clients: Int, path: String = "/predict", body: String = SteppedModel.request,
        pauseMicroseconds: UInt32 = 0, isChecked: Bool = true
    ) throws {
        for _ in 0..<clients {
            let thread = try SystemThread { [self] in
                run(port, path, body, pauseMicroseconds, isChecked)
            }
            threads.withLock { $0.append(thread) }
        }
    }

    /// The number of responses with status 200 so far.
    var answered: Int { answeredCount.load(ordering: .relaxed) }

    /// Takes the observations so far.
    func take() -> Tally {
        tally.withLock { tally in
            defer { tally = Tally() }
            return tally
        }
    }

    /// Ends the clients after their current requests.
    func stop() -> Tally {
        isStopping.raise()
        let threads = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in threads { thread.join() }
        return take()
    }

    private func run(_ port: Int, _ path: String, _ body: String, _ pause: UInt32, _ isChecked: Bool) {
        var client: RawClient?
        while !isStopping.isRaised {
            let start = Self.now
            do {
                let connected = try client ?? RawClient(port: port)
                client = connected
                connected.post(path, body)
                let response = try connected.response()
                note(response, Self.now - start, isChecked)
                if response.headers["connection"] == "close" { client = nil }
            } catch {
                client = nil
                tally.withLock { tally in
                    tally.failures[0, default: 0] += 1
                    if tally.examples.count < 3 { tally.examples.append("\(error)") }
                }
                usleep(1000)
            }
            if pause > 0 { usleep(pause) }
        }
    }

    private func note(_ response: RawClient.Response, _ nanoseconds: UInt64, _ isChecked: Bool) {
        guard response.status == 200 else {
            tally.withLock { tally in
                tally.failures[response.status, default: 0] += 1
                if [429, 503].contains(response.status) { tally.refusalLatencies.append(nanoseconds) }
                if tally.examples.count < 3 { tally.examples.append("\(response.status) \(response.body.prefix(200))") }
            }
            return
        }
        answeredCount.add(1, ordering: .relaxed)
        let step = isChecked ? SteppedModel.step(of: response.body) : 0
        tally.withLock { tally in
            if let step {
                tally.steps[step, default: 0] += 1
                if tally.firstAnswers[step] == nil { tally.firstAnswers[step] = Self.now }
            } else {
                tally.mixed.append(String(response.body.prefix(400)))
            }
            tally.latencies.append(nanoseconds)
        }
    }

    static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

/// The model of ``RecordedSaves``, as a client sees it.
enum SteppedModel {
    static let request = #"{"feeds": {"x:0": 0}, "fetches": ["all:0"]}"#

    /// The step of a response; nil unless all of its numbers have the step that it names.
    static func step(of answer: String) -> Int? {
        guard let match = answer.firstMatch(of: /"all:0":\[([^\]]*)\].*"step":(\d+)/), let step = Int(match.2) else {
            return nil
        }
        let numbers = match.1.split(separator: ",")
        guard numbers.count == 192, numbers.allSatisfy({ Double($0) == Double(step) }) else { return nil }
        return step
    }

    /// Sends one request.
    static func step(port: Int) -> Int? {
        guard let client = try? RawClient(port: port) else { return nil }
        client.post("/predict", request)
        guard let response = try? client.response(), response.status == 200 else { return nil }
        return step(of: response.body)
    }

    /// Waits until the server responds with a step.
    ///
    /// - Returns: The time in seconds; nil if it did not within `seconds`.
    static func wait(forStep step: Int, port: Int, seconds: Double) -> Double? {
        let start = LoadGenerator.now
        while true {
            let elapsed = Double(LoadGenerator.now - start) / 1e9
            if self.step(port: port) == step { return elapsed }
            guard elapsed < seconds else { return nil }
            usleep(5000)
        }
    }
}
