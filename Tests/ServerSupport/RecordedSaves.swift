import Foundation
import Glibc
import VectorSupport

/// Recorded saves of TensorFlow, repeated file by file in the same order: `Tests/Fixtures/saves`.
///
/// The model's output `all:0` is the input `x:0` plus the variables a, b and c, each with 64 numbers equal to the step.
public struct RecordedSaves: Sendable {
    /// An operation of TensorFlow on the folder.
    public enum Event: Hashable, Sendable {
        /// Makes a file, with the content of its final name.
        case create(String, contentOf: String)
        case rename(String, to: String)
        case unlink(String)
    }

    /// The steps, ascending.
    public let steps: [Int]
    private let events: [Int: [Event]]

    /// Reads the recording.
    public init() throws {
        var events: [Int: [Event]] = [:]
        var created: [String: Int] = [:]
        var step = 0
        for line in try String(contentsOfFile: Fixtures.path("saves/events"), encoding: .utf8).split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            switch words[0] {
            case "save": step = Int(words[1]) ?? 0
            case "create":
                created[words[1]] = events[step, default: []].count
                events[step, default: []].append(.create(words[1], contentOf: ""))
            case "rename":
                if let index = created[words[1]] {
                    events[step, default: []][index] = .create(words[1], contentOf: words[2])
                }
                events[step, default: []].append(.rename(words[1], to: words[2]))
            default: events[step, default: []].append(.unlink(words[1]))
            }
        }
        self.events = events
        steps = events.keys.sorted()
    }

    /// TensorFlow's operations for a save.
    public func events(ofStep step: Int) -> [Event] { events[step] ?? [] }

    /// The bytes of a file after a save.
    public func content(_ name: String, ofStep step: Int) throws -> [UInt8] {
        try Fixtures.bytes(Fixtures.path("saves/\(step)/\(name)"))
    }

    /// The names of the files of a save, `checkpoint` last.
    public func files(ofStep step: Int) -> [String] {
        ["data-00000-of-00001", "index", "meta"].map { "model-\(step).\($0)" } + ["checkpoint"]
    }

    /// The number of bytes of a save.
    public func byteCount(ofStep step: Int) throws -> Int {
        try files(ofStep: step).reduce(0) { $0 + (try content($1, ofStep: step).count) }
    }

    /// Repeats a save of TensorFlow.
    ///
    /// - Parameters:
    ///   - step: The step of the save.
    ///   - folder: The destination.
    ///   - chunk: The size of the pieces in which files are written.
    ///   - limit: The number of bytes after which the writer dies; nil for no limit.
    ///   - pause: Called between the pieces and the events.
    /// - Returns: Whether the save was completed.
    /// - Throws: An error if a file cannot be read or written.
    @discardableResult
    public func save(
        step: Int, in folder: String, chunk: Int = 1 << 20, dyingAfter limit: Int? = nil, pause: () -> Void = {}
    ) throws -> Bool {
        var left = limit ?? .max
        for event in events(ofStep: step) {
            guard left > 0 else { return false }
            switch event {
            case .create(let name, let final):
                let bytes = try content(final, ofStep: step)
                try Self.write(bytes.prefix(left), to: "\(folder)/\(name)", chunk: chunk, pause: pause)
                left -= bytes.count
            case .rename(let from, let to): Glibc.rename("\(folder)/\(from)", "\(folder)/\(to)")
            case .unlink(let name): Glibc.unlink("\(folder)/\(name)")
            }
            pause()
        }
        return true
    }

    /// Copies a save like `cp`: each file under its own name, in pieces, over existing files.
    ///
    /// - Parameters:
    ///   - step: The step of the save.
    ///   - folder: The destination.
    ///   - order: The order of the files, as indices in ``files(ofStep:)``.
    ///   - chunk: The size of the pieces.
    ///   - pause: Called between the pieces.
    /// - Throws: An error if a file cannot be read or written.
    public func copy(
        step: Int, to folder: String, order: [Int] = [0, 1, 2, 3], chunk: Int = 1 << 20, pause: () -> Void = {}
    ) throws {
        let files = files(ofStep: step)
        for index in order {
            try Self.write(
                try content(files[index], ofStep: step)[...], to: "\(folder)/\(files[index])", chunk: chunk,
                pause: pause)
        }
    }

    /// Writes a file in pieces like `cp`, which truncates an existing file first.
    public static func write(_ bytes: ArraySlice<UInt8>, to path: String, chunk: Int, pause: () -> Void) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw CocoaError(.fileWriteUnknown, userInfo: ["path": path]) }
        defer { close(descriptor) }
        var rest = bytes
        while !rest.isEmpty {
            let piece = rest.prefix(max(1, chunk))
            let count = piece.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count == piece.count else { throw CocoaError(.fileWriteUnknown, userInfo: ["path": path]) }
            rest = rest.dropFirst(piece.count)
            pause()
        }
    }
}
