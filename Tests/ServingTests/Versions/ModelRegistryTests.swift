import Foundation
import ServerSupport
import Testing
import VectorSupport

@testable import Serving

@Suite("The registry of models")
struct ModelRegistryTests {
    @Test("model folders appear in and disappear from a served folder", arguments: ReloadFilesTests.Way.allCases)
    func root(way: ReloadFilesTests.Way) throws {
        let folder = try ServedFolder()
        try folder.makeModel("a", step: 1)
        try folder.makeModel("b", step: 2)
        try folder.serve { way.apply(to: &$0) }
        #expect(folder.registry?.catalog.models.map(\.name) == ["a", "b"])
        #expect(folder.registry?.isReady == true)
        try folder.makeModel("c", step: 3)
        #expect(try folder.wait(for: 3, "c"))
        try FileManager.default.removeItem(atPath: folder.path + "/a")
        #expect(try folder.wait { folder.registry?.catalog.models.map(\.name) == ["b", "c"] })
        #expect(try folder.answer("b") == 2)
        #expect(folder.log.complaints == [])
        // As some copy: first all folders, then the files.
        try FileManager.default.createDirectory(
            atPath: folder.path + "/d/7", withIntermediateDirectories: true)
        usleep(150_000)
        try folder.saves.copy(step: 4, to: folder.path + "/d/7")
        #expect(try folder.wait(for: 4, "d"))
        #expect(folder.state("d") == ["7 AVAILABLE"])
    }

