import Foundation
import Testing
import VectorSupport

/// What holds for the sources as a whole.
@Suite("Structure")
struct StructureTests {
    /// The files that may import a C module.
    private static let importers: [String: Set<String>] = [
        "CMicrohttpd": [
            "HTTPServer/Callbacks.swift", "HTTPServer/Certificate.swift", "HTTPServer/Daemon.swift",
            "HTTPServer/Exchange.swift", "HTTPServer/RequestHeaders.swift", "HTTPServer/Worker.swift",
            "HTTPServer/Refusal.swift", "HTTPServer/Reply.swift",
        ],
        "CResponses": ["HTTPServer/Daemon.swift", "HTTPServer/DirectBody.swift", "HTTPServer/Exchange.swift"],
        "CImages": ["Kernels/Images/ImageFiles.swift"],
        "CSnappy": ["Checkpoints/Reading/SortedTable.swift"],
        "CChecksum": ["Checkpoints/Files/Checksum.swift"],
        "CThreads": ["Threads/Stripes.swift"],
        "CMemory": ["Memory/FreedMemory.swift"],
        "CProcessors": ["Threads/Team.swift"],
        "CArguments": ["metaserve/ProgramArguments.swift"],
        "CEvents": ["metaserve/Load/LoadThread.swift"],
        "CJSON": ["API/JSON/JSONParser.swift", "API/JSON/JSONValue.swift", "API/JSON/JSONWriter.swift"],
        "CRegex": ["Kernels/Text/RegularExpression.swift"],
        "CZlib": ["API/Encodings/ZlibStreams.swift", "Kernels/Images/Inflation.swift"],
        "CZstd": ["API/Encodings/ZstdStreams.swift"],
        "COpenBLAS": ["Kernels/LinearAlgebra/LinearAlgebra.swift", "Kernels/LinearAlgebra/MatrixProduct.swift"],
    ]

    private func sources() throws -> [(name: String, text: String)] {
        let root = Fixtures.package.appendingPathComponent("Sources")
        let names = try #require(FileManager.default.enumerator(atPath: root.path)).compactMap { $0 as? String }
        return try names.filter { $0.hasSuffix(".swift") && !$0.hasSuffix(".pb.swift") }.sorted().map {
            ($0, try String(contentsOf: root.appendingPathComponent($0), encoding: .utf8))
        }
    }

