import API
import Foundation
import Logging
import Memory
import Serving
import Settings
import Testing

@testable import metaserve

@Suite("Settings of memory")
struct MemorySettingsTests {
    private func settings(_ flags: [(key: String, texts: [String])]) throws -> ServerSettings {
        try ServerSettings(file: nil, flags: flags)
    }

    @Test("by default four fifths of what there is, and 4 GiB of it for one run")
    func standard() throws {
        let settings = try settings([])
        #expect(settings.memoryLimits(of: 10 << 30).all == 8 << 30)
        #expect(settings.memoryLimits(of: 10 << 30).run == 4 << 30)
        #expect(settings.memoryLimits(of: 1 << 30).run == settings.memoryLimits(of: 1 << 30).all)
    }

    @Test("what is given holds")
    func given() throws {
        let settings = try settings([("memory-limit", ["2GiB"]), ("run-memory", ["25%"])])
        #expect(settings.memoryLimits(of: 1 << 40) == (2 << 30, 512 << 20))
        let account = MemoryAccount()
        settings.apply(to: account)
        #expect(account.limitBytes == 2 << 30)
        #expect(account.runLimitBytes == 512 << 20)
        #expect(settings.registryConfiguration(Logger(label: "test"), account).memory === account)
        #expect(try settings.serviceOptions(Logger(label: "test"), account).memory === account)
    }

    @Test("too little, and a part that is more than the whole, are refused")
    func faults() throws {
        let floor = #expect(throws: SettingsError.self) { try settings([("memory-limit", ["63MiB"])]) }
        #expect(
            floor?.problems.map(\.description)
                == [
                    "--memory-limit: expected an amount of memory such as 512MiB, 2GiB or 80%, at least 64MiB, found 63MiB"
                ])
        let part = #expect(throws: SettingsError.self) {
            try settings([("memory-limit", ["1GiB"]), ("run-memory", ["2GiB"])])
        }
        #expect(
            part?.problems.map(\.description)
                == ["--run-memory: run-memory 2GiB is more than memory-limit 1GiB, which includes it"])
    }
}
