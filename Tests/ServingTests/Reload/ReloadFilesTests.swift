import Foundation
import ServerSupport
import Testing
import VectorSupport

@testable import Serving

/// Reloading with real files, written as TensorFlow and others write them.
@Suite("Reloading files")
struct ReloadFilesTests {
    /// How changes are noticed.
    enum Way: String, CaseIterable {
        case polling, inotify, both

        func apply(to configuration: inout ModelRegistry.Configuration) {
            configuration.isWatching = self != .polling
            if self == .inotify { configuration.pollInterval = .zero }
        }
    }

    @Test("saves as TensorFlow makes them are served one after the other, without a complaint", arguments: Way.allCases)
    func saves(way: Way) throws {
        let folder = try ServedFolder()
        try folder.saves.save(step: 1, in: folder.path)
        try folder.serve { way.apply(to: &$0) }
        #expect(try folder.answer() == 1)
        for step in folder.saves.steps.dropFirst() {
            try folder.saves.save(step: step, in: folder.path) { usleep(2000) }
            #expect(try folder.wait(for: step))
        }
        #expect(folder.log.complaints == [])
        #expect(folder.model()?.versions.record.successCount == folder.saves.steps.count)
        #expect(folder.model()?.versions.record.failureCounts == [:])
    }

    @Test("a copy in any order, in small pieces, is never served half")
    func copies() throws {
        let folder = try ServedFolder()
        try folder.saves.save(step: 1, in: folder.path)
        try folder.serve()
        var step = 1
        for order in Self.orders {
            step = step % 6 + 1
            var pieces = 0
            try folder.saves.copy(step: step, to: folder.path, order: order, chunk: 256) {
                pieces += 1
                if pieces % 8 == 0 { usleep(1000) }
            }
            #expect(try folder.wait(for: step), "\(order): \(folder.log.lines.suffix(3))")
        }
    }

    /// The 24 orders of four files.
    private static var orders: [[Int]] {
        var orders: [[Int]] = [[]]
        for item in 0..<4 {
            orders = orders.flatMap { order in
                (0...order.count).map { Array(order[..<$0]) + [item] + order[$0...] }
            }
        }
        return orders
    }

    @Test("files overwritten in place while requests run: every answer is of one step")
    func overwriting() throws {
        let folder = try ServedFolder()
        try folder.saves.save(step: 1, in: folder.path)
        try folder.serve()
        let files = ["data-00000-of-00001", "index", "meta"]
        for step in 2...6 {
            for file in files {
                let content = try folder.saves.content("model-\(step).\(file)", ofStep: step)
                try RecordedSaves.write(content[...], to: "\(folder.path)/model-1.\(file)", chunk: 64) { usleep(100) }
            }
            var answers: Set<Int> = []
            #expect(
                try folder.wait {
                    for _ in 0..<50 { try folder.answer().map { _ = answers.insert($0) } }
                    return try folder.answer() == step
                })
            #expect(answers.isSubset(of: [step - 1, step]))
        }
    }

    @Test("the checkpoint file may name an older save, and a newer one again")
    func goingBack() throws {
        let folder = try ServedFolder()
        try folder.saves.copy(step: 1, to: folder.path)
        try folder.saves.copy(step: 2, to: folder.path)
        try folder.serve()
        #expect(try folder.answer() == 2)
        for step in [1, 2, 1] {
            try Fixtures.write(Array("model_checkpoint_path: \"model-\(step)\"".utf8), to: folder.path + "/checkpoint")
            #expect(try folder.wait(for: step))
        }
        #expect(folder.log.complaints == [])
    }

    @Test("damaged files leave the old version serving, with one line; better ones are loaded")
    func damaged() throws {
        let folder = try ServedFolder()
        try folder.saves.copy(step: 1, to: folder.path)
        try folder.serve()
        var bytes = try folder.saves.content("model-2.data-00000-of-00001", ofStep: 2)
        bytes[bytes.count / 2] ^= 1
        try folder.saves.copy(step: 2, to: folder.path)
        try Fixtures.write(bytes, to: folder.path + "/model-2.data-00000-of-00001")
        #expect(try folder.wait { folder.model()?.versions.record.lastError != nil })
        usleep(300_000)
        #expect(try folder.answer() == 1)
        #expect(folder.log.complaints.count == 1, "\(folder.log.complaints)")
        #expect(folder.log.complaints.first?.contains("model-2.data-00000-of-00001") == true)
        #expect(folder.state() == ["1 AVAILABLE", "2 END"])
        try folder.saves.copy(step: 2, to: folder.path)
        #expect(try folder.wait(for: 2))
        #expect(folder.model()?.versions.record.lastError == nil)
    }

    @Test("a folder that vanishes is served on, and picked up when it is back")
    func vanishing() throws {
        let folder = try ServedFolder()
        try folder.makeModel("m", step: 1)
        let path = folder.path + "/m"
        try folder.serve([path])
        try FileManager.default.removeItem(atPath: path)
        #expect(try folder.wait { !folder.log.complaints.isEmpty })
        usleep(200_000)
        #expect(folder.log.complaints.count == 1)
        #expect(try folder.answer() == 1)
        try folder.makeModel("m", step: 2)
        #expect(try folder.wait(for: 2))
    }

    @Test("a folder that is exchanged by renames is loaded, without a complaint", arguments: Way.allCases)
    func exchanged(way: Way) throws {
        let folder = try ServedFolder()
        try folder.makeModel("m", step: 1)
        try folder.makeModel("next", step: 2)
        try folder.serve([folder.path + "/m"]) { way.apply(to: &$0) }
        rename(folder.path + "/m", folder.path + "/old")
        rename(folder.path + "/next", folder.path + "/m")
        #expect(try folder.wait(for: 2))
        #expect(folder.log.complaints == [])
    }

    @Test("a link that is pointed elsewhere is followed")
    func link() throws {
        let folder = try ServedFolder()
        try folder.makeModel("v1", step: 1)
        try folder.makeModel("v2", step: 2)
        symlink("v1", folder.path + "/m")
        try folder.serve([folder.path + "/m"])
        symlink("v2", folder.path + "/new")
        rename(folder.path + "/new", folder.path + "/m")
        #expect(try folder.wait(for: 2))
    }

    @Test("numbered versions appear and disappear", arguments: Way.allCases)
    func numbered(way: Way) throws {
        let folder = try ServedFolder()
        try folder.makeModel("m/1", step: 1)
        try folder.serve([folder.path + "/m"]) {
            way.apply(to: &$0)
            $0.versions = .all
        }
        #expect(folder.state() == ["1 AVAILABLE"])
        try folder.makeModel("m/5", step: 5)
        #expect(try folder.wait(for: 5))
        #expect(try folder.answer(nil, .number(1)) == 1)
        try FileManager.default.removeItem(atPath: folder.path + "/m/1")
        #expect(try folder.wait { folder.state() == ["1 END", "5 AVAILABLE"] }, "\(folder.state())")
        #expect(try folder.answer(nil, .number(1)) == nil)
    }
}
