import Testing

@testable import Serving

/// When what is loaded.
@Suite("The rules of reloading")
struct ReloadMachineTests {
    private static func name(_ number: Int, _ part: String) -> String { TestFolder.name(number, part) }

    /// A rig that serves a version.
    private func serving(_ number: Int, _ selection: VersionPolicy.Selection = .latest(1)) -> ReloadRig {
        var rig = ReloadRig(selection)
        rig.folder.save(number)
        rig.start()
        return rig
    }

    @Test("at the start the newest version is loaded at once")
    func start() {
        let rig = serving(1)
        #expect(rig.serving == 1)
        #expect(rig.now.offset == .zero)
        #expect(rig.answers == [.success(1)])
        #expect(rig.states == ["1 AVAILABLE"])
        #expect(rig.logs.isEmpty)
    }

    @Test("a new version is loaded when its files were the same in two looks 100 ms apart, not before")
    func quiet() {
        var rig = serving(1)
        rig.pass(.seconds(10))
        rig.folder.save(2)
        rig.look()
        rig.begin()
        #expect(rig.load == nil)
        #expect(rig.machine.nextLook == rig.now.advanced(by: .milliseconds(100)))
        rig.pass(.milliseconds(99))
        rig.look()
        rig.begin()
        #expect(rig.load == nil)
        rig.pass(.milliseconds(1))
        rig.look()
        rig.begin()
        #expect(rig.load?.candidate.number == 2)
        #expect(rig.states == ["1 AVAILABLE", "2 LOADING"])
        rig.end()
        #expect(rig.serving == 2)
        #expect(rig.states == ["1 UNLOADING", "2 AVAILABLE"])
        rig.release()
        #expect(rig.states == ["1 END", "2 AVAILABLE"])
    }

    @Test("TensorFlow's order of a save gives no line in the log, and loads 100 ms after the meta graph is there")
    func tensorFlowsOrder() {
        var rig = serving(1)
        rig.pass(.seconds(10))
        rig.folder.put(Self.name(2, "data-00000-of-00001"))
        rig.run(.milliseconds(50))
        rig.folder.put(Self.name(2, "index"))
        rig.run(.milliseconds(50))
        rig.folder.named = 2
        rig.run(.milliseconds(50))
        rig.folder.remove(1)
        rig.run(.milliseconds(1500))
        #expect(rig.serving == 1)
        rig.folder.put(Self.name(2, "meta"))
        rig.run(.milliseconds(99))
        #expect(rig.serving == 1)
        rig.run(.milliseconds(10))
        #expect(rig.serving == 2)
        #expect(rig.logs.isEmpty)
        #expect(rig.begun == [1, 2])
    }

    @Test("a meta graph that comes 5 s late gives one line, and none of failure")
    func lateMetaGraph() {
        var rig = serving(1)
        rig.folder.save(2)
        rig.folder.remove(2)
        rig.folder.put(Self.name(2, "data-00000-of-00001"))
        rig.folder.put(Self.name(2, "index"))
        rig.run(.seconds(5))
        #expect(rig.logs == ["info: waiting for model-2.meta of /models/m/model-2"])
        #expect(rig.machine.view.record.waitingFor == "model-2.meta")
        #expect(rig.serving == 1)
        rig.folder.put(Self.name(2, "meta"))
        rig.run(.milliseconds(150))
        #expect(rig.serving == 2)
        #expect(rig.machine.view.record.waitingFor == nil)
        #expect(rig.logs.count == 1)
    }

    @Test("a checkpoint that never gets a meta graph takes another after 10 s, and the next ones at once")
    func noMetaGraph() {
        var rig = serving(1)
        for number in [2, 3] {
            rig.folder.put(Self.name(number, "data-00000-of-00001"))
            rig.folder.put(Self.name(number, "index"))
            rig.folder.named = number
            if number == 2 {
                rig.run(.milliseconds(9900))
                #expect(rig.serving == 1)
                rig.run(.milliseconds(200))
                #expect(rig.serving == 2)
            } else {
                rig.run(.milliseconds(150))
                #expect(rig.serving == 3)
            }
        }
    }

    @Test("a file that grows in place must be quiet for a second")
    func copying() {
        var rig = serving(1)
        rig.folder.save(2)
        for size in 11...30 {
            rig.folder.change(Self.name(2, "data-00000-of-00001"), size: size, modified: 2000)
            rig.run(.milliseconds(90))
        }
        #expect(rig.begun == [1])
        rig.run(.milliseconds(800))
        #expect(rig.begun == [1])
        rig.run(.milliseconds(300))
        #expect(rig.serving == 2)
        #expect(rig.logs.isEmpty)
    }

