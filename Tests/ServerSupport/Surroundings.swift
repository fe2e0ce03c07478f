import Foundation
import Glibc
internal import VectorSupport

/// A control group (version 1) for a server, within that of the tests. It is removed with the object.
package final class ControlGroup {
    /// Its folder.
    package let path: String

    /// Returns nil if that is not possible.
    ///
    /// - Parameters:
    ///   - controller: "memory", "cpu".
    ///   - file: A file of the controller that the group must have.
    package init?(_ controller: String, with file: String) {
        let text = (try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8)) ?? ""
        let name = "metaserve-\(UUID().uuidString)"
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, parts[1].split(separator: ",").contains(controller[...]) else { continue }
            let folder = "/sys/fs/cgroup/\(controller)\(parts[2])/\(name)"
            guard mkdir(folder, 0o755) == 0 else { continue }
            if access("\(folder)/\(file)", W_OK) == 0 {
                path = folder
                return
            }
            rmdir(folder)
        }
        return nil
    }

    deinit {
        // The kernel needs a moment after the end of the last process.
        for _ in 0..<100 where rmdir(path) != 0 { usleep(20_000) }
    }

    package func set(_ file: String, _ value: String) throws {
        try value.write(toFile: "\(path)/\(file)", atomically: false, encoding: .utf8)
    }
}

/// A script that becomes the server. It is removed with the object.
package final class Launcher {
    package let path = NSTemporaryDirectory() + "metaserve-launcher-\(UUID().uuidString)"

    /// - Parameters:
    ///   - preparation: Shell commands to run first.
    ///   - exec: The command that starts the server.
    /// - Throws: An error if it cannot be written.
    package init(_ preparation: String = ":", exec: String = "") throws {
        let script = "#!/bin/sh\nset -e\n\(preparation)\nexec \(exec) '\(Program.path)' \"$@\"\n"
        try Fixtures.write(Array(script.utf8), to: path)
        chmod(path, 0o755)
    }

    deinit { unlink(path) }
}

/// The kernel's information about the server's process.
package struct ProcessState {
    package let residentBytes: Int
    package let openFiles: Int

    package init(_ identifier: Int32) {
        let statm = (try? String(contentsOfFile: "/proc/\(identifier)/statm", encoding: .utf8)) ?? ""
        residentBytes = (Int(statm.split(separator: " ").dropFirst().first ?? "") ?? 0) * Int(getpagesize())
        openFiles = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(identifier)/fd").count) ?? 0
    }
}
