import Testing
import Text

@testable import Serving

@Suite("The rules of served folders")
struct RootMachineTests {
    private var machine = RootMachine<TestInstant>(timing: ReloadTiming())
    private var now = TestInstant()

    /// Looks at each of some milliseconds.
    private mutating func look(
        _ folders: Set<ExactText>?, at milliseconds: Int..., models: Set<String> = ["a", "b", "c"]
    ) -> [RootMachine<TestInstant>.Action] {
        milliseconds.flatMap { time in
            now = TestInstant(offset: .milliseconds(time))
            guard let folders else { return machine.look("/models: no such folder", at: now) }
            return machine.look(folders, at: now) { models.contains($0) }
        }
    }

    @Test("folders that hold models are served, others are not until they do")
    mutating func added() {
        #expect(look(["b", "a", "other"], at: 0) == [.add("a"), .add("b")])
        #expect(look(["b", "a", "other"], at: 10) == [])
        #expect(look(["b", "a", "other"], at: 20, models: ["other"]) == [.add("other")])
    }

    @Test("a folder that is removed while others stay goes after a second")
    mutating func removed() {
        _ = look(["a", "b"], at: 0)
        #expect(look(["a"], at: 1000, 1999) == [])
        #expect(machine.nextLook == TestInstant(offset: .milliseconds(2000)))
        #expect(look(["a"], at: 2000) == [.remove("b")])
        #expect(machine.names == ["a"])
        #expect(look(["a", "b"], at: 3000) == [.add("b")])
    }

    @Test("a swap by two renames is no gap")
    mutating func swapped() {
        _ = look(["a", "b"], at: 0)
        #expect(look(["a"], at: 1000) == [])
        #expect(look(["a", "b"], at: 1500) == [])
        #expect(look(["a"], at: 2100) == [])
        #expect(look(["a", "b"], at: 2200) == [])
    }

    @Test("when all vanish at once, all are kept, with one warning")
    mutating func emptied() {
        _ = look(["a", "b"], at: 0)
        #expect(look([], at: 1000, 1900) == [])
        #expect(look(["lost+found"], at: 2000, 3000, 100_000) == [.warn("none of its model folders exists")])
        #expect(machine.names == ["a", "b"])
        // They come back one after the other.
        #expect(look(["b"], at: 100_100) == [.back])
        #expect(look(["a", "b"], at: 100_200, 200_000) == [])
    }

    @Test("when the root is gone, all are kept, with one warning")
    mutating func gone() {
        _ = look(["a"], at: 0)
        #expect(look(nil, at: 1000, 2000, 3000) == [.warn("/models: no such folder")])
        #expect(look(["a"], at: 4000) == [.back])
    }

    @Test("the only model is kept when its folder is removed")
    mutating func last() {
        _ = look(["a"], at: 0)
        #expect(look(["x"], at: 1000, 5000) == [.warn("none of its model folders exists")])
        #expect(look(["b", "x"], at: 6000) == [.back, .add("b")])
        #expect(look(["b", "x"], at: 6100, 7100) == [.remove("a")])
    }
}
