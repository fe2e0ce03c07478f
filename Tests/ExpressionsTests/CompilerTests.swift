import Execution
import GraphSupport
import Graphs
import Operations
import Planning
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Testing

@testable import Expressions

@Suite("Expressions")
struct CompilerTests {
    private static func session() throws -> Session {
        var graph = TestGraph()
        _ = graph.placeholder("x", 1, [-1, 3])
        _ = graph.placeholder("scope/name-1", 1, [3])
        _ = graph.placeholder("scope", 3, [])
        _ = graph.placeholder("0odd name", 1, [])
        return try graph.session([:])
    }

    private static func compiler() throws -> ExpressionCompiler {
        let session = try session()
        return ExpressionCompiler(session.graph, session.inference)
    }

    @Test("a tensor's name alone is the tensor, and the longest name that the graph has counts")
    func tensorNames() throws {
        let compiler = try Self.compiler()
        for text in ["x", "x:0", " `x` ", "(x:0)", "scope/name-1:0", "`0odd name`", "`scope/name-1`:0"] {
            _ = try compiler.compile(text)
        }
        #expect(compiler.nodes.isEmpty)
        #expect(try compiler.compile("scope/2").fact.dtype == .float64)
        #expect(try compiler.compile("scope-1").fact.dtype == .int32)
        #expect(try compiler.compile("scope/name-1:0-1").fact.dtype == .float32)
        #expect(try compiler.compile("x[:, scope:scope+1]").fact.shape.rank == 2)
    }

    @Test("words of the caller's own stand for tensors")
    func ownNames() throws {
        let compiler = try Self.compiler()
        let doubled = try compiler.compile("x * 2")
        let sum = try compiler.compile("reduce_sum(doubled)", names: ["doubled": doubled])
        #expect(sum.fact.shape == .scalar)
        // The two nodes of the first expression, the axes and the sum.
        #expect(compiler.nodes.map(\.op) == ["Const", "Mul", "Const", "Sum"])
    }

    @Test("equal constants of several expressions are one node, and an expression that fails adds none")
    func sharing() throws {
        let compiler = try Self.compiler()
        _ = try compiler.compile("x * 2")
        #expect(throws: ExpressionError.self) { try compiler.compile("x * 3 + nothing") }
        #expect(compiler.nodes.map(\.op) == ["Const", "Mul"])
        _ = try compiler.compile("x - 2 + 3")
        #expect(compiler.nodes.map(\.op) == ["Const", "Mul", "Sub", "Const", "AddV2"])
    }

    @Test(
        "errors tell the reason and the place",
        arguments: [
            ("x +", "expected a value, found the end", 3),
            ("x 2", "expected an operator or the end, found a value", 2),
            ("(x", "expected \")\", found the end", 2),
            ("x $ 2", "unexpected character \"$\"", 2),
            ("'abc", "a string has no end", 0),
            ("2x", "a number is followed by a letter; a tensor's name that begins with a digit stands in backticks", 0),
            ("1 + sofmax(x)", "unknown function \"sofmax\"; the nearest are \"softmax\"", 4),
            ("x + scop", "the graph has no tensor \"scop\"; the nearest are \"scope\"", 4),
            (
                "x * scope",
                "* takes tensors of one dtype, found float32 and int32; convert one of them, as in cast(..., float32)",
                2
            ),
            ("scope * 2.5", "2.5 is no value of dtype int32", 6),
            ("softmax()", "nn.softmax(logits, axis=None) needs the argument \"logits\"", 0),
            (
                "softmax(x, axs=1)", "nn.softmax(logits, axis=None) has no argument \"axs\"; the nearest are \"axis\"",
                11
            ),
            ("softmax(x, logits=x)", "argument \"logits\" is given twice", 11),
            ("softmax(x, 1, 2)", "nn.softmax(logits, axis=None) takes 2 arguments, found one more", 14),
            ("softmax(axis=1, x)", "an argument without a name behind one with a name", 16),
            ("top_k(x)", "the expression has 2 results (values, indices); choose one, such as [0]", 0),
            ("top_k(x).best", "there is no result \"best\"; there are values, indices", 8),
            ("top_k(x)[2]", "index 2 is not in a list of 2", 8),
            ("0 < x < 1", "a chain of comparisons; join two of them with &, in parentheses", 6),
            ("1 // 0", "division by zero", 2),
            ("9223372036854775807 + 1", "9223372036854775807 + 1 does not fit int64", 20),
            ("99999999999999999999", "99999999999999999999 does not fit int64", 0),
            ("[1, [2]]", "the lists in a list have different lengths", 0),
            ("ones([1000000, 1000000])", "a float32 tensor of shape [1000000,1000000] is too large", 0),
        ])
    func errors(text: String, reason: String, offset: Int) throws {
        let compiler = try Self.compiler()
        let error = try #require(throws: ExpressionError.self) { try compiler.compile(text) }
        #expect(error.reason == reason)
        #expect(error.offset == offset)
        #expect(error.text == text)
        #expect(error.description == "\(error.reason) (character \(offset + 1) of \"\(text)\")")
        #expect(error.excerpt == "\(text)\n\(String(repeating: " ", count: offset))^")
    }

