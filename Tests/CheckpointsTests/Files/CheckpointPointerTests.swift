import Foundation
import Testing
import VectorSupport

@testable import Checkpoints

@Suite("What a checkpoint file names")
struct CheckpointPointerTests {
    private func first(_ folder: TemporaryFolder, followsPaths: Bool = false) throws -> String? {
        let listing = try CheckpointListing(folder: folder.path, followsPaths: followsPaths)
        return listing.items.first?.prefix.replacing(folder.path + "/", with: "")
    }

    @Test(
        "a path below the folder is taken, written as it may be",
        arguments: ["sub/model-7", "./sub/model-7", "FOLDER/sub/model-7", "sub//model-7", "sub\\model-7"])
    func below(written: String) throws {
        let folder = try TemporaryFolder()
        try folder.copy("tutorial", step: 1000, to: "sub/model-7")
        try folder.copy("tutorial", step: 1000, to: "model-9")
        try folder.point(to: written.replacing("FOLDER", with: folder.path))
        #expect(try first(folder) == "sub/model-7")
        let listing = try CheckpointListing(folder: folder.path)
        #expect(listing.lostPointer == nil)
        #expect(listing.warnings == [])
        #expect(listing.items.map(\.step) == [7, 9])
        #expect(listing.items.first?.parts.count == 2)
    }

    @Test(
        "a path of another system is looked for by its last component",
        arguments: [
            "C:\\Users\\me\\model-1", "\\\\server\\share\\model-1", "D:/runs/model-1", "/home/me/model-1",
            "..\\run\\model-1",
        ])
    func otherSystems(written: String) throws {
        let folder = try TemporaryFolder()
        try folder.copy("tutorial", step: 1000, to: "model-1")
        try folder.copy("tutorial", step: 1000, to: "model-2")
        try folder.point(to: written)
        #expect(try first(folder) == "model-1")
        #expect(try CheckpointListing(folder: folder.path).warnings == [])
    }

    @Test("a path out of the folder is followed only where that is allowed, and the warning names the switch")
    func outside() throws {
        let folder = try TemporaryFolder()
        let other = try TemporaryFolder()
        try other.copy("tutorial", step: 1000, to: "model-7")
        try folder.copy("tutorial", step: 1000, to: "model-5")
        let up = "../" + (other.path as NSString).lastPathComponent + "/model-7"
        for (written, place) in [("\(other.path)/model-7", ""), (up, " (\(folder.path)/\(up))")] {
            try folder.point(to: written)
            let listing = try CheckpointListing(folder: folder.path)
            let warning =
                "\(folder.path)/checkpoint names \(written), which is outside the folder\(place): use --follow-paths "
                + "to serve it: using model-5"
            #expect(listing.warnings == [warning])
            #expect(listing.lostPointer == warning)
            #expect(listing.items.map(\.step) == [5])
            let followed = try CheckpointListing(folder: folder.path, followsPaths: true)
            #expect(followed.items.map(\.step) == [7, 5])
            #expect(followed.lostPointer == nil)
            #expect(followed.warnings == [])
        }
    }

    @Test("a folder that holds nothing but a checkpoint file says what it names")
    func alone() throws {
        let folder = try TemporaryFolder()
        let other = try TemporaryFolder()
        try other.copy("tutorial", step: 1000, to: "model-7")
        try folder.point(to: "\(other.path)/model-7")
        let error = #expect(throws: CheckpointError.self) { try CheckpointListing(folder: folder.path) }
        #expect(
            error?.reason.hasSuffix("outside the folder: use --follow-paths to serve it") == true,
            "\(error?.reason ?? "")")
        #expect(try CheckpointListing(folder: folder.path, followsPaths: true).items.map(\.step) == [7])
    }

    @Test("of a file here and a file that is named elsewhere, the one here is taken, and said")
    func both() throws {
        let folder = try TemporaryFolder()
        let other = try TemporaryFolder()
        try other.copy("tutorial", step: 1000, to: "model-7")
        try folder.copy("digits", step: 3000, to: "model-7")
        try folder.point(to: "\(other.path)/model-7")
        let listing = try CheckpointListing(folder: folder.path)
        #expect(listing.items.first?.prefix == "\(folder.path)/model-7")
        #expect(listing.warnings == [])
        #expect(listing.notes.count == 1)
        let followed = try CheckpointListing(folder: folder.path, followsPaths: true)
        #expect(followed.items.first?.prefix == "\(other.path)/model-7")
    }

    @Test("another step than the one that is named is a warning; so is a file that cannot be read")
    func otherStep() throws {
        let folder = try TemporaryFolder()
        try folder.copy("tutorial", step: 1000, to: "model-2")
        try folder.point(to: "model-1", "model-0", "model-1")
        let warning = "\(folder.path)/checkpoint names model-1, which is not found: using model-2"
        #expect(try CheckpointListing(folder: folder.path).warnings == [warning])
        try folder.write(Array("version https://git-lfs.github.com/spec/v1\noid sha256:0\n".utf8), to: "checkpoint")
        let pointer = try CheckpointListing(folder: folder.path)
        #expect(pointer.warnings.count == 1)
        #expect(pointer.warnings.first?.contains("git lfs pull") == true, "\(pointer.warnings)")
        #expect(pointer.lostPointer != nil)
        try FileManager.default.removeItem(atPath: folder.path + "/checkpoint")
        let without = try CheckpointListing(folder: folder.path)
        #expect(without.warnings == [])
        #expect(without.notes == ["\(folder.path) has no checkpoint file: using model-2"])
        #expect(without.lostPointer == without.notes.first)
    }

    @Test("many paths of other folders are not all looked for")
    func manyPaths() throws {
        let folder = try TemporaryFolder()
        try folder.copy("tutorial", step: 1000, to: "model-1")
        let lines = (0..<2000).map { "all_model_checkpoint_paths: \"sub\($0)/x-\($0)\"\n" }.joined()
        try folder.write(Array(("model_checkpoint_path: \"model-1\"\n" + lines).utf8), to: "checkpoint")
        #expect(try CheckpointListing(folder: folder.path).items.map(\.step) == [1])
    }
}
