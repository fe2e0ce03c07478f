import Foundation
import Testing
import VectorSupport

@testable import Serving

@Suite("Footprints")
struct FootprintTests {
    private func ask(_ footprint: inout Footprint) -> [Bool] { (0..<3).map { _ in footprint.hasChanged() } }

    @Test("what has changed counts as changed twice, and then as calm until the next change")
    func change() throws {
        try Fixtures.withCopy(of: Fixtures.model("tutorial")) { copy in
            var footprint = Footprint()
            footprint.follow([copy, copy + "/checkpoint", copy + "/not there"])
            #expect(ask(&footprint) == [true, true, false])
            try Fixtures.write([1], to: copy + "/checkpoint")
            #expect(ask(&footprint) == [true, true, false])
            try Fixtures.write([1], to: copy + "/not there")
            #expect(ask(&footprint) == [true, true, false])
            try FileManager.default.removeItem(atPath: copy)
            #expect(ask(&footprint) == [true, true, false])
        }
    }

    @Test("other places count as changed")
    func places() {
        var footprint = Footprint()
        footprint.follow(["/"])
        _ = (footprint.hasChanged(), footprint.hasChanged())
        footprint.follow(["/"])
        let isSame = footprint.hasChanged()
        footprint.follow(["/", "/tmp/none"])
        let isOther = footprint.hasChanged()
        #expect(!isSame && isOther)
    }
}