    @Test("a model of a served folder that cannot be loaded is a warning at the start, and shown with state and reason")
    func unloadable() throws {
        let folder = try ServedFolder()
        try folder.makeModel("a", step: 1)
        try folder.makeModel("b", step: 2)
        try FileManager.default.removeItem(atPath: folder.path + "/b/model-2.meta")
        try folder.serve()
        let versions = try #require(folder.model("b")?.versions)
        let reason = "\(folder.path)/b/model-2.meta: no such file, and the folder has no other graph"
        #expect(versions.condition == .failed)
        #expect(versions.reason?.hasPrefix(reason) == true, "\(versions.reason ?? "")")
        #expect(folder.log.complaints.count == 1)
        #expect(
            folder.log.complaints.first?.hasPrefix("warning: version 2 cannot be loaded: \(reason)") == true,
            "\(folder.log.complaints)")
        #expect(folder.model("a")?.versions.condition == .available)
    }

    @Test(
        "a folder whose settings cannot be used is told of once, and served when they can",
        arguments: ReloadFilesTests.Way.allCases)
    func wrongSettings(way: ReloadFilesTests.Way) throws {
        let folder = try ServedFolder()
        try folder.makeModel("a", step: 1)
        try folder.serve { way.apply(to: &$0) }
        let next = folder.path + "/next"
        try FileManager.default.createDirectory(atPath: next, withIntermediateDirectories: true)
        try Fixtures.write(Array("versions: some".utf8), to: next + "/metaserve.yaml")
        try folder.saves.copy(step: 2, to: next)
        #expect(try folder.wait { !folder.log.complaints.isEmpty })
        usleep(200_000)
        #expect(folder.log.complaints.count == 1)
        #expect(folder.log.complaints.first?.contains("metaserve.yaml") == true)
        let refusal = #expect(throws: RepositoryError.self) { try folder.registry?.load("next") }
        #expect(refusal?.kind == .failed)
        #expect(refusal?.message.contains("found some") == true, "\(refusal?.message ?? "")")
        try Fixtures.write(Array("versions: all ".utf8), to: next + "/metaserve.yaml")
        #expect(try folder.wait(for: 2, "next"))
        #expect(folder.log.complaints.count == 1)
    }

    @Test(
        "a model that appears with wrong settings is served once they are right",
        arguments: ReloadFilesTests.Way.allCases)
    func wrongSettingsOfTheOnlyModel(way: ReloadFilesTests.Way) throws {
        let folder = try ServedFolder()
        let path = folder.path + "/model"
        try folder.serve([path]) {
            way.apply(to: &$0)
            $0.waits = true
        }
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try Fixtures.write(Array("versions: some".utf8), to: path + "/metaserve.yaml")
        try folder.saves.copy(step: 2, to: path)
        let complaints = { folder.log.complaints.filter { $0.contains("metaserve.yaml") } }
        #expect(try folder.wait { !complaints().isEmpty })
        usleep(200_000)
        #expect(complaints().count == 1)
        try FileManager.default.removeItem(atPath: path + "/metaserve.yaml")
        #expect(try folder.wait(for: 2, "model"))
    }

    @Test("when a served folder is emptied, all models serve on, and one line says so")
    func emptied() throws {
        let folder = try ServedFolder()
        try folder.makeModel("root/a", step: 1)
        try folder.makeModel("root/b", step: 2)
        try folder.serve([folder.path + "/root"])
        rename(folder.path + "/root", folder.path + "/elsewhere")
        #expect(try folder.wait { folder.log.complaints.contains { $0.contains("the loaded models stay in service") } })
        usleep(300_000)
        #expect(try folder.answer("a") == 1)
        #expect(try folder.answer("b") == 2)
        rename(folder.path + "/elsewhere", folder.path + "/root")
        try folder.saves.copy(step: 3, to: folder.path + "/root/a")
        #expect(try folder.wait(for: 3, "a"))
    }

    @Test("of a served folder what can be loaded is; the rest is told of, and looked at again")
    func partlyBroken() throws {
        let folder = try ServedFolder()
        try folder.makeModel("a", step: 1)
        try folder.makeModel("b", step: 2)
        try Fixtures.write([1, 2, 3], to: folder.path + "/b/model-2.index")
        try folder.serve()
        #expect(folder.registry?.isReady == true)
        #expect(try folder.answer("a") == 1)
        #expect(try folder.answer("b") == nil)
        #expect(folder.log.complaints.count == 1)
        #expect(folder.registry?.catalog.defaultModel?.name == "a")
        #expect(folder.registry?.catalog.entries.map(\.state) == [.ready, .unavailable])
        try folder.saves.copy(step: 2, to: folder.path + "/b")
        #expect(try folder.wait(for: 2, "b"))
        #expect(folder.registry?.catalog.defaultModel == nil)
    }

    @Test("where nothing can be loaded, that is the error, with its cause")
    func nothing() throws {
        let folder = try ServedFolder()
        #expect {
            try folder.serve()
        } throws: {
            ($0 as? ModelError)?.message.hasPrefix("\(folder.path): no checkpoint: there is no .index file here")
                == true
        }
        try folder.makeModel("a", step: 1)
        try Fixtures.write([1, 2, 3], to: folder.path + "/a/model-1.index")
        #expect {
            try folder.serve()
        } throws: {
            ($0 as? ModelError)?.message.contains("model-1.index") == true
        }
    }

    @Test("two models of one name are an error")
    func sameName() throws {
        let folder = try ServedFolder()
        try folder.makeModel("x/a", step: 1)
        try folder.makeModel("y/a", step: 1)
        let paths = ["x/a", "y/a"].map { "\(folder.path)/\($0)" }
        #expect(throws: ModelError(.broken, "\(paths[1]): another model is already named \"a\", at \(paths[0])")) {
            try folder.serve(paths)
        }
    }

    @Test("a registry that waits begins without a model, and is ready when there is one", arguments: [false, true])
    func waits(isRoot: Bool) throws {
        let folder = try ServedFolder()
        let path = folder.path + "/m"
        try folder.serve([path]) { $0.waits = true }
        #expect(folder.registry?.isReady == false)
        try folder.makeModel(isRoot ? "m/a" : "m", step: 1)
        #expect(try folder.wait { folder.registry?.isReady == true })
        #expect(folder.registry?.catalog.defaultModel?.name == (isRoot ? "a" : "m"))
        #expect(try folder.answer() == 1)
    }

    @Test("a model is unloaded and loaded on request")
    func commands() throws {
        let folder = try ServedFolder()
        try folder.makeModel("m", step: 1)
        try folder.serve()
        let registry = try #require(folder.registry)
        #expect(registry.catalog.entries == [RepositoryEntry(name: "m", version: 1, state: .ready, reason: "")])
        try registry.unload("m")
        #expect(try folder.answer("m") == nil)
        #expect(folder.model("m")?.versions.isUnloaded == true)
        try folder.saves.copy(step: 2, to: folder.path + "/m")
        #expect(
            try folder.wait {
                registry.catalog.entries == [
                    RepositoryEntry(name: "m", version: 1, state: .unavailable, reason: "unloaded")
                ]
            })
        #expect(try registry.load("m") == 2)
        #expect(try folder.answer("m") == 2)
        #expect(throws: RepositoryError(.unknownModel, "there is no model \"x\"; there are \"m\"")) {
            try registry.load("x")
        }
    }

    @Test("a load on request that fails tells why; the old version serves on")
    func failedLoad() throws {
        let folder = try ServedFolder()
        try folder.makeModel("m", step: 1)
        try folder.serve { $0.pollInterval = .seconds(100) }
        try folder.saves.copy(step: 2, to: folder.path + "/m")
        try Fixtures.write([1, 2, 3], to: folder.path + "/m/model-2.index")
        #expect {
            try folder.registry?.load("m")
        } throws: {
            ($0 as? RepositoryError)?.message.contains("model-2.index") == true
        }
        #expect(try folder.answer("m") == 1)
    }

    @Test("labels and shares reach the requests")
    func labels() throws {
        let folder = try ServedFolder()
        try folder.saves.copy(step: 1, to: folder.path)
        try folder.saves.copy(step: 2, to: folder.path)
        try folder.serve {
            var settings = ModelSettings()
            settings.labels = ["stable": .previous, "canary": .latest]
            settings.split = ["stable": 75, "canary": 25]
            $0.models[folder.path.split(separator: "/").last.map(String.init) ?? ""] = settings
        }
        #expect(try folder.answer(nil, .label("stable")) == 1)
        #expect(try folder.answer(nil, .label("canary")) == 2)
        #expect(try folder.answer(nil, .label("other")) == nil)
        let answers = try (0..<8).map { _ in try folder.answer() }
        #expect(answers.count { $0 == 1 } == 6)
    }

    @Test("what does not serve any more is freed, and not on the thread of a request")
    func freed() throws {
        let folder = try ServedFolder()
        try folder.saves.copy(step: 1, to: folder.path)
        try folder.serve()
        var held = folder.model()?.versions.current
        weak let weakModel = held?.model
        try folder.saves.copy(step: 2, to: folder.path)
        #expect(try folder.wait(for: 2))
        usleep(300_000)
        #expect(folder.state() == ["1 UNLOADING", "2 AVAILABLE"])
        #expect(held?.number == 1)
        held = nil
        #expect(weakModel != nil)
        #expect(try folder.wait { folder.state() == ["1 END", "2 AVAILABLE"] })
        #expect(weakModel == nil)
    }

    @Test("a registry that was stopped refuses commands")
    func stopped() throws {
        let folder = try ServedFolder()
        try folder.saves.copy(step: 1, to: folder.path)
        try folder.serve()
        folder.registry?.stop()
        #expect(throws: RepositoryError(.refused, "the server is stopping")) { try folder.registry?.load("x") }
        #expect(try folder.answer() == 1)
    }
}