    @Test("a folder is small enough to be read at a glance")
    func folders() throws {
        let counts = Dictionary(grouping: try sources()) {
            $0.name.split(separator: "/").dropLast().joined(separator: "/")
        }
        for (folder, files) in counts { #expect(files.count <= 25, "\(folder) has \(files.count) files") }
    }

    @Test("the paths that documents name are there")
    func paths() throws {
        let docs = Fixtures.package.appendingPathComponent("docs")
        let names = try FileManager.default.contentsOfDirectory(atPath: docs.path).filter { $0.hasSuffix(".md") }
        let files =
            names.map(docs.appendingPathComponent)
            + ["README.md", "CONTRIBUTING.md"].map(Fixtures.package.appendingPathComponent)
        var count = 0
        for file in files {
            for match in try String(contentsOf: file, encoding: .utf8).matches(of: /(?:Sources|Tests)\/[\w\/+.*-]+/) {
                // FAMILY and the like stand for any name, and so does what comes behind them.
                let known = match.output.split(separator: "/").prefix {
                    !$0.contains("*") && $0.firstMatch(of: /[A-Z]{4}/) == nil
                }
                let path = Fixtures.package.appendingPathComponent(known.joined(separator: "/")).path
                #expect(FileManager.default.fileExists(atPath: path), "\(file.lastPathComponent): \(match.output)")
                count += 1
            }
        }
        #expect(count > 10)
    }

    @Test("C modules are imported by the files that are made for it")
    func imports() throws {
        for (name, text) in try sources() {
            for line in text.split(separator: "\n") where line.contains("import C") {
                let module = line.split(separator: " ").last.map(String.init) ?? ""
                // A C module's name is a C and a name: CSnappy; Checkpoints is none.
                guard module.dropFirst().first?.isUppercase == true else { continue }
                if let allowed = Self.importers[module] { #expect(allowed.contains(name), "\(name) imports \(module)") }
                if module == "CKernels" { #expect(name.hasPrefix("Kernels/")) }
                #expect(line.hasPrefix("internal import") || name.hasPrefix("metaserve/"), "\(name)")
            }
        }
    }

    /// What each target of `Sources` uses of the others, as the package says.
    private func uses() throws -> [String: Set<String>] {
        let text = try String(contentsOf: Fixtures.package.appendingPathComponent("Package.swift"), encoding: .utf8)
        var uses: [String: Set<String>] = [:]
        for match in text.matches(of: /\starget\(\s*"(\w+)",\s*uses: \[([^\]]*)\]/) {
            uses[String(match.1)] = Set(match.2.matches(of: /"(\w+)"/).map { String($0.1) })
        }
        let program = try #require(text.firstMatch(of: /name: "metaserve",\s*dependencies: \[([^\]]*)\]/))
        uses["metaserve"] = Set(program.1.matches(of: /"(\w+)"/).map { String($0.1) })
        return uses.mapValues { $0.intersection(uses.keys) }
    }

    @Test("a file imports only targets that its own target uses")
    func importsOfTargets() throws {
        let uses = try uses()
        for (name, text) in try sources() {
            let target = String(name.prefix { $0 != "/" })
            for match in text.matches(of: /\n?(?:internal|package|public) import (\w+)/)
            where uses[String(match.1)] != nil {
                #expect(uses[target]?.contains(String(match.1)) == true, "\(name) imports \(match.1)")
            }
        }
    }

    @Test("the drawing of the targets is what the package says")
    func drawing() throws {
        let text = try String(
            contentsOf: Fixtures.package.appendingPathComponent("docs/architecture.md"), encoding: .utf8)
        let drawing = try #require(text.components(separatedBy: "```mermaid").dropFirst().first)
        let uses = try uses()
        #expect(uses.count > 10)
        var drawn: [String: Set<String>] = [:]
        for match in drawing.prefix(upTo: drawing.firstRange(of: "```")?.lowerBound ?? drawing.endIndex)
            .matches(of: /\n  (\w+)(?:\[[^\]]*\])? --> (\w+)/)
        where uses[String(match.2)] != nil {
            drawn[String(match.1), default: []].insert(String(match.2))
        }
        for (target, used) in drawn {
            let missing = used.subtracting(uses[target] ?? [])
            #expect(missing.isEmpty, "\(target) does not use \(missing.sorted())")
        }
        for (target, used) in uses {
            var found: Set<String> = []
            var rest = drawn[target] ?? []
            while let next = rest.popFirst() {
                if found.insert(next).inserted { rest.formUnion(drawn[next] ?? []) }
            }
            let missing = used.subtracting(found)
            #expect(missing.isEmpty, "no arrow leads from \(target) to \(missing.sorted())")
        }
    }

    /// The files that may ask for the time of day, which jumps: to show it, or, of tokens, to read a young file once more.
    private static let clockReaders: Set<String> = [
        "API/Observability/Metrics.swift", "API/Observability/Timestamp.swift", "API/Access/TokenFile.swift",
        "Serving/Versions/ModelVersion.swift",
        "Serving/Statistics/VersionStatistics.swift", "Threads/WallClock.swift",
    ]

    @Test("whatever waits or ends by time goes by clocks that do not jump")
    func clocks() throws {
        for (name, text) in try sources() where !Self.clockReaders.contains(name) {
            for word in ["CLOCK_REALTIME", "time(nil)", "gettimeofday", "Date()", "Date.now"] {
                #expect(!text.contains(word), "\(name) has \(word)")
            }
        }
    }

    @Test("what can trap on input is not used")
    func traps() throws {
        for (name, text) in try sources() {
            for word in ["try!", "fatalError(", " as! "] { #expect(!text.contains(word), "\(name) has \(word)") }
        }
    }

    @Test("what is unchecked says why it is safe")
    func safety() throws {
        for (name, text) in try sources()
        where text.contains("@unchecked Sendable") || text.contains("nonisolated(unsafe)") {
            #expect(text.contains("// Safety:"), "\(name)")
        }
    }
}
