import Foundation
import ServerSupport
import Testing
import VectorSupport

@Suite("Memory of ops")
struct MemoryTests {
    private static let program = URL(fileURLWithPath: Program.path).deletingLastPathComponent()
        .appendingPathComponent("memory-trial").path

    @Test(
        "With inputs that grow until the account refuses, no op takes more from malloc than it counted",
        .enabled(if: FileManager.default.fileExists(atPath: program)), arguments: VectorFamily.ops)
    func isCounted(_ family: VectorFamily) throws {
        let result = try Program.launch(Self.program, ["1", "2", family.path])
        #expect(result.status == 0, "\(result.output)\(result.errors.suffix(2000))")
        #expect(result.output.contains(" 0 runs took more than they counted"))
    }
}
