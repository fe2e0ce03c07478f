extension ReloadMachine {
    /// The visible state.
    struct View: Hashable, Sendable {
        /// The loaded versions by number, ascending.
        var versions: [Load] = []
        var current: Load?
        var labels: [String: Load] = [:]
        var states: [VersionState] = []
        var record = ReloadRecord()
        var isUnloaded = false
        var warnings: [String] = []
    }

    /// The maximum number of listed versions that no longer exist, or cannot be loaded.
    static var maxEnded: Int { 8 }

    var view: View {
        var view = View()
        view.versions = loaded.values.map(\.load).sorted { $0.candidate.number < $1.candidate.number }
        view.current = current.flatMap { loaded[$0]?.load }
        for (label, target) in policy.labels {
            let number =
                switch target {
                case .latest: current
                case .previous: loaded.keys.filter { $0 != current }.max()
                case .number(let number): number
                }
            view.labels[label] = number.flatMap { loaded[$0]?.load }
        }
        view.states = states
        view.record = record
        view.isUnloaded = isUnloaded
        view.warnings = warnings.logged
        return view
    }

    private var states: [VersionState] {
        var states: [Int: VersionState] = [:]
        for state in ended { states[state.number] = state }
        for number in seen.keys.sorted(by: >) {
            guard let failure = seen[number]?.failure else { continue }
            states[number] = VersionState(number: number, phase: .ended, error: failure.error.message)
        }
        if states.count > Self.maxEnded {
            for number in states.keys.sorted().dropLast(Self.maxEnded) { states[number] = nil }
        }
        for load in retiring {
            states[load.candidate.number] = VersionState(number: load.candidate.number, phase: .unloading)
        }
        if let loading {
            states[loading.candidate.number] = VersionState(number: loading.candidate.number, phase: .loading)
        }
        for number in loaded.keys { states[number] = VersionState(number: number, phase: .available) }
        return states.values.sorted { $0.number < $1.number }
    }
}
