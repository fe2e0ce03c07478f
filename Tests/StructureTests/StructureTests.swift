import Foundation
import Testing
import VectorSupport

/// What holds for the sources as a whole.
@Suite("Structure")
struct StructureTests {
    /// The files that may import a C module.
    private static let importers: [String: Set<String>] = [
        "CMicrohttpd": [
            "HTTPServer/Callbacks.swift", "HTTPServer/Daemon.swift", "HTTPServer/RequestHeaders.swift",
            "HTTPServer/Worker.swift",
        ],
        "CImages": ["Kernels/ImageFiles.swift"],
        "CSnappy": ["Checkpoints/SortedTable.swift"],
        "CChecksum": ["Checkpoints/Checksum.swift"],
        "CMemory": ["Serving/LoaderThread.swift"],
        "CJSON": ["API/JSONParser.swift", "API/JSONWriter.swift"],
        "CRegex": ["Kernels/RegularExpression.swift"],
        "CZlib": ["Kernels/Inflation.swift"],
        "COpenBLAS": ["Kernels/LinearAlgebra.swift", "Kernels/MatrixProduct.swift"],
    ]

    private func sources() throws -> [(name: String, text: String)] {
        let root = Fixtures.package.appendingPathComponent("Sources")
        let names = try #require(FileManager.default.enumerator(atPath: root.path)).compactMap { $0 as? String }
        return try names.filter { $0.hasSuffix(".swift") && !$0.hasSuffix(".pb.swift") }.sorted().map {
            ($0, try String(contentsOf: root.appendingPathComponent($0), encoding: .utf8))
        }
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
