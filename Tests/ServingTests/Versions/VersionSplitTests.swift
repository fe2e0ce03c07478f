import Testing
import VectorSupport

@testable import Serving

@Suite("Versions, labels and shares")
struct VersionSplitTests {
    private final class Nothing: Sendable {}

    private func versions() throws -> [ModelVersion] {
        let model = try Model(contentsOf: Fixtures.model("tutorial"))
        return (1...3).map { ModelVersion(model, number: $0, attachment: Nothing()) }
    }

    @Test("of every hundred requests each version gets its share, spread evenly, also across a change of versions")
    func shares() throws {
        let versions = try versions()
        let turn = VersionSplit.Turn()
        var taken: [Int] = []
        for _ in 0..<4 {
            let set = VersionSet(
                versions, current: versions[0],
                split: VersionSplit(
                    [VersionSplit.Share(versions[1], percent: 10), VersionSplit.Share(versions[2], percent: 20)],
                    rest: versions[0], turn: turn))
            #expect(versions.map(set.share) == [0.7, 0.1, 0.2])
            for _ in 0..<50 { taken.append(try #require(set.version(.any)).number) }
        }
        for start in [0, 17, 100] {
            let hundred = taken[start..<start + 100]
            #expect([1, 2, 3].map { number in hundred.count { $0 == number } } == [70, 10, 20])
        }
        #expect(!zip(taken, taken.dropFirst()).contains { $0 == (2, 2) || $0 == (3, 3) })
    }

    @Test("a request that names a version or a label gets that one, or none")
    func named() throws {
        let versions = try versions()
        let set = VersionSet(versions, current: versions[2], labels: ["stable": versions[0]])
        #expect(set.version(.any)?.number == 3)
        #expect(set.version(.number(2))?.number == 2)
        #expect(set.version(.number(4)) == nil)
        #expect(set.version(.label("stable"))?.number == 1)
        #expect(set.version(.label("canary")) == nil)
        #expect(versions.map(set.share) == [0, 0, 1])
    }
}
