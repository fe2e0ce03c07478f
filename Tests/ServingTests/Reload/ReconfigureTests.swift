import Testing

@testable import Serving

@Suite("Reload rules when the settings change")
struct ReconfigureTests {
    private func rig(_ selection: VersionPolicy.Selection, saves: ClosedRange<Int> = 1...4) -> ReloadRig {
        var rig = ReloadRig(selection)
        for number in saves { rig.folder.save(number) }
        rig.run(.seconds(2))
        return rig
    }

    private func policy(_ selection: VersionPolicy.Selection, labels: [String: Int] = [:]) -> VersionPolicy {
        var policy = VersionPolicy()
        policy.selection = selection
        policy.labels = labels.mapValues { .number($0) }
        return policy
    }

    @Test("an older version that is wanted by its number serves once it is loaded, and what served before goes then")
    func pinned() {
        var rig = rig(.latest(1))
        rig.reconfigure(policy(.numbers([2])))
        #expect(rig.serving == 4)
        #expect(rig.loaded == [4])
        rig.run(.seconds(1))
        #expect(rig.serving == 2)
        #expect(rig.loaded == [2])
        rig.reconfigure(policy(.latest(1)))
        #expect(rig.serving == 2)
        rig.run(.seconds(1))
        #expect(rig.serving == 4)
        #expect(rig.loaded == [4])
    }

    @Test("numbers of which none is there, or none can be loaded, leave what serves")
    func absent() {
        var rig = rig(.latest(1))
        rig.reconfigure(policy(.numbers([9])))
        rig.run(.seconds(20))
        #expect(rig.serving == 4)
        rig.faults[1] = ModelError(.broken, "no")
        rig.reconfigure(policy(.numbers([1])))
        rig.run(.seconds(20))
        #expect(rig.serving == 4)
        rig.faults = [:]
        rig.reconfigure(policy(.numbers([1])), reloads: true)
        rig.run(.seconds(1))
        #expect(rig.serving == 1)
        #expect(rig.loaded == [1])
    }

    @Test("fewer versions go at once, more are loaded, and a label keeps its own")
    func counts() {
        var rig = rig(.all)
        #expect(rig.loaded == [1, 2, 3, 4])
        rig.reconfigure(policy(.latest(2), labels: ["old": 1]))
        #expect(rig.loaded == [1, 3, 4])
        rig.reconfigure(policy(.latest(1)))
        #expect(rig.loaded == [4])
        rig.reconfigure(policy(.latest(1), labels: ["old": 2]))
        rig.run(.seconds(1))
        #expect(rig.loaded == [2, 4])
        #expect(rig.machine.view.labels["old"]?.candidate.number == 2)
        #expect(rig.serving == 4)
    }

    @Test("what was loaded with other settings is loaded again, also what was being loaded, and serves until then")
    func outdated() {
        var rig = rig(.latest(1), saves: 1...1)
        let first = rig.machine.view.current?.serial
        rig.reconfigure(policy(.latest(1)), reloads: true)
        rig.begin()
        #expect(rig.machine.view.current?.serial == first)
        rig.reconfigure(policy(.latest(1)), reloads: true)
        let begun = rig.begun.count
        rig.run(.seconds(1))
        #expect(rig.begun.count == begun + 1)
        #expect(rig.machine.view.current?.serial != first)
        let last = rig.begun.count
        rig.run(.seconds(20))
        #expect(rig.begun.count == last)
    }

    @Test("a model that was unloaded stays so, whatever its settings")
    func unloaded() {
        var rig = rig(.latest(1))
        rig.command(load: false)
        rig.reconfigure(policy(.all), reloads: true)
        rig.run(.seconds(5))
        #expect(rig.loaded.isEmpty)
        rig.command(load: true)
        rig.run(.seconds(1))
        #expect(rig.loaded == [1, 2, 3, 4])
    }
}
