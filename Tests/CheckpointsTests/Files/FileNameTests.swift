import Files
import Foundation
import Testing
import VectorSupport

@testable import Checkpoints

/// A folder that is deleted with the object.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("metaserve-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Copies a committed model's newest checkpoint under another prefix, in this folder or one in it.
    func copy(_ model: String, step: Int, to prefix: String) throws {
        let target = "\(path)/\(prefix)"
        let above = PathText.folder(of: target)
        try FileManager.default.createDirectory(atPath: above, withIntermediateDirectories: true)
        for part in ["data-00000-of-00001", "index", "meta"] {
            let bytes = try Fixtures.bytes("\(Fixtures.model(model))/model-\(step).\(part)")
            // Not by URL, which composes letters on some systems.
            try write(bytes, to: "\(prefix).\(part)")
        }
    }

    func write(_ bytes: [UInt8], to name: String) throws { try write(bytes, toBytes: Array(name.utf8)) }

    /// Writes a file whose name need not be UTF-8.
    func write(_ bytes: [UInt8], toBytes name: [UInt8]) throws {
        let full = Array((path + "/").utf8) + name + [0]
        let descriptor = full.map { CChar(bitPattern: $0) }.withUnsafeBufferPointer { name in
            name.baseAddress.map { open($0, O_CREAT | O_WRONLY | O_TRUNC, 0o644) } ?? -1
        }
        guard descriptor >= 0 else { throw CocoaError(.fileWriteUnknown) }
        defer { close(descriptor) }
        guard bytes.withUnsafeBytes({ Glibc.write(descriptor, $0.baseAddress, $0.count) }) == bytes.count else {
            throw CocoaError(.fileWriteUnknown)
        }
    }

    func point(to paths: String...) throws {
        let lines = paths.enumerated().map { index, path in
            let escaped = path.replacing("\\", with: "\\\\")
            return "\(index == 0 ? "" : "all_")model_checkpoint_path\(index == 0 ? "" : "s"): \"\(escaped)\"\n"
        }
        try write(Array(lines.joined().utf8), to: "checkpoint")
    }
}

@Suite("Names of files")
struct FileNameTests {
    static let composed = "mod\u{e8}le \u{e9}"
    static let decomposed = "mode\u{300}le e\u{301}"

    @Test(
        "a prefix of any characters is found, named and read",
        arguments: [
            composed, decomposed, "модель 模型", "👩‍🔬 [x] {y} (z)", "\u{301}begins with a mark", "\u{fe0f}selector",
            "a%20b&c='d'",
            "model-\u{301}7",
        ])
    func anyName(name: String) throws {
        let folder = try TemporaryFolder()
        try folder.copy("tutorial", step: 1000, to: name + "-5")
        try folder.point(to: "/elsewhere/\(name)-5")
        let listing = try CheckpointListing(folder: folder.path)
        let item = try #require(listing.items.first)
        #expect(Array(item.prefix.utf8) == Array("\(folder.path)/\(name)-5".utf8))
        #expect(item.step == 5)
        #expect(item.missingPart == nil)
        #expect(item.ownGraph.map { Array($0.utf8) } == Array("\(item.prefix).meta".utf8))
        #expect(listing.warnings == [])
        #expect(try CheckpointReader(prefix: item.prefix).names == ["bias"])
        #expect(CheckpointListing.item(prefix: item.prefix) == item)
        for ending in [".index", ".meta", ".data-00000-of-00001", ""] {
            let prefix = CheckpointFolder.prefix(ofFile: item.prefix + ending)
            #expect(prefix.map { Array($0.utf8) } == Array(item.prefix.utf8), "\(ending)")
        }
    }

    @Test("two prefixes that differ only in how a letter is composed are two")
    func twoForms() throws {
        let folder = try TemporaryFolder()
        try folder.copy("tutorial", step: 1000, to: Self.composed + "-1")
        try folder.copy("digits", step: 3000, to: Self.decomposed + "-2")
        try folder.copy("digits", step: 3000, to: "\u{e9}")
        try folder.copy("tutorial", step: 1000, to: "e\u{301}")
        let listing = try CheckpointListing(folder: folder.path)
        #expect(listing.items.count == 4)
        for item in listing.items {
            // A decomposed letter has a byte more.
            let isTutorial = item.step == 1 || item.step == nil && item.prefix.utf8.count == folder.path.utf8.count + 4
            let isDigits = try CheckpointReader(prefix: item.prefix).names.contains("hidden1/weights")
            #expect(isDigits != isTutorial, "\(Array(item.prefix.utf8))")
            #expect(item.parts.count == 2)
        }
        try folder.point(to: "e\u{301}")
        let named = try CheckpointListing(folder: folder.path)
        #expect(named.items.first.map { Array($0.prefix.utf8.suffix(3)) } == Array("e\u{301}".utf8))
        #expect(named.lostPointer == nil)
    }

    @Test("a checkpoint file that composes letters names files whose system decomposed them")
    func otherForm() throws {
        let folder = try TemporaryFolder()
        try folder.copy("tutorial", step: 1000, to: Self.decomposed + "-3")
        try folder.point(to: Self.composed + "-3")
        let listing = try CheckpointListing(folder: folder.path)
        #expect(listing.lostPointer == nil)
        #expect(listing.items.first.map { Array($0.prefix.utf8) } == Array("\(folder.path)/\(Self.decomposed)-3".utf8))
    }

    @Test("names that are not UTF-8 are told of, and harm no others")
    func notText() throws {
        let folder = try TemporaryFolder()
        try folder.write([], toBytes: Array("caf".utf8) + [0xe9] + Array("-9.index".utf8))
        let error = #expect(throws: CheckpointError.self) { try CheckpointListing(folder: folder.path) }
        #expect(error?.reason.contains("found caf\\xE9-9.index") == true, "\(error?.reason ?? "")")
        try folder.copy("tutorial", step: 1000, to: "model-1000")
        try folder.point(to: "model-1000")
        let listing = try CheckpointListing(folder: folder.path)
        #expect(listing.items.map(\.step) == [1000])
        #expect(listing.warnings == ["\(folder.path)/caf\\xE9-9.index: the name is not UTF-8: it is ignored"])
    }

    @Test("paths are taken apart by their bytes")
    func paths() {
        #expect(PathText.name(of: "/a/\u{301}b/") == "\u{301}b")
        #expect(PathText.folder(of: "/a/\u{301}b") == "/a")
        #expect(PathText.folder(of: "model-7") == ".")
        #expect(PathText.folder(of: "/model-7") == "/")
        #expect(PathText.withoutTrailingSlashes("/") == "/")
        #expect(PathText.withoutTrailingSlashes("//") == "/")
        #expect(PathText.withoutTrailingSlashes("") == "")
        #expect(PathText.withoutTrailingSlashes("a//") == "a")
        #expect(PathText.path("/a/b/c", below: "/a/") == "b/c")
        #expect(PathText.path("/ab/c", below: "/a") == nil)
        #expect(PathText.path("/a/../c", below: "/a") == nil)
        #expect("model.index\u{301}".withoutEnding(".index") == nil)
        #expect("e\u{301}.index".withoutEnding(".index") == "e\u{301}")
    }
}
