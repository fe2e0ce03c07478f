import Foundation
import ServerSupport
import Tensors
import Testing
import VectorSupport

@testable import Serving

@Suite("Paths that hold other things than models")
struct ForeignModelTests {
    private static let pointer = Array("version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n".utf8)
    private static let hdf5: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]

    private func reason(_ path: String) -> String {
        do throws(ModelError) {
            _ = try Model(contentsOf: path)
            return ""
        } catch { return error.message }
    }

    @Test(
        "a pointer of Git LFS in the place of a file of a model is named, whichever file it is",
        arguments: [
            ("model-1000.index", "models/tutorial"), ("model-1000.data-00000-of-00001", "models/tutorial"),
            ("model-1000.meta", "models/tutorial"), ("saved_model.pb", "Tests/Fixtures/files/saved_model_2"),
            ("variables/variables.index", "Tests/Fixtures/files/saved_model_2"),
            ("variables/variables.data-00000-of-00001", "Tests/Fixtures/files/saved_model_2"),
            ("frozen.pb", "Tests/Fixtures/files/frozen"),
        ])
    func pointers(file: String, model: String) throws {
        try Fixtures.withCopy(of: Fixtures.package.appendingPathComponent(model).path) { copy in
            #expect(reason(copy) == "")
            try Fixtures.write(Self.pointer, to: "\(copy)/\(file)")
            let reason = reason(copy)
            let name = (file as NSString).lastPathComponent
            #expect(
                reason.hasSuffix(
                    "is a Git LFS pointer, not the file itself: run `git lfs pull` in the repository, which fetches "
                        + name), "\(reason)")
            #expect(reason.contains(name + (file.hasPrefix("frozen") ? " is" : ": is")), "\(reason)")
        }
    }

    @Test("a folder that holds only files of other kinds says which, and what to do")
    func folder() throws {
        try Fixtures.withCopy(of: Fixtures.path("files/frozen")) { copy in
            try FileManager.default.removeItem(atPath: copy + "/frozen.pb")
            try Fixtures.write(Self.hdf5, to: copy + "/model.h5")
            try Fixtures.write(Array("hello".utf8), to: copy + "/README.md")
            let start = "\(copy): contains no model: model.h5 is a Keras model in HDF5: export it with `python -c"
            #expect(reason(copy).hasPrefix(start), "\(reason(copy))")
            #expect(reason(copy + "/model.h5").hasPrefix("\(copy)/model.h5: is a Keras model in HDF5: export it"))
            let found = #expect(throws: ModelError.self) { try ModelFolders.find(in: copy) }
            #expect(found?.message.hasPrefix(start) == true)
            try FileManager.default.createDirectory(atPath: copy + "/v/3", withIntermediateDirectories: true)
            try FileManager.default.moveItem(atPath: copy + "/model.h5", toPath: copy + "/v/3/model.h5")
            #expect(
                reason(copy + "/v").hasPrefix("\(copy)/v/3: contains no model: model.h5 is"), "\(reason(copy + "/v"))")
        }
        let remote = #expect(throws: ModelError.self) { try ModelFolders.find(in: "s3://bucket/model") }
        #expect(remote?.message.contains("aws s3 cp") == true)
    }

    @Test("a checkpoint's prefix and each of its files mean the checkpoint, which has its folder's name")
    func prefixes() throws {
        let folder = Fixtures.model("tutorial")
        for ending in [
            "/model-1000", "/model-1000.index", "/model-1000.meta", "/model-1000.data-00000-of-00001", "/checkpoint",
            "/",
        ] {
            let model = try Model(contentsOf: folder + ending)
            #expect(model.name == "tutorial", "\(ending)")
            #expect(model.prefix == folder + "/model-1000")
            #expect(model.step == 1000)
            #expect(try ModelFolders.find(in: folder + ending).count == 1)
        }
        let saved = try Model(contentsOf: Fixtures.path("files/saved_model_2/saved_model.pb"))
        #expect(saved.name == "saved_model_2")
        let sharded = try Model(contentsOf: Fixtures.path("files/v1/model.ckpt-7"))
        #expect(sharded.name == "v1")
    }

    @Test("settings beside a prefix hold for it")
    func settings() throws {
        try Fixtures.withCopy(of: Fixtures.model("tutorial")) { copy in
            try Fixtures.write(Array("defaults:\n  w2: 5\n".utf8), to: copy + "/metaserve.yaml")
            let model = try Model(contentsOf: copy + "/model-1000")
            let output = try model.run(feeds: ["w1": 1], fetches: ["op_to_restore:0"])
            #expect(output["op_to_restore:0"]?.scalars(as: Float.self) == [12])
        }
    }

    @Test("in a served folder they are models that failed, with the reason; the others are served")
    func root() throws {
        let folder = try ServedFolder()
        try folder.makeModel("a", step: 1)
        for name in ["keras", "other", "graphless/variables"] {
            try FileManager.default.createDirectory(atPath: "\(folder.path)/\(name)", withIntermediateDirectories: true)
        }
        try Fixtures.write(Self.hdf5, to: folder.path + "/keras/model.h5")
        try Fixtures.write([1], to: folder.path + "/other/notes.txt")
        try folder.serve()
        #expect(folder.registry?.catalog.models.map(\.name) == ["a", "keras"])
        let versions = try #require(folder.model("keras")?.versions)
        #expect(versions.condition == .failed)
        #expect(versions.reason?.contains("model.h5 is a Keras model in HDF5") == true, "\(versions.reason ?? "")")
        #expect(folder.log.complaints.count == 2, "\(folder.log.complaints)")
        #expect(folder.log.complaints.first?.contains("model.h5 is a Keras model in HDF5") == true)
        #expect(folder.log.complaints.last?.hasPrefix("warning: \(folder.path)/graphless: no checkpoint") == true)
        let notice = folder.log.lines.filter { $0.hasPrefix("notice: \(folder.path)/other: no checkpoint") }
        #expect(notice.count == 1)
        try FileManager.default.removeItem(atPath: folder.path + "/keras/model.h5")
        try folder.saves.copy(step: 2, to: folder.path + "/keras")
        #expect(try folder.wait(for: 2, "keras"))
    }

    @Test("a path that is waited for is a warning at the start")
    func waiting() throws {
        let folder = try ServedFolder()
        try folder.serve(["\(folder.path)/later"]) { $0.waits = true }
        #expect(
            folder.log.complaints == [
                "warning: \(folder.path)/later: no such folder; waiting for it"
            ], "\(folder.log.complaints)")
        try folder.makeModel("later", step: 1)
        #expect(try folder.wait(for: 1))
    }
}
