import Testing

@testable import Serving

/// What happens when files cannot be loaded, or are gone.
@Suite("The rules of failed reloads")
struct ReloadFailureTests {
    private func serving(_ number: Int) -> ReloadRig {
        var rig = ReloadRig()
        rig.folder.save(number)
        rig.start()
        return rig
    }

    private static let broken = ModelError(.broken, "/models/m/model-2.index: checksum 0x1, expected 0x2")

    @Test("damaged files: the old version serves on, one line tells why, and so does the state")
    func broken() {
        var rig = serving(1)
        rig.faults[2] = Self.broken
        rig.folder.save(2)
        rig.run(.seconds(3600))
        #expect(rig.serving == 1)
        #expect(rig.begun == [1, 2])
        let line = "/models/m/model-2.index: checksum 0x1, expected 0x2"
        #expect(rig.logs == ["error: version 2 cannot be loaded: \(line); version 1 stays in service"])
        #expect(rig.states == ["1 AVAILABLE", "2 END: \(line)"])
        #expect(rig.machine.view.record.lastError == line)
        #expect(rig.machine.view.record.failureCounts == [.broken: 1])
        #expect(rig.machine.view.record.successCount == 1)
    }

    @Test("better files of the same name are loaded at once, worse ones give another line")
    func better() {
        var rig = serving(1)
        rig.faults[2] = Self.broken
        rig.folder.save(2)
        rig.run(.seconds(10))
        rig.folder.put(TestFolder.name(2, "meta"))
        rig.run(.seconds(10))
        #expect(rig.logs.count == 2)
        #expect(rig.begun == [1, 2, 2])
        rig.faults[2] = nil
        rig.folder.put(TestFolder.name(2, "index"))
        rig.run(.milliseconds(150))
        #expect(rig.serving == 2)
        #expect(rig.machine.view.record.lastError == nil)
    }

    @Test("the next save is loaded though the last one was damaged")
    func next() {
        var rig = serving(1)
        rig.faults[2] = Self.broken
        rig.folder.save(2)
        rig.run(.seconds(10))
        rig.folder.save(3)
        rig.run(.milliseconds(150))
        #expect(rig.serving == 3)
        #expect(rig.states == ["1 END", "2 END: \(Self.broken.message)", "3 AVAILABLE"])
    }

