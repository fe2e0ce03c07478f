import Foundation
import ServerSupport

/// Programs that tests use as clients.
enum Command {
    /// Where a program is; nil if it is not installed.
    static func path(of program: String) -> String? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(program)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// Runs it to its end.
    @discardableResult
    static func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
        let result = try Program.launch(path(of: program) ?? program, arguments)
        return (result.status, result.output)
    }

    /// Starts it with pipes for input and output.
    static func start(_ program: String, _ arguments: [String]) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path(of: program) ?? program)
        process.arguments = arguments
        process.standardInput = Pipe()
        process.standardOutput = Pipe()
        process.standardError = Pipe()
        try process.run()
        return process
    }

    /// curl's answer.
    static func curl(_ arguments: String...) throws -> (status: Int32, output: String) {
        try run("curl", ["--silent", "--show-error", "--max-time", "20"] + arguments)
    }
}

/// A folder that is removed in the end.
final class TemporaryFolder {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("metaserve-\(UUID().uuidString)").path

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }
}
