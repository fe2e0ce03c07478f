import Foundation
import GraphSupport
import Graphs
import Operations
import SwiftProtobuf
import Synchronization
import TensorFlowProtos
import Tensors
import Testing

@testable import Execution
@testable import Planning

@Suite("Versions of a model share plans, not weights")
struct VersionTests {
    private static func floats(_ values: [Float], _ shape: [Int]) throws -> Tensor {
        try #require(Tensor(values, shape: shape))
    }

    /// `y = x * (w + w)`, and `z = x * transpose(w)`.
    private static func graph(shape: [Int64]? = [2, 2]) -> TestGraph {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [-1, 2])
        let w = graph.variable("w", 1, shape)
        graph.add("AddV2", "twice", [w, w], types: ["T": 1])
        graph.add("MatMul", "y", [x, "twice"], types: ["T": 1])
        let zero = graph.constant("zero", 0)
        let one = graph.constant("one", 1)
        graph.add("Pack", "permutation", [one, zero], types: ["T": 3], ["N": .with { $0.i = 2 }])
        graph.add("Transpose", "turned", [w, "permutation"], types: ["T": 1, "Tperm": 3])
        graph.add("MatMul", "z", [x, "turned"], types: ["T": 1])
        return graph
    }

    @Test("a second version has the first one's plan and program, and answers with its own weights")
    func shared() throws {
        let versions = try Self.graph().versions([
            ["w": try Self.floats([1, 2, 3, 4], [2, 2])], ["w": try Self.floats([10, 20, 30, 40], [2, 2])],
        ])
        let x = try Self.floats([1, 1], [1, 2])
        let first = try versions[0].callable(["x:0"], ["y:0", "z:0"])
        #expect(try first.run([x]).map { $0.scalars(as: Float.self) } == [[8, 12], [3, 7]])
        let second = try versions[1].callable(["x:0"], ["y:0", "z:0"])
        #expect(second.sharesPlan(with: first))
        #expect(try second.run([x]).map { $0.scalars(as: Float.self) } == [[80, 120], [30, 70]])
        #expect(try second.sharesProgram(with: first, for: [x]))
        #expect(try first.run([x]).map { $0.scalars(as: Float.self) } == [[8, 12], [3, 7]])
    }

    @Test(
        "what is derived of weights is there once, however many plans and shapes are in use, and goes with the last of them"
    )
    func derivedOnce() throws {
        let session = try #require(try Self.graph().versions([["w": try Self.floats([1, 2, 3, 4], [2, 2])]]).first)
        #expect(session.weightBytes.derived == 0)
        let y = try session.callable(["x:0"], ["y:0"])
        // Panels of two rows of 16 columns.
        #expect(session.weightBytes.derived == 0 && session.weightBytes.packed == 128)
        let both = try session.callable(["x:0"], ["y:0", "z:0"])
        for rows in 1...50 {
            let x = try Self.floats(Array(repeating: 1, count: rows * 2), [rows, 2])
            #expect(try y.run([x])[0].scalars(as: Float.self)?.prefix(2) == [8, 12])
            #expect(try both.run([x])[1].scalars(as: Float.self)?.prefix(2) == [3, 7])
        }
        #expect(session.weightBytes.derived == 0 && session.weightBytes.packed == 256)
        // Plans read panels; nobody reads the variable itself, or what panels are made of.
        #expect(session.weightBytes.raw == 0)
    }

    /// A checkpoint whose index tells shapes, and that counts how often a value is read.
    private final class CountingSource: VariableSource {
        private let tensor: Tensor
        private let reads = Mutex(0)

        init(_ tensor: Tensor) { self.tensor = tensor }

        var readCount: Int { reads.withLock { $0 } }

        func value(of variable: VariableReference) -> Tensor {
            reads.withLock { $0 += 1 }
            return tensor
        }

        func shape(of variable: VariableReference) -> Shape { tensor.shape }
    }

    @Test("a variable of which everything is derived already is not read again for another plan")
    func lazyReading() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [2, 2])
        let w = graph.variable("w", 1, [2, 2])
        graph.add("Square", "square", [w], types: ["T": 1])
        graph.add("AddV2", "y", [x, "square"], types: ["T": 1])
        graph.add("Neg", "negative", ["y"], types: ["T": 1])
        let source = CountingSource(try Self.floats([1, 2, 3, 4], [2, 2]))
        let session = Session(graph: try Graph(graph.def), variables: source, threadCount: 1)
        let feed = try Self.floats([1, 1, 1, 1], [2, 2])
        #expect(try session.callable(["x:0"], ["y:0"]).run([feed])[0].scalars(as: Float.self) == [2, 5, 10, 17])
        #expect(source.readCount == 1)
        let negative = try session.callable(["x:0"], ["negative:0"]).run([feed])[0]
        #expect(negative.scalars(as: Float.self) == [-2, -5, -10, -17])
        #expect(source.readCount == 1)
    }

    @Test("a version in which an axis is another gets a plan of its own")
    func assumedValue() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [2, 2])
        let axis = graph.variable("axis", 3)
        graph.add(
            "Sum", "y", [x, axis], types: ["T": 1, "Tidx": 3], ["keep_dims": .with { $0.b = false }])
        let versions = try graph.versions([
            ["axis": try .scalar(Int32(0))], ["axis": try .scalar(Int32(1))], ["axis": try .scalar(Int32(0))],
        ])
        let feed = try Self.floats([1, 2, 3, 4], [2, 2])
        let calls = try versions.map { try $0.callable(["x:0"], ["y:0"]) }
        #expect(try calls.map { try $0.run([feed])[0].scalars(as: Float.self) } == [[4, 6], [3, 7], [4, 6]])
        #expect(!calls[1].sharesPlan(with: calls[0]))
    }

    @Test("a version in which a predicate is another takes the other branch")
    func assumedPredicate() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [2])
        let limit = graph.variable("limit", 3)
        let five = graph.constant("five", 5)
        graph.add("Less", "isSmall", [limit, five], types: ["T": 3])
        graph.add("Switch", "switch", [x, "isSmall"], types: ["T": 1])
        graph.add("Neg", "negative", ["switch:0"], types: ["T": 1])
        graph.add("Square", "square", ["switch:1"], types: ["T": 1])
        graph.add("Merge", "y", ["negative", "square"], types: ["T": 1], ["N": .with { $0.i = 2 }])
        let versions = try graph.versions([["limit": try .scalar(Int32(1))], ["limit": try .scalar(Int32(9))]])
        let feed = try Self.floats([2, 3], [2])
        let answers = try versions.map {
            try $0.callable(["x:0"], ["y:0"]).run([feed])[0].scalars(as: Float.self)
        }
        #expect(answers == [[4, 9], [-2, -3]])
    }

    @Test("a version in which a variable has another shape, or is missing, gets what it would get without the first")
    func otherShape() throws {
        let graph = Self.graph(shape: nil)
        let versions = try graph.versions([
            ["w": try Self.floats([1, 2, 3, 4], [2, 2])], ["w": try Self.floats([1, 2], [2, 1])], [:],
        ])
        let x = try Self.floats([1, 1], [1, 2])
        let first = try versions[0].callable(["x:0"], ["y:0"])
        #expect(try first.run([x])[0].scalars(as: Float.self) == [8, 12])
        let second = try versions[1].callable(["x:0"], ["y:0"])
        #expect(!second.sharesPlan(with: first))
        #expect(try second.run([x])[0].scalars(as: Float.self) == [6])
        #expect(failure { _ = try versions[2].callable(["x:0"], ["y:0"]) }?.kind == .missingVariable)
        try versions[0].check(["x:0"], ["y:0"])
        #expect(failure { try versions[2].check(["x:0"], ["y:0"]) }?.kind == .missingVariable)
    }

    @Test("a value that the graph asks for, but that some version lacks, is asked for anew")
    func presence() throws {
        var graph = TestGraph()
        graph.add("VariableV2", "v", types: ["dtype": 1], ["shape": .with { $0.shape = .init() }])
        graph.add("IsVariableInitialized", "is", ["v"], types: ["dtype": 1])
        let versions = try graph.versions([["v": try .scalar(Float(1))], [:], ["v": try .scalar(Float(2))]])
        let answers = try versions.map { try $0.callable([], ["is:0"]).run([])[0].scalars(as: Bool.self) }
        #expect(answers == [[true], [false], [true]])
    }

    @Test("a plan that assigns variables is its version's own")
    func ownState() throws {
        var graph = TestGraph()
        let v = graph.variable("v", 1)
        graph.add("AssignAdd", "add", ["v", "one"], types: ["T": 1])
        graph.add(
            "Const", "one", types: ["dtype": 1],
            [
                "value": .with {
                    $0.tensor = .with {
                        $0.dtype = 1; $0.floatVal = [1]
                    }
                }
            ])
        graph.add("Identity", "after", [v, "^add"], types: ["T": 1])
        let versions = try graph.versions([["v": try .scalar(Float(1))], ["v": try .scalar(Float(10))]])
        let calls = try versions.map { try $0.callable([], ["add:0"]) }
        #expect(!calls[1].sharesPlan(with: calls[0]))
        let answers = try [0, 0, 1, 0].map { try calls[$0].run([])[0].scalars(as: Float.self) }
        #expect(answers == [[2], [3], [11], [4]])
        // A plan of the first version that holds the variable for a constant is not taken where another has a state for it.
        let read = try versions.map { try $0.callable([], ["v/read:0"]) }
        #expect(try read.map { try $0.run([])[0].scalars(as: Float.self) } == [[4], [11]])
    }

    @Test("a plan that draws random numbers is shared; each version draws from streams of its own")
    func randomNumbers() throws {
        var graph = TestGraph()
        let shape = graph.placeholder("shape", 3, [1])
        graph.add(
            "RandomUniform", "random", [shape], types: ["T": 3, "dtype": 1],
            ["seed": .with { $0.i = 7 }, "seed2": .with { $0.i = 9 }])
        graph.add("Neg", "y", ["random"], types: ["T": 1])
        let two = graph.constant("two", 2)
        graph.add("Fill", "fixed", [two, two], types: ["T": 3, "index_type": 3])
        graph.add("Multinomial", "choice", ["logits", two], types: ["T": 1], ["seed": .with { $0.i = 7 }])
        _ = graph.placeholder("logits", 1, [1, 4])
        let versions = try graph.versions([[:], [:]])
        let calls = try versions.map { try $0.callable(["shape:0", "logits:0"], ["y:0", "choice:0"]) }
        #expect(calls[1].sharesPlan(with: calls[0]))
        let feeds = [try #require(Tensor([Int32(3)])), try Self.floats([0, 0, 0, 0], [1, 4])]
        func draw(_ version: Int) throws -> [[Float]] {
            let outputs = try calls[version].run(feeds)
            return [outputs[0].scalars(as: Float.self) ?? [], (outputs[1].integers ?? []).map(Float.init)]
        }
        let first = try (0..<20).map { _ in try draw(0) }
        #expect(Set(first.map { $0[0] }).count == 20)
        // The second version begins where the first one began.
        #expect(try (0..<20).map { _ in try draw(1) } == first)
    }

    @Test("an op that fails on one version's weights fails for that version alone")
    func failing() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [2, 2])
        let w = graph.variable("w", 1, [2, 2])
        graph.add("MatrixInverse", "inverse", [w], types: ["T": 1])
        graph.add("MatMul", "y", [x, "inverse"], types: ["T": 1])
        let singular = ["w": try Self.floats([1, 1, 1, 1], [2, 2])]
        let regular = ["w": try Self.floats([2, 0, 0, 2], [2, 2])]
        let versions = try graph.versions([singular, regular, singular])
        #expect(failure { _ = try versions[0].callable(["x:0"], ["y:0"]) }?.kind == .invalidArgument)
        let x1 = try Self.floats([2, 4, 6, 8], [2, 2])
        #expect(try versions[1].callable(["x:0"], ["y:0"]).run([x1])[0].scalars(as: Float.self) == [1, 2, 3, 4])
        #expect(failure { _ = try versions[2].callable(["x:0"], ["y:0"]) }?.kind == .invalidArgument)
    }

    @Test("a check that one version passes is made again for the next: there an op fails on its weights")
    func failingCheck() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [2, 2])
        let w = graph.variable("w", 1, [2, 2])
        graph.add("MatrixInverse", "inverse", [w], types: ["T": 1])
        graph.add("MatMul", "y", [x, "inverse"], types: ["T": 1])
        let values = [[2, 0, 0, 2], [1, 1, 1, 1], [3, 0, 0, 3]] as [[Float]]
        let versions = try graph.versions(values.map { ["w": try Self.floats($0, [2, 2])] })
        try versions[0].check(["x:0"], ["y:0"])
        #expect(failure { try versions[1].check(["x:0"], ["y:0"]) }?.kind == .invalidArgument)
        try versions[2].check(["x:0"], ["y:0"])
    }

    /// A graph that doubles `x` where `takes` is true, else gives `w + x`.
    private static func branches(_ change: (inout TestGraph, _ side: String) -> String) -> TestGraph {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [])
        let takes = graph.placeholder("takes", 10, [])
        graph.add("Switch", "switch", [x, takes], types: ["T": 1])
        let other = change(&graph, "switch:0")
        graph.add("AddV2", "double", ["switch:1", "switch:1"], types: ["T": 1])
        graph.add("Merge", "y", [other, "double"], types: ["T": 1], ["N": .with { $0.i = 2 }])
        return graph
    }

    /// A checkpoint whose file cannot be read for some time, though its index can.
    private final class FailingSource: VariableSource {
        let fails = Mutex(true)

        func value(of variable: VariableReference) throws(OpError) -> Tensor {
            if fails.withLock({ $0 }) { throw OpError(.missingVariable, "cannot be read") }
            return try .scalar(Float(5))
        }

        func shape(of variable: VariableReference) -> Shape { .scalar }
    }

    @Test("a weight that cannot be read is no part of a plan: the next call reads it")
    func readFailure() throws {
        let graph = Self.branches { graph, side in
            let w = graph.variable("w", 1)
            graph.add("Square", "square", [w], types: ["T": 1])
            return graph.add("AddV2", "sum", [side, "square"], types: ["T": 1])
        }
        let source = FailingSource()
        let session = Session(graph: try Graph(graph.def), variables: source, threadCount: 1)
        #expect(failure { _ = try session.callable(["x:0", "takes:0"], ["y:0"]) }?.kind == .missingVariable)
        source.fails.withLock { $0 = false }
        let feeds = [try Tensor.scalar(Float(1)), try Tensor.scalar(false)]
        #expect(try session.callable(["x:0", "takes:0"], ["y:0"]).run(feeds)[0].scalars(as: Float.self) == [26])
    }

    /// Vocabularies of which the first version lacks the file.
    private struct Vocabulary: TableSource {
        let bytes: [UInt8]?

        func restored(_ table: TableReference) -> (keys: Tensor, values: Tensor)? { nil }

        func content(ofFile path: String) throws(OpError) -> [UInt8] {
            guard let bytes else { throw OpError(.notFound, "no file \"\(path)\"") }
            return bytes
        }
    }

    @Test("a table that one version cannot fill is an error of its branch there, and no error of the next version")
    func tableOfBranch() throws {
        let def = Self.branches { graph, side in
            graph.add("HashTableV2", "table", types: ["key_dtype": 7, "value_dtype": 9])
            graph.add(
                "Const", "file", types: ["dtype": 7],
                [
                    "value": .with {
                        $0.tensor = .with {
                            $0.dtype = 7; $0.stringVal = [Data("words".utf8)]
                        }
                    }
                ])
            graph.add(
                "InitializeTableFromTextFileV2", "fill", ["table", "file"],
                ["key_index": .with { $0.i = -2 }, "value_index": .with { $0.i = -1 }])
            graph.add("AsString", "word", [side], types: ["T": 1])
            graph.add(
                "Const", "none", types: ["dtype": 9],
                [
                    "value": .with {
                        $0.tensor = .with {
                            $0.dtype = 9; $0.int64Val = [-1]
                        }
                    }
                ])
            graph.add("LookupTableFindV2", "found", ["table", "word", "none"], types: ["Tin": 7, "Tout": 9])
            return graph.add("Cast", "number", ["found"], types: ["SrcT": 9, "DstT": 1])
        }.def
        let graph = try Graph(def)
        let library = PlanLibrary(graph)
        let versions = [nil, Array("7.000000\n8.000000\n".utf8)].map { bytes in
            Session(
                graph: graph, variables: TestGraph.Variables(), threadCount: 1, tables: Vocabulary(bytes: bytes),
                library: library)
        }
        let calls = try versions.map { try $0.callable(["x:0", "takes:0"], ["y:0"]) }
        let feeds = try [false, true].map { [try Tensor.scalar(Float(8)), try Tensor.scalar($0)] }
        #expect(try calls[0].run(feeds[1])[0].scalars(as: Float.self) == [16])
        #expect(failure { _ = try calls[0].run(feeds[0]) }?.kind == .notFound)
        #expect(try calls[1].run(feeds[0])[0].scalars(as: Float.self) == [1])
    }

    @Test("weights in loops and branches are the version's own in a shared program")
    func interpreted() throws {
        var graph = TestGraph()
        let limit = graph.placeholder("limit", 3)
        let x = graph.placeholder("x", 1)
        let w = graph.variable("w", 1)
        graph.add("Square", "square", [w], types: ["T": 1])
        let exits = graph.loop("loop", to: limit, [x]) { graph, _, variables in
            graph.add(
                "Enter", "inside", ["square"],
                ["frame_name": .with { $0.s = Data("loop".utf8) }, "is_constant": .with { $0.b = true }])
            return [graph.add("AddV2", "step", [variables[0], "inside"], types: ["T": 1])]
        }
        let versions = try graph.versions([["w": try .scalar(Float(2))], ["w": try .scalar(Float(3))]])
        let calls = try versions.map { try $0.callable(["limit:0", "x:0"], ["\(exits[1]):0"]) }
        #expect(calls[1].sharesPlan(with: calls[0]))
        let feeds = [try Tensor.scalar(Int32(4)), try Tensor.scalar(Float(1))]
        #expect(try calls.map { try $0.run(feeds)[0].scalars(as: Float.self) } == [[17], [37]])
        #expect(try calls[1].sharesProgram(with: calls[0], for: feeds))
    }

    @Test("a version outlives the one that made its plans; then nothing is held")
    func lifetimes() throws {
        var versions = try Self.graph().versions([
            ["w": try Self.floats([1, 2, 3, 4], [2, 2])], ["w": try Self.floats([10, 20, 30, 40], [2, 2])],
        ])
        let x = try Self.floats([1, 1], [1, 2])
        _ = try versions[0].callable(["x:0"], ["y:0"]).run([x])
        let store = versions[1].weights
        do {
            let second = try versions[1].callable(["x:0"], ["y:0"])
            _ = try second.run([x])
            versions.removeFirst()
            #expect(try second.run([x])[0].scalars(as: Float.self) == [80, 120])
            #expect(store.bytes.packed == 128)
        }
        versions = []
        #expect(store.bytes == WeightBytes() && store.entryCount == 0)
    }

    @Test("a chain of ten thousand ops on a weight is evaluated, kept and given up without recursion")
    func longChain() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [1])
        var last = graph.variable("w", 1, [1])
        for number in 0..<10_000 { last = graph.add("Neg", "n\(number)", [last], types: ["T": 1]) }
        graph.add("AddV2", "y", [x, last], types: ["T": 1])
        let versions = try graph.versions([["w": try Self.floats([1], [1])], ["w": try Self.floats([5], [1])]])
        let calls = try versions.map { try $0.callable(["x:0"], ["y:0"]) }
        #expect(calls[1].sharesPlan(with: calls[0]))
        #expect(try calls.map { try $0.run([try Self.floats([1], [1])])[0].scalars(as: Float.self) } == [[2], [6]])
        #expect(versions.map(\.weightBytes.derived) == [4, 4])
    }
}

extension Session {
    fileprivate func check(_ feeds: [String], _ fetches: [String]) throws {
        func endpoint(_ text: String) throws -> Endpoint {
            let name = try #require(TensorName(parsing: text))
            return Endpoint(node: try #require(graph.index(ofNode: name.node)), output: name.output)
        }
        try check(feeds: try feeds.map(endpoint), fetches: try fetches.map(endpoint))
    }
}

extension Callable {
    /// Whether both run the same program for some feeds, each with the weights of its version.
    fileprivate func sharesProgram(with other: Callable, for tensors: [Tensor]) throws -> Bool {
        try TensorView.withViews(of: tensors) { (views) throws(OpError) in
            try program(for: views).program === other.program(for: views).program
        }
    }
}
