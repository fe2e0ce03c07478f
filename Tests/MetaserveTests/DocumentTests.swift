import Foundation
import ServerSupport
import Testing
import VectorSupport

/// The commands of the documents run as they stand, from the package's folder, once it is built.
@Suite("The commands of the documents")
struct DocumentTests {
    /// A command of a document, and the line of output that the document shows below it.
    struct Command: CustomTestStringConvertible, Sendable {
        let document: String
        let line: Int
        let text: String
        let output: String?

        var testDescription: String { "\(document):\(line): \(text)" }
        var words: [String] { text.split(separator: " ").map(String.init) }
        /// Whether it shows how a command is written, and is not one itself.
        var isSynopsis: Bool {
            words.contains { $0.hasPrefix("[") || $0.contains("@cat.jpg") || ["PATH...", "FILE", "PATH"].contains($0) }
        }
    }

    /// The programs that documents start.
    private static let programs = [
        "metaserve", ".build/release/metaserve", "curl", "make", "docker", "kubectl", "swift", "seq", "export",
        "openssl",
        "python3",
    ]

    private static let documents: [String] = {
        let folder = Fixtures.package.path + "/docs"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return ["README.md", "CONTRIBUTING.md", "Benchmarks/README.md"]
            + names.filter { $0.hasSuffix(".md") }.sorted().map { "docs/\($0)" }
    }()

    private static let commands: [Command] = documents.flatMap { document -> [Command] in
        let path = Fixtures.package.appendingPathComponent(document)
        let lines = ((try? String(contentsOf: path, encoding: .utf8)) ?? "").split(
            separator: "\n", omittingEmptySubsequences: false)
        return lines.enumerated().compactMap { index, line -> Command? in
            guard line.hasPrefix("    "), let program = line.split(separator: " ").first.map(String.init),
                programs.contains(program) || program.hasPrefix("Benchmarks/") || program.contains("/bin/")
            else { return nil }
            let next = index + 1 < lines.count ? lines[index + 1].drop { $0 == " " } : ""
            return Command(
                document: document, line: index + 1, text: String(line.drop { $0 == " " }),
                output: next.hasPrefix("{") ? String(next) : nil)
        }
    }

    private func launch(_ line: String) throws -> Program.Result {
        let folder = URL(fileURLWithPath: Program.path).deletingLastPathComponent().path
        return try Program.launch(
            "/bin/sh", ["-c", "cd '\(Fixtures.package.path)' && PATH='\(folder)':\"$PATH\"; \(line)"])
    }

    @Test("commands are found in README and in the pages of docs")
    func found() {
        #expect(Self.commands.count { $0.document == "README.md" } > 7)
        #expect(Self.commands.count { $0.document.hasPrefix("docs/") } > 15)
    }

    @Test("what asks, predicts and inspects runs, and prints what the document shows")
    func running() throws {
        let models = Fixtures.package.appendingPathComponent("models").path
        let server = try RunningServer(models, "--default-model", "tutorial")
        var count = 0
        for command in Self.commands where !command.isSynopsis {
            let isClient = ["curl", "seq", "openssl", "python3"].contains(command.words[0])
            let isCommand = command.words[0] == "metaserve" && command.words.dropFirst().first != "serve"
            guard isClient || isCommand else { continue }
            let line = command.text.replacing("http://localhost:8501", with: server.address)
                .replacing("localhost:8501", with: server.address)
                .replacing("/NAME", with: "/tutorial").replacing("curl ", with: "curl -fsS ")
            let result = try launch(line)
            #expect(result.status == 0, "\(command.testDescription): \(result.errors)")
            if let output = command.output { #expect(result.output == output + "\n", "\(command.testDescription)") }
            count += 1
        }
        #expect(count > 4)
        #expect(server.stop() == 0)
    }

    @Test("what serves starts")
    func serving() throws {
        var count = 0
        for command in Self.commands where !command.isSynopsis && command.words.dropFirst().first == "serve" {
            guard command.words[0].hasSuffix("metaserve") else { continue }
            let words = command.words.dropFirst(2).prefix { $0 != "#" }.map { word -> String in
                if word == "/path/to/checkpoints" { return Fixtures.model("tutorial") }
                let path = Fixtures.package.path + "/" + word
                return FileManager.default.fileExists(atPath: path) ? path : word
            }
            let server = try RunningServer(arguments: words)
            #expect(server.stop() == 0, "\(command.testDescription)")
            count += 1
        }
        #expect(count > 1)
    }

    @Test("a synopsis has commands and flags that there are")
    func synopses() throws {
        var count = 0
        for command in Self.commands where command.isSynopsis && command.words[0] == "metaserve" {
            let help = try Program.run(command.words[1], "--help")
            #expect(help.status == 0, "\(command.testDescription)")
            for match in command.text.matches(of: /--[a-z-]+/) {
                #expect(help.output.contains(match.0), "\(command.testDescription)")
            }
            count += 1
        }
        #expect(count > 3)
    }

    @Test("what is made, and the scripts, are there")
    func targets() throws {
        let makefile = try String(contentsOf: Fixtures.package.appendingPathComponent("Makefile"), encoding: .utf8)
        for command in Self.commands {
            for match in command.text.matches(of: /(?:^|&& )make ([a-z-]+)/) {
                #expect(makefile.contains("\n\(match.1):"), "\(command.testDescription)")
            }
            for match in command.text.matches(of: /Benchmarks\/[a-z-]+\.sh/) {
                let path = Fixtures.package.appendingPathComponent(String(match.0)).path
                #expect(FileManager.default.isExecutableFile(atPath: path), "\(command.testDescription)")
            }
        }
    }

    @Test("the flags of the files for containers are those of serve")
    func deployment() throws {
        let help = try Program.run("serve", "--help").output
        for name in ["deploy/kubernetes.yaml", "deploy/docker-compose.yaml", "Dockerfile"] {
            let text = try String(contentsOf: Fixtures.package.appendingPathComponent(name), encoding: .utf8)
            for line in text.split(separator: "\n") where line.contains("args:") || line.contains("CMD [") {
                for match in line.matches(of: /--[a-z-]+/) { #expect(help.contains(match.0), "\(name): \(match.0)") }
            }
        }
    }

    @Test("commands that need Docker or a cluster are left out, and said so")
    func leftOut() {
        for command in Self.commands where ["docker", "kubectl"].contains(command.words[0]) {
            print("skipped: \(command.testDescription): needs \(command.words[0])")
        }
    }
}
