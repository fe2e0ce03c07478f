import Expressions
import Foundation
import Testing
import VectorSupport

/// docs/expressions.md: what expressions are, and the table of functions.
@Suite("The document of expressions")
struct ExpressionDocumentTests {
    @Test("docs/expressions.md is what the table of functions says; `make docs` writes it")
    func documentIsCurrent() throws {
        let file = Fixtures.package.appendingPathComponent("docs/expressions.md")
        let text = Self.document()
        if ProcessInfo.processInfo.environment["METASERVE_WRITE_DOCS"] != nil {
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: file, encoding: .utf8) == text, "make docs writes it anew")
    }

    private static func document() -> String {
        var text = """
            # Expressions

            A fetch may be an expression over the graph's tensors:

                curl -d '{"feeds": {"w1:0": 13, "w2:0": 17}, "fetches": ["op_to_restore:0 * 2"]}' localhost:8501/predict
                metaserve predict models/tutorial --feed w1:0=13 --feed w2:0=17 --fetch 'top_k([1, op_to_restore:0], k=1).indices'

            An object gives the results names of the request's own:

                {"fetches": {"doubled": "op_to_restore:0 * 2", "best": "argmax(logits:0, axis=-1)"}}

            An expression becomes nodes that the call adds to the graph. A text that names a tensor of the graph is that tensor.

            ## Values

            - Tensors have their names: `logits:0`, `scope/logits:0`, or `logits` for output 0. The longest name that the graph has counts, so \
            put spaces around `-` and `/`, and before the colon of a slice. A name with other characters stands in backticks. Keys of the \
            request's signature are names too.
            - Python's numbers, strings, `True`, `False`, `None`, lists and tuples are values. A number or list takes the dtype of the tensor \
            that it meets, as `tf.convert_to_tensor` does it. Two tensors need the same dtype. `cast` converts.
            - Dtypes are `float32` or `tf.float32`, or strings.

            ## Operators

            `+ - * / // % ** @`, the comparisons `== != < <= > >=`, `& | ^ ~`, and indices and slices: `x[0]`, `x[..., 1:3]`, `x[:, None]`. \
            `x.shape` is `shape(x)`. A function with several results needs a choice: `top_k(x).indices` or `top_k(x)[1]`.

            ## Limits

            A text has at most 4096 bytes and is nested at most 64 deep. The expressions of a request add at most 200 nodes. An error has the \
            place in the text, and the nearest names.

            ## Functions

            There are \(FunctionTable.functions.count). `metaserve ops --functions` lists them. They have TensorFlow's names, arguments and \
            defaults. The module may be left out: `tf.nn.softmax`, `nn.softmax` and `softmax` are one function. `make docs` generates this page \
            from the program's table. The tests compare each function with TensorFlow 2.21.

            | function | arguments | other names |
            | --- | --- | --- |

            """
        for function in FunctionTable.functions.sorted(by: { $0.names[0] < $1.names[0] }) {
            let others = function.names.dropFirst().map { "`\($0)`" }.joined(separator: " ")
            text += "| `\(function.names[0])` | `\(function.parameters)` | \(others) |\n"
        }
        return text
    }
}