    @Test("a file that changes in place without growing must be quiet for a second, too")
    func overwriting() {
        var rig = serving(1)
        rig.folder.change(Self.name(1, "data-00000-of-00001"), modified: 2000)
        rig.run(.milliseconds(950))
        #expect(rig.begun == [1])
        rig.run(.milliseconds(100))
        #expect(rig.begun == [1, 1])
        #expect(rig.serving == 1)
    }

    @Test("a version replaced under its own name is loaded anew")
    func replaced() {
        var rig = serving(1)
        let first = rig.machine.view.current?.serial
        rig.folder.save(1)
        rig.run(.milliseconds(150))
        #expect(rig.begun == [1, 1])
        #expect(rig.machine.view.current?.serial != first)
        #expect(rig.loaded == [1])
        #expect(rig.states == ["1 AVAILABLE"])
    }

    @Test("times of writing in 1970, in the future or going back are as good as any", arguments: [0, 1 << 40, -5])
    func times(modified: Int) {
        var rig = serving(1)
        rig.folder.save(2, modified: modified)
        rig.run(.milliseconds(150))
        #expect(rig.serving == 2)
        rig.run(.seconds(100))
        #expect(rig.begun == [1, 2])
        rig.folder.save(2, modified: modified - 1)
        rig.run(.milliseconds(150))
        #expect(rig.begun == [1, 2, 2])
    }

    @Test("the checkpoint file may go back to an older version, and forth again")
    func goingBack() {
        var rig = serving(1)
        rig.folder.save(2)
        rig.run(.seconds(1))
        #expect(rig.serving == 2)
        rig.folder.named = 1
        rig.run(.milliseconds(10))
        #expect(rig.serving == 1)
        #expect(rig.loaded == [1])
        rig.folder.named = 2
        rig.run(.milliseconds(10))
        #expect(rig.serving == 2)
        #expect(rig.begun == [1, 2, 1, 2])
    }

    @Test("when the newest version is deleted, an older one serves only after a second: it may come back")
    func deleted() {
        var rig = serving(1)
        rig.folder.save(2)
        // Nothing names a version any more.
        rig.folder.named = nil
        rig.run(.seconds(12))
        #expect(rig.serving == 2)
        let saved = rig.folder
        rig.folder.remove(2)
        rig.run(.milliseconds(900))
        #expect(rig.serving == 2)
        rig.folder = saved
        rig.run(.seconds(2))
        #expect(rig.begun == [1, 2])
        rig.folder.remove(2)
        rig.run(.milliseconds(1200))
        #expect(rig.serving == 1)
    }

    @Test("what an incomplete version is named for does not bring back an older one")
    func incompleteNewest() {
        var rig = serving(3)
        rig.folder.save(1, named: false)
        rig.folder.remove(3)
        rig.folder.put(Self.name(4, "index"))
        rig.folder.named = 4
        rig.run(.seconds(30))
        #expect(rig.serving == 3)
        #expect(rig.begun == [3])
    }

    @Test("a storm of saves: one load at a time, the newest wins, and it goes on", arguments: [1, 5])
    func storm(kept: Int) {
        var rig = serving(1)
        var steps: [Int] = []
        for number in 2...100 {
            rig.folder.save(number)
            if number > kept { rig.folder.remove(number - kept) }
            rig.look()
            if number % 3 == 0 {
                rig.end()
                rig.look()
            }
            rig.begin()
            if let serving = rig.serving { steps.append(serving) }
            rig.pass(.milliseconds(99))
        }
        #expect(steps == steps.sorted())
        #expect(Set(steps).count >= 8)
        rig.end()
        rig.run(.milliseconds(150))
        #expect(rig.serving == 100)
        #expect(rig.logs.isEmpty)
    }

    @Test("what appears while a load is made is loaded after it")
    func duringLoad() {
        var rig = serving(1)
        rig.folder.save(2)
        rig.look()
        rig.pass(.milliseconds(100))
        rig.look()
        rig.begin()
        rig.folder.save(3)
        rig.look()
        rig.pass(.seconds(5))
        rig.look()
        rig.begin()
        #expect(rig.begun == [1, 2])
        rig.end()
        #expect(rig.serving == 2)
        #expect(rig.machine.nextLook == rig.now)
        rig.look()
        rig.begin()
        rig.end()
        #expect(rig.begun == [1, 2, 3])
        #expect(rig.serving == 3)
    }

    @Test("a version that was named again while a newer one was loaded stays")
    func namedDuringLoad() {
        var rig = serving(1)
        rig.folder.save(2)
        rig.look()
        rig.pass(.milliseconds(100))
        rig.look()
        rig.begin()
        rig.folder.named = 1
        rig.look()
        rig.end()
        #expect(rig.serving == 1)
        #expect(rig.loaded == [1])
        rig.run(.seconds(10))
        #expect(rig.begun == [1, 2])
    }
}
