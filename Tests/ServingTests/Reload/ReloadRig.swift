import Checkpoints
import Files
import Glibc

@testable import Checkpoints
@testable import Serving

/// A point of a simulated time, which a test advances.
struct TestInstant: InstantProtocol {
    var offset = Duration.zero

    func advanced(by duration: Duration) -> TestInstant { TestInstant(offset: offset + duration) }
    func duration(to other: TestInstant) -> Duration { other.offset - offset }
    static func < (left: TestInstant, right: TestInstant) -> Bool { left.offset < right.offset }
}

/// The simulated files of a model folder, whose versions are checkpoints.
struct TestFolder {
    /// The state of every file, by name.
    private(set) var files: [String: FileIdentity] = [:]
    /// The prefix that `checkpoint` names.
    var named: Int?
    /// The warnings of a check.
    var warnings: [String] = []
    private var inode: ino_t = 100
    private static let parts = ["data-00000-of-00001", "index", "meta"]

    static func name(_ number: Int, _ part: String) -> String { "model-\(number).\(part)" }

    /// Makes a file like a rename, with a new inode.
    mutating func put(_ name: String, size: Int = 10, modified: Int = 1000) {
        inode += 1
        set(name, inode, size, modified)
    }

    /// Writes into a file.
    mutating func change(_ name: String, size: Int = 10, modified: Int) {
        set(name, files[name].map { ino_t($0.inode) } ?? 0, size, modified)
    }

    private mutating func set(_ name: String, _ inode: ino_t, _ size: Int, _ modified: Int) {
        var status = stat()
        status.st_ino = inode
        status.st_size = size
        status.st_mtim.tv_sec = modified
        files[name] = FileIdentity(path: "/models/m/\(name)", status)
    }

    mutating func remove(_ number: Int) { for part in Self.parts { files[Self.name(number, part)] = nil } }

    /// Makes a complete save, which `checkpoint` names.
    mutating func save(_ number: Int, named: Bool = true, modified: Int = 1000) {
        for part in Self.parts { put(Self.name(number, part), modified: modified) }
        if named { self.named = number }
    }

    /// The result of a check.
    var listing: ModelListing {
        let numbers = Set(files.keys.compactMap { Int($0.dropFirst(6).prefix { $0 != "." }) }).sorted()
        let candidates = numbers.map { number in
            let names = Self.parts.map { Self.name(number, $0) }
            let missing = names.filter { files[$0] == nil }
            return ModelCandidate(
                number: number, path: "/models/m/model-\(number)", folder: "/models/m", format: .checkpoint,
                files: names.compactMap { files[$0] },
                missing: missing.isEmpty ? nil : missing.joined(separator: ", "),
                isLoadable: missing.isEmpty || missing == [Self.name(number, "meta")] && numbers.count > 1)
        }
        let newestFirst = Array(candidates.reversed())
        return ModelListing(
            ranked: newestFirst.filter { $0.number == named } + newestFirst.filter { $0.number != named },
            warnings: warnings,
            lostPointer: numbers.contains { $0 == named } ? nil : "/models/m/checkpoint names nothing that is there")
    }
}

/// A machine, its folder and its time.
struct ReloadRig {
    typealias Machine = ReloadMachine<TestInstant>

    var folder = TestFolder()
    private(set) var machine: Machine
    private(set) var now = TestInstant()
    /// All log messages.
    private(set) var logs: [String] = []
    /// The replies to load requests.
    private(set) var answers: [Result<Int, ModelError>] = []
    /// The numbers of the versions whose loads have begun, the earliest first.
    private(set) var begun: [Int] = []
    /// The load that is being made.
    private(set) var load: Machine.Load?
    /// The errors of loads, by number.
    var faults: [Int: ModelError] = [:]
    /// The error of a check.
    var absence: ModelError?

    init(_ policy: VersionPolicy = VersionPolicy(), timing: ReloadTiming = ReloadTiming()) {
        machine = Machine(policy: policy, timing: timing, at: TestInstant())
    }

    init(_ selection: VersionPolicy.Selection) {
        var policy = VersionPolicy()
        policy.selection = selection
        self.init(policy)
    }

    /// The loaded versions' numbers.
    var loaded: [Int] { machine.view.versions.map(\.candidate.number) }
    /// The number of the version in service.
    var serving: Int? { machine.view.current?.candidate.number }
    /// The state of each version.
    var states: [String] {
        machine.view.states.map { "\($0.number) \($0.phase.rawValue)" + ($0.error.isEmpty ? "" : ": \($0.error)") }
    }

    private mutating func take(_ actions: [Machine.Action]) {
        for action in actions {
            switch action {
            case .log(let notice): logs.append("\(notice.level): \(notice.message)")
            case .reply(let result): answers.append(result)
            case .publish: break
            }
        }
    }

    mutating func pass(_ duration: Duration) { now = now.advanced(by: duration) }

    mutating func look() {
        take(absence.map { machine.look($0, at: now) } ?? machine.look(folder.listing, at: now))
    }

    /// Begins a load, if one is due.
    mutating func begin() {
        guard load == nil, let (next, actions) = machine.nextLoad(at: now) else { return }
        load = next
        begun.append(next.candidate.number)
        take(actions)
    }

    /// Ends the load that is being made.
    mutating func end() {
        guard let load else { return }
        self.load = nil
        let fault = faults[load.candidate.number]
        take(machine.finish(load, fault.map { .failure($0) } ?? .success(()), at: now))
    }

    mutating func command(load: Bool) {
        take(load ? machine.load(at: now) : machine.unload(at: now))
    }

    /// Applies another policy.
    mutating func reconfigure(_ policy: VersionPolicy, reloads: Bool = false) {
        take(machine.reconfigure(policy, reloads: reloads, at: now))
    }

    /// Reports that retired versions are no longer in use.
    mutating func release() {
        for load in machine.retiring { take(machine.released(serial: load.serial, at: now)) }
    }

    /// Advances the time, with a check whenever the machine wants one and at intervals, and with loads that take no time.
    mutating func run(_ duration: Duration, poll: Duration = .seconds(1)) {
        let last = now.advanced(by: duration)
        var nextPoll = now
        while now <= last {
            look()
            while true {
                begin()
                guard load != nil else { break }
                end()
                look()
            }
            if nextPoll <= now { nextPoll = nextPoll.advanced(by: poll) }
            now = max(min(machine.nextLook ?? nextPoll, nextPoll), now.advanced(by: .milliseconds(1)))
        }
        now = last
        release()
    }

    /// Requests a load, and performs it.
    mutating func start() {
        command(load: true)
        run(.zero)
    }
}
