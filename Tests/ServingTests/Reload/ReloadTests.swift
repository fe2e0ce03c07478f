import Checkpoints
import Execution
import Files
import Foundation
import Memory
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Testing
import VectorSupport

@testable import Serving

@Suite("Looking at a model's path")
struct ModelListingTests {
    private func remove(_ path: String) throws { try FileManager.default.removeItem(atPath: path) }

    @Test("the checkpoints of a folder by number; what checkpoint names is the latest, be it an older one")
    func checkpoints() throws {
        let folder = Fixtures.model("digits")
        let steps = try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { $0.hasSuffix(".index") }.compactMap { Int($0.dropLast(6).split(separator: "-").last ?? "") }
        let listing = try ModelListing.look(at: folder)
        #expect(listing.candidates.map(\.number) == steps.sorted())
        #expect(listing.latest?.number == 3000)
        #expect(listing.notes == [])
        #expect(listing.candidates.allSatisfy { $0.isComplete && $0.isLoadable && $0.missing == nil })
        let latest = try #require(listing.latest)
        #expect(latest.path == folder + "/model-3000")
        #expect(
            latest.files.map(\.path)
                == ["data-00000-of-00001", "index", "meta"].map { "\(folder)/model-3000.\($0)" })
        try Fixtures.withCopy(of: folder) { copy in
            let oldest = try #require(steps.min())
            try Fixtures.write(Array("model_checkpoint_path: \"model-\(oldest)\"".utf8), to: copy + "/checkpoint")
            #expect(try ModelListing.look(at: copy).latest?.number == oldest)
        }
    }

    @Test("what is missing is told; without a meta graph it can be loaded all the same")
    func missing() throws {
        try Fixtures.withCopy(of: Fixtures.path("checkpoints/sharded")) { copy in
            try remove(copy + "/model-7.meta")
            let graphless = try #require(try ModelListing.look(at: copy).latest)
            #expect(graphless.missing == "model-7.meta")
            #expect(!graphless.isComplete && graphless.isLoadable)
            try remove(copy + "/model-7.data-00001-of-00002")
            let shardless = try #require(try ModelListing.look(at: copy).latest)
            #expect(shardless.missing == "model-7.data-00001-of-00002")
            #expect(!shardless.isLoadable)
            let unfinished = #expect(throws: ModelError.self) { try Model(shardless, name: "m") }
            #expect(unfinished?.failure == .incomplete)
            try remove(copy + "/model-7.index")
            let none = #expect(throws: ModelError.self) { try ModelListing.look(at: copy) }
            #expect(none?.failure == .incomplete)
            #expect(none?.message.hasSuffix("; \(copy)/checkpoint names model-7, which is not found") == true)
            try remove(copy)
            let gone = #expect(throws: ModelError.self) { try ModelListing.look(at: copy) }
            #expect(gone?.failure == .notThere)
            #expect(gone?.message == "\(copy): no such file or folder")
            try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: false)
        }
    }

    @Test("the newest that is complete is opened where a later one is not, and that is told")
    func fallback() throws {
        try Fixtures.withCopy(of: Fixtures.model("digits")) { copy in
            let listing = try ModelListing.look(at: copy)
            let before = try #require(listing.candidates.last { $0.number < 3000 })
            try remove(copy + "/model-3000.data-00000-of-00001")
            let model = try Model(contentsOf: copy)
            #expect(model.step == before.number)
            #expect(
                model.warnings == [
                    "\(copy)/model-3000 is incomplete (no model-3000.data-00000-of-00001): using \(before.path)"
                ])
        }
    }

    @Test("another identity for each way to write a file, none for a look")
    func identities() throws {
        try Fixtures.withCopy(of: Fixtures.model("tutorial")) { copy in
            let path = copy + "/model-1000.index"
            let first = try ModelListing.look(at: copy)
            #expect(try ModelListing.look(at: copy) == first)
            let bytes = try Fixtures.bytes(path)
            let handle = try #require(FileHandle(forUpdatingAtPath: path))
            try handle.write(contentsOf: Data(bytes))
            try handle.close()
            let inPlace = try ModelListing.look(at: copy)
            #expect(inPlace != first)
            try Data(bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
            #expect(try ModelListing.look(at: copy) != inPlace)
        }
    }

    @Test("numbered versions, a SavedModel with its assets, and a frozen graph are told by their files")
    func formats() throws {
        let versions = try ModelListing.look(at: Fixtures.path("files/versions"))
        #expect(versions.candidates.map(\.number) == [2, 10])
        #expect(versions.latest?.number == 10)
        #expect(
            versions.warnings == ["\(Fixtures.path("files/versions"))/11 contains no model: using an earlier version"])
        let second = try Model(try #require(versions.candidates.first), name: "m")
        #expect(second.version == 2)
        try Fixtures.withCopy(of: Fixtures.path("files/saved_model_2")) { copy in
            let whole = try #require(try ModelListing.look(at: copy).latest)
            #expect(whole.files.map(\.path).contains(copy + "/assets/words.txt"))
            #expect(whole.files.map(\.path).contains(copy + "/variables/variables.index"))
            #expect(whole.isComplete && whole.number == 1)
            // Settings are no version's: a change of them is no new version.
            try Fixtures.write(Array("labels: {}".utf8), to: copy + "/metaserve.yaml")
            #expect(try ModelListing.look(at: copy).latest == whole)
            try remove(copy + "/variables/variables.index")
            let half = try #require(try ModelListing.look(at: copy).latest)
            #expect(half.missing == "variables/variables.index")
            #expect(!half.isLoadable)
        }
        let frozen = try ModelListing.look(at: Fixtures.path("files/frozen"))
        #expect(frozen.latest?.files.map(\.path) == [Fixtures.path("files/frozen/frozen.pb")])
    }

    @Test("files that changed after the look are an error that says so, whatever else is wrong with them")
    func changed() throws {
        try Fixtures.withCopy(of: Fixtures.model("tutorial")) { copy in
            let candidate = try #require(try ModelListing.look(at: copy).latest)
            let meta = try Fixtures.bytes(copy + "/model-1000.meta")
            try Fixtures.write(meta + [], to: copy + "/model-1000.meta")
            let rewritten = #expect(throws: ModelError.self) { try Model(candidate, name: "m") }
            #expect(rewritten?.failure == .changed)
            try Fixtures.write([1, 2, 3], to: copy + "/model-1000.index")
            let damaged = #expect(throws: ModelError.self) { try Model(candidate, name: "m") }
            #expect(damaged?.failure == .changed)
            #expect(damaged?.message.hasPrefix("\(copy)/model-1000: changed while it was read (") == true)
            let seen = try #require(try ModelListing.look(at: copy).latest)
            #expect(#expect(throws: ModelError.self) { try Model(seen, name: "m") }?.failure == .broken)
        }
    }

    @Test("a meta graph that is cut off behind its graph is not complete yet")
    func cutOff() throws {
        try Fixtures.withCopy(of: Fixtures.model("tutorial")) { copy in
            let path = copy + "/model-1000.meta"
            let whole = try MetaGraphDef(serializedBytes: try Fixtures.bytes(path))
            let cut = MetaGraphDef.with {
                $0.metaInfoDef = whole.metaInfoDef
                $0.graphDef = whole.graphDef
            }
            try Fixtures.write(try cut.serializedBytes(), to: path)
            let error = #expect(throws: ModelError.self) { try Model(contentsOf: copy) }
            #expect(error?.failure == .incomplete)
            #expect(
                error?.message
                    == "\(path): is cut off after the graph: the SaverDef and the collections of a Saver are missing"
            )
        }
    }

    @Test("a model for which memory is short is refused with both numbers")
    func memory() throws {
        let candidate = try #require(try ModelListing.look(at: Fixtures.model("digits")).latest)
        let needed = Double(candidate.byteCount) * 1.2
        #expect(throws: Never.self) { try AvailableMemory(machine: nil, groups: []).require(for: candidate) }
        #expect(throws: Never.self) {
            try AvailableMemory(machine: Int(needed) + 1, groups: []).require(for: candidate)
        }
        let machine = #expect(throws: ModelError.self) {
            try AvailableMemory(machine: 0, groups: []).require(for: candidate)
        }
        #expect(machine?.failure == .memory)
        // What the kernel can take back is not used.
        let roomy = AvailableMemory.Group(limit: 1 << 30, usage: 1 << 30, inactiveFile: 1 << 29)
        #expect(throws: Never.self) {
            try AvailableMemory(machine: 1 << 40, groups: [roomy]).require(for: candidate)
        }
        let tight = AvailableMemory.Group(limit: 1 << 20, usage: (1 << 20) - 1024, inactiveFile: 0)
        let group = #expect(throws: ModelError.self) {
            try AvailableMemory(machine: 1 << 40, groups: [roomy, tight]).require(for: candidate)
        }
        let text = (needed / 1_048_576 * 10).rounded() / 10
        #expect(
            group?.message
                == "\(candidate.path): loading it takes about \(text) MiB, but only 0.0 MiB are available within the "
                + "control group's limit of 1.0 MiB: free memory, raise the limit, or serve fewer models or versions at once"
        )
        #expect(AvailableMemory.now().byteCount != nil)
    }
}

