import CEvents
import Glibc
import Synchronization
import Threads

/// What a load generator does.
struct LoadPlan: Sendable {
    let server: ServerSocket
    /// The bytes of each request.
    let request: [UInt8]
    let connections: Int
    /// The requests per second of all threads; nil if each connection sends when it has its response.
    let rate: Double?
    let threads: Int
    let seconds: Double
}

/// The numbers of a thread that are read while it runs.
final class LoadCounts: Sendable {
    let responses = Atomic<Int>(0)
    let errors = Atomic<Int>(0)
}

/// One thread of a load generator: its share of the connections, and of the requests.
struct LoadThread: ~Copyable {
    private let plan: LoadPlan
    private let number: Int
    private let counts: LoadCounts
    private let start: UInt64
    private let end: UInt64
    private let connections: [LoadConnection]
    /// The connections without a request, the last used last.
    private var free: [Int] = []
    private var result = LoadResult()
    private var busyCount = 0
    /// The number of this thread's requests that were begun, with a rate.
    private var begunCount = 0
    private let poller: Int32
    /// Ends the wait when the next request is due.
    private let timer: Int32

    private static let timerTag = UInt64.max
    private static let eventCapacity = 256
    private static let bufferBytes = 256 << 10
    private static let retryNanoseconds: UInt64 = 50_000_000
    /// In milliseconds.
    private static let longestWait: Int32 = 20
    /// A request that is sent so much later than it was due is counted.
    private static let lateNanoseconds: UInt64 = 1_000_000

    /// The reason why the thread cannot work.
    struct Failure: Error {
        let reason: String
    }

    /// - Parameters:
    ///   - plan: What all threads do.
    ///   - number: The number of this thread, from 0.
    ///   - start: When the load begins.
    ///   - counts: Gets the numbers for the progress.
    /// - Throws: ``Failure`` if the system has no descriptors left.
    init(_ plan: LoadPlan, number: Int, start: UInt64, _ counts: LoadCounts) throws(Failure) {
        self.plan = plan
        self.number = number
        self.start = start
        self.counts = counts
        end = start + UInt64(plan.seconds * 1e9)
        let share = plan.connections / plan.threads + (number < plan.connections % plan.threads ? 1 : 0)
        connections = (0..<share).map { LoadConnection(index: $0) }
        free.reserveCapacity(share)
        poller = cevents_open()
        timer = cevents_open_timer()
        guard poller >= 0, timer >= 0 else { throw Failure(reason: String(cString: strerror(errno))) }
        cevents_add(poller, timer, Self.timerTag)
    }

    deinit {
        for connection in connections { connection.close() }
        close(poller)
        close(timer)
    }

