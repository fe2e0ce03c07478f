import Foundation
import ServerSupport
import Tensors
import Testing
import VectorSupport

@testable import Serving

@Suite("Settings that change while models are served")
struct LiveSettingsTests {
    /// Settings of a model's folder, replaced as an editor does it.
    private func write(_ text: String, _ folder: ServedFolder, _ name: String) throws {
        let path = "\(folder.path)/\(name)/metaserve.yaml"
        try Fixtures.write(Array(text.utf8), to: path + ".new")
        rename(path + ".new", path)
    }

    private func steps(_ folder: ServedFolder, _ name: String) -> [Int] {
        folder.model(name)?.versions.versions.map(\.number) ?? []
    }

    @Test(
        "a model's own settings are taken over when their file changes: labels, shares, limits",
        arguments: ReloadFilesTests.Way.allCases)
    func ownSettings(way: ReloadFilesTests.Way) throws {
        let folder = try ServedFolder()
        try folder.makeModel("a", step: 1)
        try folder.saves.copy(step: 2, to: folder.path + "/a")
        try folder.serve { way.apply(to: &$0) }
        #expect(steps(folder, "a") == [2])
        let version = try #require(folder.model("a")?.versions.current)
        try write(
            "labels: {stable: 1, canary: latest}\nsplit: {stable: 100}\nmax-queue: 3\ntimeout: 7\n", folder, "a")
        #expect(try folder.wait { try folder.answer("a", .label("stable")) == 1 })
        #expect(try folder.answer("a") == 1)
        #expect(try folder.answer("a", .label("canary")) == 2)
        #expect(folder.model("a")?.queue.limits.waiting == 3)
        #expect(folder.model("a")?.timeout(default: 60) == 7)
        // What was loaded is what serves: labels load nothing again.
        #expect(folder.model("a")?.versions.current === version)
        // A wrong file changes nothing, and its line is logged.
        try write("max-queue: 4\nlabels: {stable: oldest}\n", folder, "a")
        #expect(
            try folder.wait {
                folder.log.complaints.contains {
                    $0.contains("settings not applied")
                        && $0.contains("metaserve.yaml:2: expected latest, previous or a number, found oldest")
                }
            })
        #expect(folder.model("a")?.queue.limits.waiting == 3)
        #expect(try folder.answer("a") == 1)
        // The file goes, and with it what it said.
        try FileManager.default.removeItem(atPath: folder.path + "/a/metaserve.yaml")
        #expect(try folder.wait { try folder.answer("a") == 2 })
        #expect(folder.model("a")?.queue.limits.waiting == 256)
        #expect(try folder.wait { steps(folder, "a") == [2] })
        #expect(folder.log.complaints.count == 1)
    }

    @Test("going back to an older version by its number: what serves stays until that one is loaded")
    func back() throws {
        let folder = try ServedFolder()
        try folder.makeModel("a", step: 1)
        for step in 2...4 { try folder.saves.copy(step: step, to: folder.path + "/a") }
        try folder.serve()
        #expect(try folder.answer("a") == 4)
        try write("versions: [2]", folder, "a")
        var seen: Set<Int?> = []
        #expect(
            try folder.wait {
                let answer = try folder.answer("a")
                seen.insert(answer)
                return answer == 2
            })
        #expect(seen == [4, 2])
        #expect(try folder.wait { steps(folder, "a") == [2] })
        // What is not there does not take away what serves.
        try write("versions: [9]", folder, "a")
        usleep(600_000)
        #expect(try folder.answer("a") == 2)
        try write("versions: all", folder, "a")
        #expect(try folder.wait { steps(folder, "a") == [1, 2, 3, 4] })
        #expect(try folder.answer("a") == 4)
        try write("versions: latest:2", folder, "a")
        #expect(try folder.wait { steps(folder, "a") == [3, 4] })
    }

    @Test("paths come and go, and what stays takes its settings over, while it serves")
    func paths() throws {
        let folder = try ServedFolder()
        for (name, step) in [("a", 1), ("b", 2), ("c", 3)] { try folder.makeModel(name, step: step) }
        let paths = ["a", "b", "c"].map { "\(folder.path)/\($0)" }
        let served = paths.map { ModelRegistry.ServedPath($0, name: nil) }
        let named = ModelRegistry.ServedPath(paths[2], name: "third")
        try folder.serve([paths[0], paths[1]])
        var configuration = ServedFolder.configuration
        configuration.logger = folder.log.logger
        configuration.limits.waiting = 5
        configuration.timeoutSeconds = 9
        configuration.defaultModel = "third"
        folder.registry?.reconfigure([served[1], named], configuration)
        #expect(try folder.wait { folder.registry?.catalog.models.map(\.name) == ["b", "third"] })
        #expect(try folder.wait(for: 3, "third"))
        #expect(try folder.answer("b") == 2)
        #expect(folder.model()?.name == "third")
        #expect(folder.model("b")?.queue.limits.waiting == 5)
        #expect(folder.model("b")?.timeout(default: 60) == 9)
        #expect(folder.registry?.isReady == true)
        folder.registry?.reconfigure([served[0], served[1], named], configuration)
        #expect(try folder.wait(for: 1, "a"))
        // Changes of files are seen for those that came, too.
        try folder.saves.copy(step: 4, to: folder.path + "/c")
        #expect(try folder.wait(for: 4, "third"))
        #expect(folder.log.complaints == [])
    }

    @Test("defaults are taken over by loading again; the version before serves until then, and on if they do not fit")
    func defaults() throws {
        let folder = try ServedFolder()
        try folder.makeModel("a", step: 1)
        try folder.serve()
        let version = try #require(folder.model("a")?.versions.current)
        try write("defaults: {x: 5}", folder, "a")
        #expect(try folder.wait { folder.model("a")?.versions.current !== version })
        let next = try #require(folder.model("a")?.versions.current)
        #expect(next.number == 1)
        #expect(try next.model.run(feeds: [:], fetches: ["all:0"])["all:0"] != nil)
        try write("defaults: {y: 5}", folder, "a")
        #expect(try folder.wait { folder.log.complaints.contains { $0.contains("no placeholder of this name") } })
        #expect(folder.model("a")?.versions.current === next)
        // The log has it first.
        #expect(
            try folder.wait {
                folder.model("a")?.versions.record.lastError?.contains("no placeholder of this name") == true
            })
        try write("defaults: {x: 6}", folder, "a")
        #expect(
            try folder.wait {
                folder.model("a")?.versions.current !== next && folder.model("a")?.versions.record.lastError == nil
            })
    }

    @Test("another precision is taken over by loading again; the version before serves until then")
    func precision() throws {
        let folder = try ServedFolder()
        try folder.makeModel("a", step: 1)
        try folder.serve()
        let version = try #require(folder.model("a")?.versions.current)
        #expect(version.model.precision == .fp32)
        try write("precision: bf16", folder, "a")
        #expect(try folder.wait { folder.model("a")?.versions.current?.model.precision == .bf16 })
        let next = try #require(folder.model("a")?.versions.current)
        #expect(next !== version && next.number == 1)
        #expect(try folder.answer("a") == 1)
        // A precision that there is not changes nothing, and its line is logged.
        try write("precision: int8", folder, "a")
        #expect(
            try folder.wait {
                folder.log.complaints.contains {
                    $0.contains("settings not applied") && $0.contains("metaserve.yaml:1: ") && $0.contains("int8")
                }
            })
        #expect(folder.model("a")?.versions.current === next)
        // The file goes, and with it the precision.
        try FileManager.default.removeItem(atPath: folder.path + "/a/metaserve.yaml")
        #expect(try folder.wait { folder.model("a")?.versions.current?.model.precision == .fp32 })
        #expect(try folder.answer("a") == 1)
        #expect(folder.log.complaints.count == 1)
    }

    @Test("settings of a folder that goes and comes back, as by two renames, stay")
    func swap() throws {
        let folder = try ServedFolder()
        try folder.makeModel("a", step: 1)
        try write("max-queue: 3", folder, "a")
        try folder.serve([folder.path + "/a"])
        #expect(folder.model("a")?.queue.limits.waiting == 3)
        rename(folder.path + "/a", folder.path + "/b")
        usleep(1_500_000)
        #expect(folder.model("a")?.queue.limits.waiting == 3)
        #expect(try folder.answer("a") == 1)
        rename(folder.path + "/b", folder.path + "/a")
        try write("max-queue: 4", folder, "a")
        #expect(try folder.wait { folder.model("a")?.queue.limits.waiting == 4 })
    }

    @Test("who asks for a load or an unload is logged")
    func asked() throws {
        let folder = try ServedFolder()
        try folder.makeModel("a", step: 1)
        try folder.serve()
        try folder.registry?.unload("a")
        _ = try folder.registry?.load("a")
        #expect(folder.log.lines.contains("notice: unloaded by request"))
        #expect(folder.log.lines.contains("notice: loaded by request"))
    }
}
