import Glibc

/// SIGINT and SIGTERM, waited for rather than handled: so nothing needs to be safe inside of a signal handler.
struct StopSignals {
    private var set = sigset_t()

    /// Blocks the signals for this thread and those that it makes from now on.
    init() {
        sigemptyset(&set)
        sigaddset(&set, SIGINT)
        sigaddset(&set, SIGTERM)
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Waits for one of them.
    ///
    /// - Returns: Its name.
    func wait() -> String {
        var set = set
        var number: Int32 = 0
        while sigwait(&set, &number) != 0 {}
        return number == SIGINT ? "SIGINT" : "SIGTERM"
    }

    /// Lets the next one end the process at once.
    func exitOnNext() {
        var set = set
        signal(SIGINT, SIG_DFL)
        signal(SIGTERM, SIG_DFL)
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }
}
