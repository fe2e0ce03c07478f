import Testing

@testable import Serving

/// Which versions are loaded, and what they are called.
@Suite("The rules of versions and labels")
struct ReloadPolicyTests {
    private func rig(_ policy: VersionPolicy, saves: ClosedRange<Int> = 1...4) -> ReloadRig {
        var rig = ReloadRig(policy)
        for number in saves { rig.folder.save(number) }
        rig.start()
        return rig
    }

    private func rig(_ selection: VersionPolicy.Selection, saves: ClosedRange<Int> = 1...4) -> ReloadRig {
        var policy = VersionPolicy()
        policy.selection = selection
        return rig(policy, saves: saves)
    }

    @Test("of the latest two, the newest serves; a new one takes the place of the oldest")
    func latestTwo() {
        var rig = rig(.latest(2))
        #expect(rig.loaded == [3, 4])
        #expect(rig.begun == [4, 3])
        #expect(rig.serving == 4)
        rig.folder.save(5)
        rig.run(.milliseconds(150))
        #expect(rig.loaded == [4, 5])
        #expect(rig.serving == 5)
    }

    @Test("of the latest two, an older one serves when the checkpoint file names it, until a newer one is complete")
    func latestTwoGoingBack() {
        var rig = rig(.latest(2))
        rig.folder.named = 3
        rig.run(.milliseconds(10))
        #expect(rig.serving == 3)
        #expect(rig.loaded == [3, 4])
        rig.folder.put(TestFolder.name(5, "index"))
        rig.folder.named = 5
        rig.run(.seconds(2))
        #expect(rig.serving == 3)
        rig.folder.save(5)
        rig.run(.milliseconds(150))
        #expect(rig.serving == 5)
    }

    @Test("what going back has left behind does not serve while the next save is on its way")
    func leftBehind() {
        var rig = rig(.latest(1), saves: 1...6)
        #expect(rig.serving == 6)
        rig.folder.named = 2
        rig.run(.milliseconds(150))
        #expect(rig.serving == 2)
        // The training goes on from there: 3 is saved anew.
        rig.folder.remove(3)
        rig.folder.put(TestFolder.name(3, "data-00000-of-00001"), size: 20)
        rig.folder.put(TestFolder.name(3, "index"), size: 20)
        rig.folder.named = 3
        rig.run(.seconds(2))
        #expect(rig.serving == 2)
        rig.folder.put(TestFolder.name(3, "meta"), size: 20)
        rig.run(.milliseconds(150))
        #expect(rig.serving == 3)
        #expect(rig.begun == [6, 2, 3])
    }

    @Test("all versions: what appears is loaded, what disappears goes after a second, but never the last")
    func all() {
        var rig = rig(.all, saves: 1...3)
        #expect(rig.loaded == [1, 2, 3])
        #expect(rig.serving == 3)
        rig.folder.save(4)
        rig.run(.milliseconds(150))
        #expect(rig.loaded == [1, 2, 3, 4])
        rig.folder.remove(1)
        rig.run(.milliseconds(900))
        #expect(rig.loaded == [1, 2, 3, 4])
        rig.run(.milliseconds(1200))
        #expect(rig.loaded == [2, 3, 4])
        #expect(rig.states == ["1 END", "2 AVAILABLE", "3 AVAILABLE", "4 AVAILABLE"])
        for number in 2...4 { rig.folder.remove(number) }
        rig.folder.put(TestFolder.name(5, "index"))
        rig.run(.seconds(60))
        #expect(rig.loaded.count == 1)
        #expect(rig.serving != nil)
    }

    @Test("named versions are loaded where they are there, others are not, and none is unloaded")
    func numbers() {
        var rig = rig(.numbers([2, 9]))
        #expect(rig.loaded == [2])
        #expect(rig.serving == 2)
        rig.folder.save(9)
        rig.folder.save(10)
        rig.run(.milliseconds(150))
        #expect(rig.loaded == [2, 9])
        #expect(rig.serving == 9)
        rig.folder.remove(2)
        rig.run(.seconds(10))
        #expect(rig.loaded == [2, 9])
    }

