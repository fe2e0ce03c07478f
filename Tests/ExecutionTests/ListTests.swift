import Execution
import GraphSupport
import Operations
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Testing

@Suite("Lists of tensors")
struct ListTests {
    private func int(_ value: Int32) throws -> Tensor { try #require(Tensor([value], shape: [])) }

    /// Ops on lists of int32 scalars.
    private struct Lists {
        var graph = TestGraph()
        var count = 0

        private mutating func add(_ op: String, _ inputs: [String]) -> String {
            count += 1
            return graph.add(op, "\(op)\(count)", inputs, types: ["element_dtype": 3])
        }

        mutating func empty() -> String {
            let shape = graph.constant("shape", -1)
            let most = graph.constant("most", -1)
            return graph.add("EmptyTensorList", "empty", [shape, most], types: ["element_dtype": 3, "shape_type": 3])
        }

        mutating func push(_ list: String, _ value: String) -> String { add("TensorListPushBack", [list, value]) }

        mutating func pop(_ list: String) -> String { add("TensorListPopBack", [list, shape()]) }

        mutating func set(_ list: String, _ index: String, _ value: String) -> String {
            add("TensorListSetItem", [list, index, value])
        }

        mutating func stack(_ list: String) -> String { add("TensorListStack", [list, shape()]) }

        private mutating func shape() -> String {
            count += 1
            return graph.constant("shape\(count)", -1)
        }
    }

    /// Pushes 0..<n; pops `pops` of them again, and each time pushes to a list of its own, from which it is popped, the negative of how
    /// many were popped before. Gives all elements, those that are left, and the sum of all that was popped.
    private func growing() throws -> Callable {
        var lists = Lists()
        let n = lists.graph.placeholder("n", 3)
        let pops = lists.graph.placeholder("pops", 3)
        let empty = lists.empty()
        let full = lists.graph.loop("push", to: n, [empty]) { graph, counter, variables in
            var inner = Lists(graph: graph)
            defer { graph = inner.graph }
            return [inner.push(variables[0], counter)]
        }[1]
        let short = lists.graph.loop("pop", to: pops, [full, lists.graph.constant("start", 0)]) {
            graph, counter, variables in
            let list = graph.add(
                "TensorListPopBack", "pop_back", [variables[0], graph.constant("pop_shape", -1)],
                types: ["element_dtype": 3])
            let minus = graph.add("Neg", "minus", [counter], types: ["T": 3])
            // Another list over the same elements.
            let other = graph.add("TensorListPushBack", "other", [list, minus], types: ["element_dtype": 3])
            let last = graph.add(
                "TensorListPopBack", "last", [other, graph.constant("last_shape", -1)], types: ["element_dtype": 3])
            let sum = graph.add("AddV2", "sum", [variables[1], "pop_back:1"], types: ["T": 3])
            let both = graph.add("AddV2", "both", [sum, "\(last):1"], types: ["T": 3])
            return [list, both]
        }
        let results = [lists.stack(full), lists.stack(short[1])]
        return try lists.graph.session().callable(
            ["n:0", "pops:0"], results.map { "\($0):0" } + ["\(short[2]):0"])
    }

    @Test(
        "a list is what it was when others have grown and shrunk from it",
        arguments: [1, 31, 32, 33, 1024, 1025, 1100])
    func growth(_ count: Int32) throws {
        let callable = try growing()
        for pops in [0, 1, min(40, count - 1), count - 1] where pops < count {
            let results = try callable.run([try int(count), try int(pops)])
            #expect(results[0].scalars(as: Int32.self) == Array(0..<count))
            #expect(results[1].scalars(as: Int32.self) == Array(0..<(count - pops)))
            let popped = ((count - pops)..<count).reduce(0, +)
            #expect(results[2].scalars(as: Int32.self) == [popped - (0..<pops).reduce(0, +)])
        }
    }

    @Test("tens of thousands of elements are pushed and popped in no more than the memory that they take")
    func many() throws {
        let results = try growing().run([try int(30_000), try int(29_999)])
        #expect(results[0].shape.dimensions == [30_000])
        #expect(results[1].scalars(as: Int32.self) == [0])
    }

    @Test("a list that two others were made from has neither's elements")
    func branches() throws {
        var lists = Lists()
        let values = (0..<5).map { lists.graph.placeholder("v\($0)", 3) }
        let one = lists.push(lists.empty(), values[0])
        let two = lists.push(one, values[1])
        let other = lists.push(one, values[2])
        let changed = lists.set(two, lists.graph.constant("first", 0), values[3])
        let longer = lists.push(lists.pop(two), values[4])
        let results = [one, two, other, changed, longer].map { lists.stack($0) }
        let callable = try lists.graph.session().callable(values.map { "\($0):0" }, results.map { "\($0):0" })
        let lists0 = try callable.run(try (10..<15).map { try int($0) }).map { $0.scalars(as: Int32.self) }
        #expect(lists0 == [[10], [10, 11], [10, 12], [13, 11], [10, 14]])
    }

    @Test("a list that grows where an element is set")
    func setting() throws {
        var lists = Lists()
        let n = lists.graph.placeholder("n", 3)
        let empty = lists.empty()
        let full = lists.graph.loop("set", to: n, [empty]) { graph, counter, variables in
            let twice = graph.add("AddV2", "twice", [counter, counter], types: ["T": 3])
            return [
                graph.add(
                    "TensorListSetItem", "set_item", [variables[0], twice, counter], types: ["element_dtype": 3],
                    ["resize_if_index_out_of_bounds": .with { $0.b = true }])
            ]
        }[1]
        let result = lists.stack(full)
        let callable = try lists.graph.session().callable(["n:0"], ["\(result):0"])
        let expected = (0..<2199 as Range<Int32>).map { $0 % 2 == 0 ? $0 / 2 : 0 }
        #expect(try callable.run([try int(1100)])[0].scalars(as: Int32.self) == expected)
    }

    @Test("a list that takes more than a run may take is refused")
    func memory() throws {
        var lists = Lists()
        let n = lists.graph.placeholder("n", 3)
        let empty = lists.empty()
        let full = lists.graph.loop("push", to: n, [empty]) { graph, counter, variables in
            var inner = Lists(graph: graph)
            defer { graph = inner.graph }
            return [inner.push(variables[0], counter)]
        }[1]
        let result = lists.stack(full)
        let callable = try lists.graph.session(limitBytes: 1 << 20).callable(["n:0"], ["\(result):0"])
        #expect(try callable.run([try int(1000)])[0].shape.dimensions == [1000])
        #expect(failure { _ = try callable.run([try int(.max)]) }?.kind == .resourceExhausted)
    }
}
