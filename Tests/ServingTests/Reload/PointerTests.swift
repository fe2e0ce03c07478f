import Foundation
import ServerSupport
import Testing
import VectorSupport

@testable import Serving

@Suite("A checkpoint file that is gone for a while")
struct PointerTests {
    private func rolledBack() -> ReloadRig {
        var rig = ReloadRig()
        rig.folder.save(10)
        rig.folder.save(100)
        rig.folder.named = 10
        rig.start()
        return rig
    }

    @Test("the version that it named serves on until it is back", arguments: [20, 500, 9_900])
    func gone(milliseconds: Int) {
        var rig = rolledBack()
        #expect(rig.serving == 10)
        rig.folder.named = nil
        rig.run(.milliseconds(milliseconds))
        rig.folder.named = 10
        rig.run(.seconds(100))
        #expect(rig.begun == [10])
        #expect(rig.logs == [])
    }

    @Test("so it does while the file names what is not there yet")
    func ahead() {
        var rig = rolledBack()
        rig.folder.named = 11
        rig.run(.seconds(5))
        #expect(rig.begun == [10])
        rig.folder.save(11)
        rig.run(.seconds(100))
        #expect(rig.begun == [10, 11])
        #expect(rig.logs == [])
    }

    @Test("after a while the folder is served without it, which is logged; when it is back, it counts")
    func lost() {
        var rig = rolledBack()
        rig.folder.named = nil
        rig.run(.milliseconds(9_900))
        #expect(rig.serving == 10)
        rig.run(.milliseconds(300))
        #expect(rig.serving == 100)
        #expect(rig.logs == ["warning: /models/m/checkpoint names nothing that is there"])
        #expect(rig.machine.view.warnings.count == 1)
        rig.run(.seconds(1000))
        #expect(rig.logs.count == 1)
        rig.folder.named = 10
        rig.run(.seconds(1))
        #expect(rig.serving == 10)
        #expect(rig.machine.view.warnings == [])
    }

    @Test("a folder that never had one is served without waiting")
    func never() {
        var rig = ReloadRig()
        rig.folder.save(1, named: false)
        rig.start()
        rig.folder.save(2, named: false)
        rig.run(.seconds(1))
        #expect(rig.begun == [1, 2])
        #expect(rig.logs == [])
    }

    @Test("a load by request does not go by a file that is gone for a moment either")
    func request() {
        var rig = rolledBack()
        rig.folder.named = nil
        rig.command(load: true)
        rig.run(.zero)
        #expect(rig.answers.last == .success(10))
        #expect(rig.begun == [10])
    }

    @Test("with real files: a checkpoint file that is taken away and written again changes nothing")
    func files() throws {
        let folder = try ServedFolder()
        try folder.saves.copy(step: 1, to: folder.path)
        let pointer = try Fixtures.bytes(folder.path + "/checkpoint")
        try folder.saves.copy(step: 2, to: folder.path)
        try Fixtures.write(pointer, to: folder.path + "/checkpoint")
        try folder.serve()
        #expect(try folder.answer() == 1)
        for _ in 0..<3 {
            try FileManager.default.removeItem(atPath: folder.path + "/checkpoint")
            usleep(200_000)
            #expect(try folder.answer() == 1)
            try Fixtures.write(pointer, to: folder.path + "/checkpoint")
        }
        usleep(200_000)
        #expect(try folder.answer() == 1)
        #expect(folder.log.complaints == [])
    }

    @Test("with real files: a new save of a folder beside is served as soon as the checkpoint file names it")
    func otherFolder() throws {
        let folder = try ServedFolder()
        try FileManager.default.createDirectory(atPath: folder.path + "/m/sub", withIntermediateDirectories: true)
        let name = try #require(
            folder.saves.files(ofStep: 1).first { $0.hasSuffix(".index") }.map { String($0.dropLast(6)) })
        let prefix = String(name.dropLast())
        func point(_ step: Int) throws {
            try Fixtures.write(
                Array("model_checkpoint_path: \"sub/\(prefix)\(step)\"\n".utf8), to: folder.path + "/m/checkpoint")
        }
        try folder.saves.copy(step: 1, to: folder.path + "/m/sub")
        try point(1)
        try folder.serve([folder.path + "/m"])
        #expect(try folder.answer() == 1)
        try folder.saves.copy(step: 2, to: folder.path + "/m/sub")
        try point(2)
        #expect(try folder.wait(for: 2))
        #expect(folder.log.complaints == [])
    }
}
