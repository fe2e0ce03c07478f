import Foundation
import Operations
import Planning
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Testing

@testable import Execution
@testable import Graphs

/// No variables.
private struct NoVariables: VariableSource {
    func value(of variable: VariableReference) throws(OpError) -> Tensor {
        throw OpError(.missingVariable, variable.name)
    }
}

/// Graphs in text format that no one should write.
@Suite("Hostile graphs")
struct HostileGraphTests {
    /// Compiles and runs a fetch; the reason of the error, or nil.
    private func reason(_ text: String, fetch: String, feeds: [String: Tensor] = [:]) throws -> String? {
        do {
            let graph = try Graph(try GraphDef(textFormatString: text))
            let session = Session(graph: graph, variables: NoVariables(), threadCount: 1, limitBytes: 1 << 20)
            let endpoints = try feeds.keys.sorted().map {
                Endpoint(node: try #require(graph.index(ofNode: $0)), output: 0)
            }
            let callable = try session.callable(
                feeds: endpoints, fetches: [Endpoint(node: try #require(graph.index(ofNode: fetch)), output: 0)])
            _ = try callable.run(feeds.sorted { $0.key < $1.key }.map(\.value))
            return nil
        } catch let error as OpError { return error.description } catch let error as GraphError {
            return error.reason
        }
    }

    private func const(_ name: String, _ values: [Int32]) -> String {
        """
        node { name: "\(name)" op: "Const" attr { key: "dtype" value { type: 3 } }
          attr { key: "value" value { tensor { dtype: 3 tensor_shape { dim { size: \(values.count) } }
            \(values.map { "int_val: \($0)" }.joined(separator: " ")) } } } }
        """
    }

    @Test("two nodes of one name, inputs that are not there, outputs that are not there")
    func structure() throws {
        #expect(try reason("node { name: \"a\" } node { name: \"a\" }", fetch: "a") == "two nodes are named \"a\"")
        #expect(
            try reason("node { name: \"a\" op: \"Identity\" input: \"b\" }", fetch: "a")
                == "node \"a\" (op Identity): its input \"b\" is not in the graph")
        let output = const("c", [1]) + "node { name: \"a\" op: \"Identity\" input: \"c:7\" }"
        #expect(try reason(output, fetch: "a") == "node \"a\" (op Identity): takes output 7 of \"c\", which has none")
        #expect(
            try reason("node { name: \"a\" op: \"Identity\" input: \"c:x\" }", fetch: "a")?.contains(
                "not a tensor's name") == true)
    }

    @Test("cycles, and a node that waits for itself")
    func cycles() throws {
        let own = "node { name: \"a\" op: \"Identity\" input: \"a\" }"
        #expect(try reason(own, fetch: "a")?.contains("is part of a cycle") == true)
        let two =
            "node { name: \"a\" op: \"Identity\" input: \"b\" } node { name: \"b\" op: \"Identity\" input: \"a\" }"
        #expect(try reason(two, fetch: "a")?.contains("is part of a cycle") == true)
    }

    @Test("a chain of a hundred thousand nodes does not exhaust the stack")
    func longChain() throws {
        var graph = GraphDef()
        graph.node = [try NodeDef(textFormatString: String(const("n0", [1]).dropFirst(7).dropLast(1)))]
        for index in 1...100_000 {
            graph.node.append(
                .with {
                    $0.name = "n\(index)"
                    $0.op = "Identity"
                    $0.input = ["n\(index - 1)"]
                })
        }
        let session = Session(graph: try Graph(graph), variables: NoVariables(), threadCount: 1)
        let callable = try session.callable(feeds: [], fetches: [Endpoint(node: 100_000, output: 0)])
        #expect(callable.fetches.map(\.shape.dimensions) == [[1]])
        #expect(session.fact(of: Endpoint(node: 100_000, output: 0))?.dtype == .int32)
    }

    @Test("sizes from constants and from feeds are bounded before anything is allocated")
    func sizes() throws {
        let fill = const("value", [0]).replacingOccurrences(
            of: "tensor_shape { dim { size: 1 } }", with: "tensor_shape { }")
        let feed = """
            node { name: "dims" op: "Placeholder" attr { key: "dtype" value { type: 3 } } }
            node { name: "f" op: "Fill" input: "dims" input: "value" attr { key: "T" value { type: 3 } }
              attr { key: "index_type" value { type: 3 } } }
            """
        let constant =
            const("dims", [1 << 30, 1 << 30]) + feed.split(separator: "\n").dropFirst().joined(separator: "\n")
        #expect(try reason(fill + constant, fetch: "f") != nil)
        for dims in [[1 << 30], [1 << 30, 1 << 30, 1 << 30], [-1], [Int32.min], [1 << 20]] as [[Int32]] {
            let tensor = try #require(Tensor(dims))
            #expect(try reason(fill + feed, fetch: "f", feeds: ["dims": tensor]) != nil, "\(dims)")
        }
        #expect(try reason(fill + feed, fetch: "f", feeds: ["dims": try #require(Tensor([Int32(10)]))]) == nil)
        let splat = """
            node { name: "c" op: "Const" attr { key: "dtype" value { type: 3 } }
              attr { key: "value" value { tensor { dtype: 3 tensor_shape { dim { size: 1099511627776 } } int_val: 1 } } } }
            """
        #expect(try reason(splat, fetch: "c")?.contains("the limit is") == true)
    }

    @Test("a scalar's shape of a placeholder means an unknown one before version 24 of graphs")
    func oldPlaceholders() throws {
        func dimensions(_ producer: Int) throws -> [Int]? {
            let text = """
                versions { producer: \(producer) }
                node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: 1 } } attr { key: "shape" value { shape { } } } }
                """
            let ops = try OpList(
                textFormatString: "op { name: \"Placeholder\" attr { name: \"shape\" default_value { shape { } } } }")
            let graph = try Graph(try GraphDef(textFormatString: text), ops: ops)
            let session = Session(graph: graph, variables: NoVariables(), threadCount: 1)
            return try #require(session.fact(of: Endpoint(node: 0, output: 0))).shape.dimensions
        }
        #expect(try dimensions(23) == nil)
        #expect(try dimensions(24) == [])
    }

    @Test("a constant whose content has another length, or another dtype, or an unknown one")
    func constants() throws {
        func const(_ tensor: String, _ type: Int = 3) -> String {
            """
            node { name: "c" op: "Const" attr { key: "dtype" value { type: \(type) } }
              attr { key: "value" value { tensor { \(tensor) } } } }
            """
        }
        #expect(
            try reason(const("dtype: 3 tensor_shape { dim { size: 2 } } tensor_content: \"abc\""), fetch: "c")
                == "node \"c\" (op Const): attribute value: tensor_content has 3 bytes; int32 [2] needs 8")
        #expect(
            try reason(const("dtype: 3", 1), fetch: "c")
                == "node \"c\" (op Const): dtype is float32, its value's is int32")
        #expect(try reason(const("dtype: 127"), fetch: "c")?.contains("dtype 127 is not known") == true)
        #expect(try reason(const("dtype: 3 tensor_shape { dim { size: -1 } }"), fetch: "c")?.contains("[?]") == true)
    }
}