    /// Sends requests until the end, and then waits for the last responses.
    ///
    /// - Returns: What became of the requests.
    mutating func run() -> LoadResult {
        let events = UnsafeMutablePointer<cevents_event>.allocate(capacity: Self.eventCapacity)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferBytes, alignment: 64)
        defer {
            events.deallocate()
            buffer.deallocate()
        }
        for connection in connections { open(connection) }
        // As long again as the load, but not for ever.
        let last = end + min(max(UInt64(plan.seconds * 1e9), 2_000_000_000), 60_000_000_000)
        while true {
            let now = MonotonicClock.nanoseconds
            if now >= end, busyCount == 0 || now >= last { break }
            reconnect(at: now)
            sendDue(at: now)
            let count = cevents_wait(poller, events, Int32(Self.eventCapacity), wait(at: now))
            for index in 0..<Int(count) { handle(events[index], buffer) }
        }
        finish()
        return result
    }

    // MARK: - Times

    /// When a request of this thread is due. The threads take turns.
    private func due(_ index: Int, _ rate: Double) -> UInt64 {
        start + UInt64((Double(index * plan.threads + number) / rate) * 1e9)
    }

    /// Sends the requests that are due, as far as there are free connections.
    private mutating func sendDue(at now: UInt64) {
        guard now >= start, now < end else { return }
        guard let rate = plan.rate else {
            while let index = free.popLast() { begin(connections[index], due: MonotonicClock.nanoseconds) }
            return
        }
        while !free.isEmpty {
            let due = due(begunCount, rate)
            guard due <= now, due < end, let index = free.popLast() else { return }
            begunCount += 1
            if now - due > Self.lateNanoseconds { result.late += 1 }
            begin(connections[index], due: due)
        }
    }

    /// How long to wait for events, in milliseconds. The timer ends the wait in time for a request.
    private func wait(at now: UInt64) -> Int32 {
        guard !free.isEmpty, now < end else { return Self.longestWait }
        let next = now < start ? start : plan.rate.map { due(begunCount, $0) } ?? now
        if next <= now { return 0 }
        cevents_set_timer(timer, next)
        return Self.longestWait
    }

    // MARK: - Connections

    private mutating func open(_ connection: LoadConnection) {
        guard connection.connect(to: plan.server) else {
            result.failedConnections += 1
            connection.retryTime = MonotonicClock.nanoseconds + Self.retryNanoseconds
            return
        }
        connection.retryTime = nil
        cevents_add(poller, connection.socket, UInt64(connection.index))
        free.append(connection.index)
    }

    private mutating func reconnect(at now: UInt64) {
        guard now < end else { return }
        for connection in connections {
            if let time = connection.retryTime, time <= now { open(connection) }
        }
    }

    private mutating func begin(_ connection: LoadConnection, due: UInt64) {
        busyCount += 1
        connection.begin(due: due)
        if connection.send(plan.request) == .broken { return lose(connection) }
        if connection.isSendingBlocked { watch(connection, sending: true) }
    }

    private func watch(_ connection: LoadConnection, sending: Bool) {
        cevents_change(poller, connection.socket, UInt64(connection.index), sending ? 1 : 0)
    }

    private mutating func handle(_ event: cevents_event, _ buffer: UnsafeMutableRawBufferPointer) {
        guard event.tag != Self.timerTag else { return cevents_clear_timer(timer) }
        let connection = connections[Int(event.tag)]
        guard connection.socket >= 0 else { return }
        if event.is_writable != 0, connection.isSendingBlocked {
            if connection.send(plan.request) == .broken { return lose(connection) }
            if !connection.isSendingBlocked { watch(connection, sending: false) }
        }
        guard event.is_readable != 0 else { return }
        switch connection.receive(buffer, &result.receivedBytes, requestCount: plan.request.count) {
        case .waiting: return
        case .broken: lose(connection)
        case .malformed:
            if connection.isBusy {
                busyCount -= 1
                result.malformed += 1
                counts.errors.add(1, ordering: .relaxed)
            }
            replace(connection)
        case .answered: answer(connection)
        }
    }

    private mutating func answer(_ connection: LoadConnection) {
        let now = MonotonicClock.nanoseconds
        busyCount -= 1
        let latency = Int(now - min(now, connection.due))
        result.statuses[min(connection.status, 999)] += 1
        if (200..<300).contains(connection.status) {
            result.latencies.record(latency)
            if now <= end { result.responsesInTime += 1 }
            counts.responses.add(1, ordering: .relaxed)
        } else {
            result.otherLatencies.record(latency)
            counts.errors.add(1, ordering: .relaxed)
        }
        if connection.closes { return replace(connection) }
        free.append(connection.index)
        // The next request of the connection, or the one that waits for it, at once.
        sendDue(at: now)
    }

    /// The connection has ended.
    private mutating func lose(_ connection: LoadConnection) {
        if connection.isBusy {
            busyCount -= 1
            if connection.sent > 0 { result.broken += 1 } else { result.failedConnections += 1 }
            counts.errors.add(1, ordering: .relaxed)
        }
        replace(connection)
    }

    /// Opens the connection anew, a little later if it failed before it was used.
    private mutating func replace(_ connection: LoadConnection) {
        if let place = free.firstIndex(of: connection.index) { free.remove(at: place) }
        let wasUsed = connection.wasUsed
        connection.close()
        guard wasUsed else {
            connection.retryTime = MonotonicClock.nanoseconds + Self.retryNanoseconds
            return
        }
        open(connection)
    }

    private mutating func finish() {
        result.unanswered += busyCount
        guard let rate = plan.rate else { return }
        let all = Int(((plan.seconds * rate - Double(number)) / Double(plan.threads)).rounded(.up))
        result.unsent += max(0, all - begunCount)
    }
}
