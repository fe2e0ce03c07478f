import Foundation
import HTTPServer
import Testing

/// Listening on a unix socket, with curl as the client.
@Suite("HTTP on a unix socket", .enabled(if: Command.path(of: "curl") != nil))
struct UnixSocketTests {
    private func echo(_ path: String, _ body: String, _ route: String = "/echo") throws -> String {
        try Command.curl("--unix-socket", path, "http://localhost\(route)", "-H", "Content-Type;", "-d", body).output
    }

    private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    @Test("requests are answered; owner and group may connect; the file is gone at the end")
    func answers() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("socket")
        let server = try startServer { $0.host = "unix:\(path)" }
        #expect(server.port == 0)
        #expect(try echo(path, "one") == "one")
        #expect(try echo(path, "two", "/later/echo") == "two")
        #expect(try echo(path, "", "/large").utf8.count == TestRoutes.largeBytes)
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o660)
        #expect(server.stop())
        #expect(!exists(path))
    }

    @Test("a socket that a dead server left is replaced")
    func stale() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("socket")
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let dead = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let status = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(dead, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        close(dead)
        #expect(status == 0 && exists(path))
        let server = try startServer { $0.host = "unix:\(path)" }
        #expect(try echo(path, "new") == "new")
        server.stop()
    }

    @Test("a socket on which a server listens is left alone")
    func live() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("socket")
        let server = try startServer { $0.host = "unix:\(path)" }
        let error = #expect(throws: HTTPServerError.self) { try startServer { $0.host = "unix:\(path)" } }
        #expect(error?.kind == .portInUse)
        #expect(
            error?.description == "another server listens on unix:\(path): stop it, or choose another path with --host")
        #expect(try echo(path, "still here") == "still here")
        server.stop()
    }

    @Test("what is no path for a socket is named, and what to do")
    func badPaths() throws {
        let folder = try TemporaryFolder()
        let file = folder.file("file")
        try "text".write(toFile: file, atomically: false, encoding: .utf8)
        let long = "/" + String(repeating: "a", count: 200)
        for (path, description) in [
            (file, "\(file) exists and is not a socket: remove it, or choose another path with --host"),
            (long, "host \"unix:\(long)\": the path of a Unix socket must have 1 to 107 bytes"),
            ("", "host \"unix:\": the path of a Unix socket must have 1 to 107 bytes"),
            (
                "/nowhere/socket",
                "listening on unix:/nowhere/socket: No such file or directory; give another path with --host"
            ),
        ] {
            let error = #expect(throws: HTTPServerError.self) { try startServer { $0.host = "unix:\(path)" } }
            #expect(error?.description == description)
        }
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "text")
    }
}