@Suite("A model after another")
struct ReloadTests {
    private func candidate(_ folder: String, _ number: Int? = nil) throws -> ModelCandidate {
        let listing = try ModelListing.look(at: folder)
        return try #require(
            number.flatMap { number in listing.candidates.first { $0.number == number } } ?? listing.latest)
    }

    @Test("of equal meta graphs one is used again, with the new weights; not where defaults differ")
    func reuse() throws {
        let folder = Fixtures.model("digits")
        try Fixtures.withCopy(of: folder) { copy in
            let numbers = try ModelListing.look(at: copy).candidates.map(\.number)
            let other = try #require(numbers.first { $0 != 3000 })
            // The graph of the other step, to be the same for certain.
            try Fixtures.write(try Fixtures.bytes(copy + "/model-3000.meta"), to: "\(copy)/model-\(other).meta")
            let old = try Model(try candidate(copy), name: "m")
            let new = try Model(try candidate(copy, other), name: "m", previous: old)
            #expect(new.shared === old.shared)
            #expect(new.step == other)
            let fresh = try Model(try candidate(copy, other), name: "m")
            #expect(fresh.shared !== old.shared)
            let x = FeedValue(try #require(Tensor((0..<128).map { Float($0 % 16) }, shape: [2, 64])))
            func answer(_ model: Model) throws -> [Float]? {
                try model.run(feeds: ["x": x, "keep_prob": 1.0], fetches: ["logits"])["logits"]?.scalars()
            }
            #expect(try answer(new) == answer(fresh))
            #expect(try answer(new) != answer(old))
            let defaulted = try Model(
                try candidate(copy, other), name: "m", defaults: DefaultValues(["keep_prob": 1.0]), previous: old)
            #expect(defaulted.shared !== old.shared)
            let again = try Model(
                try candidate(copy), name: "m", defaults: DefaultValues(["keep_prob": 1.0]), previous: defaulted)
            #expect(again.shared === defaulted.shared)
            try new.requireOutputs(of: old)
            try old.requireOutputs(of: new)
        }
    }

    @Test("the next version of an unchanged graph plans nothing: it has the plans and programs of the one before")
    func samePlans() throws {
        try Fixtures.withCopy(of: Fixtures.model("digits")) { copy in
            let numbers = try ModelListing.look(at: copy).candidates.map(\.number)
            let other = try #require(numbers.first { $0 != 3000 })
            try Fixtures.write(try Fixtures.bytes(copy + "/model-3000.meta"), to: "\(copy)/model-\(other).meta")
            let old = try Model(try candidate(copy), name: "m")
            old.warmUp(like: nil)
            let new = try Model(try candidate(copy, other), name: "m", previous: old)
            new.warmUp(like: old)
            #expect(!old.compiled.isEmpty && new.compiled.count == old.compiled.count)
            for (mine, theirs) in zip(new.compiled, old.compiled) { #expect(mine.sharesPlan(with: theirs)) }
        }
    }

    @Test("memory of weights that no plan reads is given back, and what a request needs later is read again")
    func releasedWeights() throws {
        try Fixtures.withCopy(of: Fixtures.model("digits")) { copy in
            let model = try Model(try candidate(copy), name: "m", reading: ReadingOptions(isOnDemand: true))
            let kept = try Model(try candidate(copy), name: "m")
            try model.verifyWeights()
            // There is no plan yet that reads any.
            for model in [model, kept] { model.releaseUnusedWeights() }
            #expect(model.weightMemory[.raw] < kept.weightMemory[.raw])
            let x = FeedValue(try #require(Tensor((0..<128).map { Float($0 % 16) }, shape: [2, 64])))
            let answers = try [model, kept].map {
                try $0.run(feeds: ["x": x, "keep_prob": 1.0], fetches: ["logits"])["logits"]?.scalars(as: Float.self)
            }
            #expect(answers[0] != nil && answers[0] == answers[1])
            // What panels were made of is gone again; what plans read stays.
            let read = model.weightMemory[.raw]
            model.releaseUnusedWeights()
            let rest = model.weightMemory[.raw]
            #expect(rest <= read && read < kept.weightMemory[.raw])
            model.releaseUnusedWeights()
            #expect(model.weightMemory[.raw] == rest)
            let again = try model.run(feeds: ["x": x, "keep_prob": 1.0], fetches: ["logits"])["logits"]
            #expect(again?.scalars(as: Float.self) == answers[0])
        }
    }

    @Test("a checkpoint of other variables is refused, and each is named")
    func otherVariables() throws {
        let old = try Model(contentsOf: Fixtures.model("digits"))
        try Fixtures.withCopy(of: Fixtures.model("digits")) { copy in
            for suffix in ["index", "data-00000-of-00001"] {
                try Fixtures.write(
                    try Fixtures.bytes(Fixtures.model("tutorial") + "/model-1000.\(suffix)"),
                    to: "\(copy)/model-3000.\(suffix)")
            }
            let candidate = try self.candidate(copy)
            let error = #expect(throws: ModelError.self) { try Model(candidate, name: "m", previous: old) }
            #expect(error?.failure == .broken)
            let message = try #require(error?.message)
            #expect(message.hasPrefix("\(copy)/model-3000: no output can be computed: outputs "))
            for variable in old.variables.map(\.name) where !variable.contains("Adam") && !variable.contains("_power") {
                guard variable != "global_step" else { continue }
                #expect(message.contains("variable \"\(variable)\": has no tensor"), "\(variable) in \(message)")
            }
        }
    }

    @Test("another graph is refused by the names of the outputs and inputs that it lacks")
    func otherGraph() throws {
        let old = try Model(contentsOf: Fixtures.model("digits"))
        let new = try Model(contentsOf: Fixtures.model("tutorial"))
        let error = #expect(throws: ModelError.self) { try new.requireOutputs(of: old) }
        for output in old.outputs {
            #expect(error?.message.contains("the graph has no output \"\(output.name)\"") == true)
        }
        #expect(throws: Never.self) { try new.requireOutputs(of: new) }
    }

    @Test("every model of the repository, and every fixture, answers what it answers itself")
    func itself() throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: Fixtures.path("files")) {
            guard let model = try? Model(contentsOf: Fixtures.path("files/" + name)) else { continue }
            #expect(throws: Never.self, "\(name)") { try model.requireOutputs(of: model) }
        }
    }

    @Test("what was asked of the old model is compiled for the new one, in its shapes; without one the outputs are")
    func warmUp() throws {
        let old = try Model(contentsOf: Fixtures.model("digits"))
        for count in [3, 5] {
            let x = try #require(Tensor([Float](repeating: 0, count: count * 64), shape: [count, 64]))
            _ = try old.run(feeds: ["x": FeedValue(x), "keep_prob": 1.0], fetches: ["probs"])
        }
        let new = try Model(contentsOf: Fixtures.model("digits"))
        new.warmUp(like: old)
        let callable = try #require(new.session.compiled.first)
        #expect(new.session.compiled.count == old.session.compiled.count)
        #expect(callable.feeds.map(\.name) == ["keep_prob:0", "x:0"])
        #expect(callable.shapesSeen(atMost: 8).map { $0.map(\.dimensions) } == [[[], [5, 64]], [[], [3, 64]]])
        #expect(callable.shapesSeen(atMost: 1).count == 1)
        let first = try Model(contentsOf: Fixtures.model("tutorial"))
        first.warmUp(like: nil)
        #expect(first.session.compiled.first?.shapesSeen(atMost: 8).count == 1)
    }
}