    @Test("when no named version is there, the answer tells which are")
    func noNumber() {
        let rig = rig(.numbers([9]), saves: 1...2)
        #expect(
            rig.answers == [
                .failure(ModelError(.incomplete, "none of the requested versions exists; found 1, 2"))
            ])
    }

    @Test("labels name versions; that of a number keeps it loaded")
    func labels() {
        var policy = VersionPolicy()
        policy.labels = ["stable": .number(2), "canary": .latest, "before": .previous]
        var rig = rig(policy)
        #expect(rig.loaded == [2, 3, 4])
        #expect(rig.machine.view.labels.mapValues(\.candidate.number) == ["stable": 2, "canary": 4, "before": 3])
        rig.folder.save(5)
        rig.run(.milliseconds(150))
        #expect(rig.loaded == [2, 4, 5])
        #expect(rig.serving == 5)
        #expect(rig.machine.view.labels.mapValues(\.candidate.number) == ["stable": 2, "canary": 5, "before": 4])
    }

    @Test("a label whose version is not there stands for nothing")
    func missingLabel() {
        var policy = VersionPolicy()
        policy.labels = ["stable": .number(7)]
        #expect(rig(policy).machine.view.labels.isEmpty)
    }

    @Test("a label or a selection whose version is not there is a warning with the versions there are")
    func missingVersions() {
        var policy = VersionPolicy()
        policy.labels = ["stable": .number(7), "canary": .latest]
        policy.split = [
            VersionPolicy.Share(label: "stable", percent: 90), VersionPolicy.Share(label: "canary", percent: 10),
        ]
        policy.selection = .numbers([3, 9])
        var rig = ReloadRig(policy)
        rig.folder.save(2)
        rig.folder.save(3)
        rig.start()
        rig.run(.seconds(100))
        let warnings = [
            "label \"stable\": version 7 does not exist; found 2, 3; its share goes to the latest",
            "versions: no version 9; found 2, 3",
        ]
        #expect(rig.logs == warnings.map { "warning: " + $0 })
        #expect(rig.machine.view.warnings == warnings)
        rig.folder.save(7)
        rig.folder.save(9)
        rig.run(.seconds(100))
        #expect(rig.logs.count == 2)
        #expect(rig.machine.view.warnings == [])
    }

    @Test("after unloading nothing is loaded, whatever is saved, until somebody asks for it")
    func unload() {
        var rig = rig(.latest(1), saves: 1...1)
        rig.command(load: false)
        rig.release()
        #expect(rig.loaded.isEmpty)
        #expect(rig.states == ["1 END"])
        #expect(rig.machine.view.isUnloaded)
        rig.folder.save(2)
        rig.run(.seconds(10))
        #expect(rig.begun == [1])
        rig.command(load: true)
        rig.run(.zero)
        #expect(rig.serving == 2)
        #expect(rig.answers.last == .success(2))
        #expect(!rig.machine.view.isUnloaded)
    }

    @Test("what was being loaded when it was unloaded does not serve")
    func unloadDuringLoad() {
        var rig = rig(.latest(1), saves: 1...1)
        rig.folder.save(2)
        rig.look()
        rig.pass(.milliseconds(100))
        rig.look()
        rig.begin()
        rig.command(load: false)
        rig.end()
        #expect(rig.loaded.isEmpty)
        #expect(rig.serving == nil)
    }

    @Test("a load that is asked for waits for no quiet, and its answer for its end")
    func load() {
        var rig = rig(.latest(1), saves: 1...1)
        rig.folder.save(2)
        rig.command(load: true)
        #expect(rig.machine.nextLook == rig.now)
        rig.look()
        rig.begin()
        #expect(rig.begun == [1, 2])
        #expect(rig.answers.count == 1)
        rig.end()
        #expect(rig.answers.last == .success(2))
    }

    @Test("a load that is asked for tries damaged files again, and tells what is wrong")
    func loadBroken() {
        var rig = rig(.latest(1), saves: 1...1)
        rig.faults[2] = ModelError(.broken, "damaged")
        rig.folder.save(2)
        rig.run(.seconds(1))
        rig.command(load: true)
        rig.run(.zero)
        #expect(rig.begun == [1, 2, 2])
        #expect(rig.answers.last == .failure(ModelError(.broken, "damaged")))
        #expect(rig.serving == 1)
    }

    @Test("of versions that ended or failed, eight are told of")
    func bounded() {
        var rig = rig(.latest(1), saves: 1...1)
        for number in 2...30 {
            rig.folder.save(number)
            rig.folder.remove(number - 1)
            rig.run(.milliseconds(150))
        }
        #expect(rig.states.count == 9)
        #expect(rig.states.last == "30 AVAILABLE")
        #expect(rig.states.first == "22 END")
    }
}
