internal import Glibc
internal import Synchronization

/// The thread that cuts slow clients. It sleeps but for a moment every few seconds.
final class Watch: Sendable {
    private let state: State

    private final class State: Sendable {
        let isStopped = Atomic<Bool>(false)
        let connections: Connections
        let limitSeconds: Int

        init(_ connections: Connections, _ limitSeconds: Int) {
            self.connections = connections
            self.limitSeconds = limitSeconds
        }

        func run() {
            // Often enough to cut soon after the limit, seldom enough to cost nothing.
            let intervalSeconds = min(5, max(1, limitSeconds / 8))
            while !isStopped.load(ordering: .relaxed) {
                sleep(UInt32(intervalSeconds))
                connections.cut(waitingLongerThan: limitSeconds)
            }
        }
    }

    init(_ connections: Connections, idleTimeoutSeconds: Int) {
        let state = State(connections, 2 * idleTimeoutSeconds)
        self.state = state
        var thread = pthread_t()
        // Safety: the reference passed here is taken by the thread's first line; if no thread starts, it is released below.
        let retained = Unmanaged.passRetained(state)
        let status = pthread_create(
            &thread, nil,
            { argument in
                argument.map { Unmanaged<State>.fromOpaque($0).takeRetainedValue().run() }
                return nil
            }, retained.toOpaque())
        if status == 0 { pthread_detach(thread) } else { retained.release() }
    }

    /// Lets the thread end at its next look.
    func stop() { state.isStopped.store(true, ordering: .relaxed) }
}