    @Test("an op's own rule refuses shapes and dtypes, at the place of the call")
    func rules() throws {
        let compiler = try Self.compiler()
        let error = try #require(throws: ExpressionError.self) {
            try compiler.compile("1 + reshape([1, 2, 3], [2, 2])")
        }
        #expect(error.offset == 4 && error.reason.hasPrefix("Reshape: "))
        #expect(throws: ExpressionError.self) { try compiler.compile("lower('a') * 2") }
        #expect(throws: ExpressionError.self) { try compiler.compile("exp('a')") }
        #expect(throws: ExpressionError.self) { try compiler.compile("logical_and(x, x)") }
    }

    @Test("texts, depths and numbers of nodes are bounded")
    func bounds() throws {
        let compiler = try Self.compiler()
        func reason(_ text: String) -> String? {
            do {
                _ = try compiler.compile(text)
                return nil
            } catch { return error.reason }
        }
        #expect(
            reason(String(repeating: " ", count: 4096) + "x")
                == "the expression has 4097 bytes, which is more than 4096")
        let deep = "the expression is nested more than 64 deep"
        for (open, close) in [("(", ")"), ("[", "]"), ("-", ""), ("exp(", ")"), ("~", ""), ("x[", "]")] {
            let count = 4000 / (open + close).utf8.count
            #expect(
                reason(String(repeating: open, count: count) + "x" + String(repeating: close, count: count)) == deep,
                "\(open)")
        }
        #expect(reason("x" + String(repeating: "+x", count: 2000)) == deep)
        #expect(reason("x" + String(repeating: "[0]", count: 1000)) == deep)
        #expect(reason("2" + String(repeating: "**2", count: 1000)) == deep)
        let wide = (0..<300).map { "x+\($0)" }.joined(separator: ",")
        #expect(reason("stack([\(wide)])") == "the expressions of a request need more than 200 nodes")
        #expect(reason("x[\(String(repeating: "0,", count: 40))]") == "40 indices are more than 30")
        #expect(compiler.nodes.isEmpty)
    }

    /// xorshift64*.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state ^= state >> 12
            state ^= state << 25
            state ^= state >> 27
            return state &* 2_685_821_657_736_338_717
        }
    }

    @Test("random texts are compiled or refused")
    func randomTexts() throws {
        let compiler = try Self.compiler()
        let pieces =
            [
                "x", "scope", "scope/name-1:0", "1", "2.5", "-", "+", "*", "**", "//", "%", "@", "(", ")", "[", "]",
                ",", ":",
                "...", "None", "True", "'a'", "=", "axis", "axis=", "0", "-1", "[0, 1]", "[[1, 2]]", "1000000000000",
                ".indices",
                "float32", "int32", "`", "é", "\"", "&", "~", "==",
            ] + FunctionTable.functions.compactMap { $0.names.first.map { $0 + "(" } }
        var generator = Generator(state: 20_261_201)
        var compiled = 0
        for _ in 0..<20_000 {
            let count = Int.random(in: 1...14, using: &generator)
            let text = (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            let fresh = ExpressionCompiler(compiler.graph, compiler.inference)
            do {
                _ = try fresh.compile(text)
                compiled += 1
            } catch { #expect((0...text.utf8.count).contains(error.offset), "\(text)") }
        }
        #expect(compiled > 40)
    }

    @Test("random arguments of each function are compiled or refused")
    func randomArguments() throws {
        let compiler = try Self.compiler()
        let arguments = [
            "x", "scope", "1", "-1", "0", "2.5", "[0]", "[1, -1]", "[[0, 1], [1, 0]]", "'a'", "None", "True", "float32",
            "2147483647", "-9000000000", "[x, x]", "[]", "x[0]", "x > 0", "ones([2, 4, 4, 3])",
        ]
        var generator = Generator(state: 7)
        for function in FunctionTable.functions {
            let count = function.parameterList.count
            for _ in 0..<40 {
                let given = (0..<Int.random(in: 1...count, using: &generator)).map { _ in
                    arguments.randomElement(using: &generator) ?? ""
                }
                let fresh = ExpressionCompiler(compiler.graph, compiler.inference)
                _ = try? fresh.compile("\(function.names[0])(\(given.joined(separator: ", ")))")
            }
        }
    }
}
