public import Foundation

/// The program: the one that was built with the tests, or the one that `METASERVE_PROGRAM` names.
public enum Program {
    /// Its path.
    public static let path =
        ProcessInfo.processInfo.environment["METASERVE_PROGRAM"]
        ?? URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("metaserve").path

    /// The result of a program.
    public struct Result: Sendable {
        /// Its exit status.
        public let status: Int32
        /// Its standard output.
        public let output: String
        /// Its standard error.
        public let errors: String
    }

    /// Runs the program to its end.
    public static func run(_ arguments: String...) throws -> Result { try launch(path, arguments) }

    /// Runs curl.
    public static func curl(_ arguments: String...) throws -> String {
        try launch("/usr/bin/curl", ["-s", "-m", "20"] + arguments).output
    }

    /// Runs any program to its end.
    public static func launch(_ path: String, _ arguments: [String]) throws -> Result {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let errorText = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
            errors: String(decoding: errorText, as: UTF8.self))
    }
}

/// A running server on a free port. It is killed with the object.
public final class RunningServer {
    private let process = Process()
    private let logPath = NSTemporaryDirectory() + "metaserve-\(UUID().uuidString).log"
    /// `http://127.0.0.1:PORT`, or `unix:PATH`.
    public let address: String
    /// The port; 0 for a Unix socket.
    public let port: Int

    /// Starts the server, and waits until it listens, for 60 seconds at most.
    ///
    /// - Parameters:
    ///   - program: The server, or a script that becomes the server.
    ///   - arguments: The arguments after `serve --port 0`.
    /// - Throws: An error if the server ends before it listens.
    public convenience init(program: String = Program.path, _ arguments: String...) throws {
        try self.init(program: program, arguments: arguments)
    }

    /// Starts the server like `init(program:_:)`.
    public init(program: String = Program.path, arguments: [String]) throws {
        _ = FileManager.default.createFile(atPath: logPath, contents: nil)
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = ["serve", "--port", "0"] + arguments
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: logPath))
        try process.run()
        var log = ""
        for _ in 0..<6000 {
            log = (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? ""
            if let match = log.firstMatch(of: /address="?(https?:\/\/\S+:(\d+)|unix:[^"\n]+)/) {
                address = String(match.1)
                port = match.2.flatMap { Int($0) } ?? 0
                return
            }
            guard process.isRunning else { throw CocoaError(.executableLoad, userInfo: ["log": log]) }
            usleep(10_000)
        }
        throw CocoaError(.executableLoad, userInfo: ["log": log])
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        try? FileManager.default.removeItem(atPath: logPath)
    }

    /// The log so far.
    public var log: String { (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "" }

    /// Its process.
    public var processIdentifier: Int32 { process.processIdentifier }

    /// Whether it is running.
    public var isRunning: Bool { process.isRunning }

    /// Sends a signal.
    public func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// Waits for the process to end.
    public func wait() -> Int32 {
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// Ends the process with a signal, and waits.
    public func stop(_ signal: Int32 = SIGTERM) -> Int32 {
        send(signal)
        return wait()
    }
}