    @Test("a model that cannot answer what the old one does is not taken until somebody asks for it")
    func unfit() {
        var rig = serving(1)
        rig.faults[2] = ModelError(.unfit, "the output \"y:0\" is gone")
        rig.folder.save(2)
        rig.run(.seconds(100))
        #expect(rig.begun == [1, 2])
        #expect(
            rig.logs == [
                "error: version 2 cannot be loaded: the output \"y:0\" is gone; version 1 stays in service; a load request "
                    + "loads it nevertheless"
            ])
        rig.faults[2] = nil
        rig.command(load: true)
        rig.run(.zero)
        #expect(rig.serving == 2)
        #expect(rig.answers.last == .success(2))
    }

    @Test("files that change while they are read are tried again, without a line")
    func changed() {
        var rig = serving(1)
        rig.faults[2] = ModelError(.changed, "/models/m/model-2.index changed while it was read")
        rig.folder.save(2)
        rig.run(.milliseconds(450))
        #expect(rig.begun.count == 3)
        rig.faults[2] = nil
        rig.run(.seconds(1))
        #expect(rig.serving == 2)
        #expect(rig.logs.isEmpty)
        #expect(rig.machine.view.record.failureCounts == [.changed: 2])
    }

    @Test("failures that may pass are tried again after twice the time each, and told once")
    func backOff() {
        var rig = serving(1)
        rig.faults[2] = ModelError(.memory, "loading needs 2 GiB, there are 1 GiB")
        rig.folder.save(2)
        rig.run(.seconds(7))
        // After 0.1, 0.3, 0.7, 1.5, 3.1 and 6.3 seconds.
        #expect(rig.begun.count == 1 + 6)
        rig.run(.seconds(600))
        #expect((20...35).contains(rig.begun.count))
        #expect(rig.logs.count == 1)
        rig.faults[2] = nil
        rig.run(.seconds(31))
        #expect(rig.serving == 2)
    }

    @Test("when the named checkpoint cannot be loaded at the start, the next best is")
    func startWithBroken() {
        var rig = ReloadRig()
        for number in 1...3 { rig.folder.save(number) }
        rig.faults[3] = Self.broken
        rig.faults[2] = Self.broken
        rig.start()
        #expect(rig.begun == [3, 2, 1])
        #expect(rig.serving == 1)
        #expect(rig.logs.count == 2)
    }

    @Test("when nothing can be loaded at the start, the answer is the newest version's error")
    func startWithNothing() {
        var rig = ReloadRig()
        rig.folder.save(1)
        rig.folder.save(2)
        rig.faults = [1: ModelError(.broken, "one"), 2: ModelError(.broken, "two")]
        rig.start()
        #expect(rig.answers == [.failure(ModelError(.broken, "two"))])
        #expect(rig.serving == nil)
    }

    @Test("a model that is not complete at the start is a warning with the reason, at once and once")
    func incompleteAtStart() {
        var rig = ReloadRig()
        rig.folder.save(1)
        let reason = "/models/m/model-1.meta: no such file, and no other graph is in the folder"
        rig.faults = [1: ModelError(.incomplete, reason)]
        rig.start()
        rig.run(.seconds(100))
        #expect(rig.logs == ["warning: version 1 cannot be loaded: \(reason)"])
        var copied = ReloadRig()
        copied.folder.put(TestFolder.name(1, "meta"))
        copied.start()
        copied.run(.seconds(100))
        #expect(copied.logs.count == 1)
        #expect(copied.logs.first?.hasPrefix("warning: waiting for ") == true, "\(copied.logs)")
    }

    @Test("what a look warns of is logged when a version is loaded, or when it lasts; and again when it comes back")
    func warnings() {
        var rig = ReloadRig()
        rig.folder.save(1)
        let warning = "/models/m/checkpoint names model-9, which is not found: using model-1"
        rig.folder.warnings = [warning]
        rig.start()
        #expect(rig.logs == ["warning: \(warning)"])
        #expect(rig.machine.view.warnings == [warning])
        rig.folder.warnings = []
        rig.run(.seconds(10))
        #expect(rig.machine.view.warnings == [])
        // Short ones are those of a save on its way.
        rig.folder.warnings = [warning]
        rig.run(.milliseconds(500))
        rig.folder.warnings = []
        rig.run(.seconds(10))
        #expect(rig.logs.count == 1)
        rig.folder.warnings = [warning]
        rig.run(.seconds(100))
        #expect(rig.logs == ["warning: \(warning)", "warning: \(warning)"])
    }

    @Test("a folder that vanishes unloads nothing, and is told of once; it is picked up when it is back")
    func vanished() {
        var rig = serving(1)
        rig.absence = ModelError(.notThere, "/models/m: no such folder")
        rig.run(.milliseconds(900))
        #expect(rig.logs.isEmpty)
        rig.run(.seconds(100))
        #expect(rig.serving == 1)
        #expect(rig.logs == ["warning: /models/m: no such folder; version 1 stays in service"])
        #expect(rig.machine.view.record.lastError == "/models/m: no such folder")
        rig.absence = nil
        rig.folder.save(2)
        rig.run(.milliseconds(150))
        #expect(rig.serving == 2)
        #expect(rig.logs.last == "notice: the files have reappeared")
        #expect(rig.machine.view.record.lastError == nil)
    }

    @Test("a swap by two renames is no gap, and no line")
    func swapped() {
        var rig = serving(1)
        rig.absence = ModelError(.notThere, "/models/m: no such folder")
        rig.run(.milliseconds(50))
        rig.absence = nil
        rig.folder.save(1)
        rig.run(.milliseconds(200))
        #expect(rig.begun == [1, 1])
        #expect(rig.logs.isEmpty)
    }

    @Test("a folder that is emptied unloads nothing")
    func emptied() {
        var rig = serving(1)
        rig.absence = ModelError(.incomplete, "/models/m: no checkpoint")
        rig.run(.seconds(100))
        #expect(rig.serving == 1)
        #expect(rig.logs.count == 1)
    }

    @Test("a model that is not there yet is waited for, which is said after some seconds")
    func waiting() {
        var rig = ReloadRig()
        rig.absence = ModelError(.notThere, "/models/m: no such folder")
        rig.start()
        #expect(rig.answers == [.failure(ModelError(.notThere, "/models/m: no such folder"))])
        rig.run(.seconds(10))
        #expect(rig.logs == ["warning: /models/m: no such folder"])
        rig.absence = nil
        rig.folder.save(1)
        rig.run(.milliseconds(150))
        #expect(rig.serving == 1)
    }
}
