import Execution
import Operations
import Planning
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Testing

@testable import Graphs
@testable import Interfaces

/// No variables: what is shown depends on the graph alone.
struct NoWeights: VariableSource {
    func value(of variable: VariableReference) throws(OpError) -> Tensor {
        throw OpError(.missingVariable, variable.name)
    }
}

/// What an interface shows, in words.
struct ShownInterface {
    /// `name` for data, `name: note` for others.
    let inputs: [String]
    let outputs: [String]

    init(_ meta: MetaGraphDef) throws {
        let graph = try Graph(meta.graphDef, ops: meta.metaInfoDef.strippedOpList)
        let session = Session(graph: graph, variables: NoWeights(), threadCount: 1)
        let signature = meta.signatureDef["serving_default"]
        let interface = GraphInterface(graph, meta, signature: signature) { session.fact(of: $0) }
        func name(_ endpoint: Endpoint) -> String {
            graph.nodes[endpoint.node].name + (endpoint.output > 0 ? ":\(endpoint.output)" : "")
        }
        inputs = interface.inputs.map { name($0.tensor) + ($0.role.map { ": \($0.note)" } ?? "") }
        outputs = interface.outputs.map { name($0) }
    }
}

/// A small graph, a line a node: `name Op input input ... | dtype 1,2`, the last part for placeholders, variables and constants.
private struct Sketch: CustomTestStringConvertible {
    let testDescription: String
    var graph: String
    var collections: [String: [String]] = [:]
    let inputs: [String]
    let outputs: [String]

    func meta() throws -> MetaGraphDef {
        var meta = MetaGraphDef()
        for line in graph.split(separator: "\n") {
            let parts = line.split(separator: "|").map { $0.split(separator: " ").map(String.init) }
            var node = NodeDef()
            node.name = parts[0][0]
            node.op = parts[0][1]
            node.input = Array(parts[0][2...])
            if parts.count > 1 {
                let dtype = try #require(DataType.allCases.first { $0.name == parts[1][0] })
                node.attr["dtype"] = .with { $0.type = dtype.rawValue }
                if parts[1].count > 1 { node.attr["shape"] = .with { $0.shape = Self.shape(parts[1][1]) } }
            }
            for key in ["T", "Tparams"] { node.attr[key] = .with { $0.type = DataType.float32.rawValue } }
            meta.graphDef.node.append(node)
        }
        meta.graphDef.versions.producer = 27
        for (key, names) in collections {
            meta.collectionDef[key] = .with { $0.nodeList = .with { $0.value = names } }
        }
        return meta
    }

    /// `[]` is a scalar, `?` an unknown dimension.
    private static func shape(_ text: String) -> TensorShapeProto {
        .with { shape in
            for size in text.split(separator: ",") where text != "[]" {
                shape.dim.append(.with { $0.size = Int64(size) ?? -1 })
            }
        }
    }

    /// A layer, its logits and softmax, labels, and a loss with its gradients.
    static let classifier = """
        x Placeholder | float32 ?,4
        y_ Placeholder | float32 ?,3
        w VariableV2 | float32 4,3
        w/read Identity w
        MatMul MatMul x w/read
        Softmax Softmax MatMul
        xent SoftmaxCrossEntropyWithLogits MatMul y_
        axes Const | int32 1
        Mean Mean xent axes
        gradients/Mean_grad/Shape Shape xent
        gradients/xent_grad/mul Mul xent y_
        gradients/MatMul_grad/MatMul MatMul xent w/read
        """
    static let label = ": only losses and metrics need it"
    static let keep = ": the share that dropout keeps: 1 for predictions"
}

@Suite("Inputs and outputs")
struct InterfaceTests {
    private static let sketches = [
        Sketch(
            testDescription: "of a classifier in training: softmax and logits, not the loss; the labels last",
            graph: Sketch.classifier, inputs: ["x", "y_" + Sketch.label], outputs: ["Softmax", "MatMul"]),
        Sketch(
            testDescription: "not what an optimiser holds and takes: slots, learning rates",
            graph: Sketch.classifier + """

                learning_rate Placeholder | float32 []
                w/Adam VariableV2 | float32 4,3
                w/Adam/read Identity w/Adam
                Adam/beta1 Const | float32 []
                Adam/update_w/ApplyAdam ApplyAdam w w/Adam learning_rate Adam/beta1 gradients/MatMul_grad/MatMul
                """, inputs: ["x", "y_" + Sketch.label], outputs: ["Softmax", "MatMul"]),
        Sketch(
            testDescription: "not those of savers, of whatever number",
            graph: Sketch.classifier + """

                save_7/filename/input Const | string []
                save_7/filename PlaceholderWithDefault save_7/filename/input | string []
                save_7/Const PlaceholderWithDefault save_7/filename | string []
                save_7/RestoreV2 RestoreV2 save_7/Const
                save_7/Assign Assign w save_7/RestoreV2
                """, inputs: ["x", "y_" + Sketch.label], outputs: ["Softmax", "MatMul"]),
        Sketch(
            testDescription: "not summaries and their histograms, nor moving averages",
            graph: Sketch.classifier + """

                tag Const | string []
                histogram HistogramSummary tag Softmax
                merged MergeSummary histogram
                average VariableV2 | float32 ?,3
                average/sub Sub average MatMul
                average/update AssignSub average average/sub
                """, inputs: ["x", "y_" + Sketch.label], outputs: ["Softmax", "MatMul"]),
        Sketch(
            testDescription: "dropout's share by where it meets a random number, added",
            graph: """
                x Placeholder | float32 ?,4
                p Placeholder | float32
                w VariableV2 | float32 4,3
                random RandomUniform
                dropout/add Add p random
                dropout/Floor Floor dropout/add
                dropout/div RealDiv x p
                dropout/mul Mul dropout/div dropout/Floor
                MatMul MatMul dropout/mul w
                """, inputs: ["x", "p" + Sketch.keep], outputs: ["MatMul"]),
        Sketch(
            testDescription: "dropout's share compared with a random number, and turned",
            graph: """
                x Placeholder | float32 ?,4
                p Placeholder | float32 []
                q Placeholder | float32 []
                one Const | float32 []
                rate Sub one p
                random RandomUniform
                dropout/GreaterEqual GreaterEqual random rate
                dropout/Cast Cast dropout/GreaterEqual
                dropout/mul Mul x dropout/Cast
                dropout_1/GreaterEqual GreaterEqual random q
                dropout_1/Cast Cast dropout_1/GreaterEqual
                dropout_1/mul Mul dropout/mul dropout_1/Cast
                """,
            inputs: ["x", "p" + Sketch.keep, "q: the share that dropout drops: 0 for predictions"],
            outputs: ["dropout_1/mul"]),
        Sketch(
            testDescription: "a boolean that chooses branches",
            graph: """
                training Placeholder | bool []
                x Placeholder | float32 ?,4
                cond/Switch Switch x training
                cond/neg Neg cond/Switch
                cond/exp Exp cond/Switch:1
                cond/Merge Merge cond/neg cond/exp
                """,
            inputs: ["x", "training: whether the model is being trained: false for predictions"],
            outputs: ["cond/Merge"]),
        Sketch(
            testDescription: "a boolean that only chooses branches may as well be data",
            graph: """
                upper Placeholder | bool []
                x Placeholder | float32 ?,4
                cond/Switch Switch x upper
                cond/neg Neg cond/Switch
                cond/exp Exp cond/Switch:1
                cond/Merge Merge cond/neg cond/exp
                """,
            inputs: ["upper", "x"], outputs: ["cond/Merge"]),
        Sketch(
            testDescription:
                "a boolean without a name whose true side draws random numbers, and one whose false side does",
            graph: """
                Placeholder Placeholder | bool []
                Placeholder_1 Placeholder | bool []
                x Placeholder | float32 ?,4
                not LogicalNot Placeholder_1
                cond/Switch Switch x Placeholder
                cond/random RandomUniform
                cond/mul Mul cond/Switch:1 cond/random
                cond/Merge Merge cond/Switch cond/mul
                cond_1/id Identity not
                cond_1/Switch Switch cond/Merge cond_1/id
                cond_1/random RandomUniform
                cond_1/mul Mul cond_1/Switch:1 cond_1/random
                cond_1/Merge Merge cond_1/Switch cond_1/mul
                """,
            inputs: [
                "x", "Placeholder: whether the model is being trained: false for predictions",
                "Placeholder_1: whether the model is being tested: true for predictions",
            ], outputs: ["cond_1/Merge"]),
        Sketch(
            testDescription: "a boolean whose one side changes variables, and one that takes the batch's own moments",
            graph: """
                Placeholder Placeholder | bool []
                Placeholder_1 Placeholder | bool []
                x Placeholder | float32 ?,4
                average VariableV2 | float32 4
                average/read Identity average
                cond/Switch Switch average Placeholder
                cond/Assign AssignSub cond/Switch:1 x
                moments/mean Mean x
                cond_1/Switch Switch moments/mean Placeholder_1
                cond_1/Switch_1 Switch average/read Placeholder_1
                cond_1/Merge Merge cond_1/Switch_1 cond_1/Switch:1
                sub Sub x cond_1/Merge
                cond_2/Switch Switch sub Placeholder
                cond_2/Merge Merge cond_2/Switch cond_2/Switch:1
                """,
            inputs: [
                "x", "Placeholder: whether the model is being trained: false for predictions",
                "Placeholder_1: whether the model is being trained: false for predictions",
            ], outputs: ["cond_2/Merge"]),
        Sketch(
            testDescription: "a boolean with a telling name, whatever computes with it; a mask is data",
            graph: """
                x Placeholder | float32 ?,4
                is_training Placeholder | bool []
                mask Placeholder | bool ?,4
                flag Cast is_training
                mul Mul x flag
                out Select mask mul x
                """,
            inputs: ["x", "mask", "is_training: whether the model is being trained: false for predictions"],
            outputs: ["out"]),
        Sketch(
            testDescription: "probabilities and the class that is chosen by them",
            graph: """
                x Placeholder | float32 ?,4
                w VariableV2 | float32 4,3
                MatMul MatMul x w
                likely Softmax MatMul
                axis Const | int32 []
                class ArgMax likely axis
                """, inputs: ["x"], outputs: ["likely", "class"]),
        Sketch(
            testDescription: "a placeholder that only metrics compare with the prediction is a label",
            graph: """
                x Placeholder | float32 ?,4
                truth Placeholder | int64 ?
                w VariableV2 | float32 4,3
                MatMul MatMul x w
                ArgMax ArgMax MatMul
                Equal Equal ArgMax truth
                Cast Cast Equal
                accuracy Mean Cast
                """, inputs: ["x", "truth" + Sketch.label], outputs: ["ArgMax"]),
        Sketch(
            testDescription: "what a hand-written loss takes the logarithm of",
            graph: """
                x Placeholder | float32 ?,4
                y Placeholder | float32 ?,3
                w VariableV2 | float32 4,3
                MatMul MatMul x w
                Softmax Softmax MatMul
                clip_by_value Maximum Softmax
                Log Log clip_by_value
                mul Mul y Log
                Sum Sum mul
                gradients/Sum_grad/x Shape mul
                gradients/mul_grad/x Mul mul y
                gradients/Log_grad/x Mul mul y
                """, inputs: ["x", "y" + Sketch.label], outputs: ["Softmax"]),
        Sketch(
            testDescription: "what the author named, not what he left unnamed",
            graph: """
                image Placeholder | float32 ?,4
                Relu Relu image
                Postprocessor/Exp Exp Relu
                Postprocessor/Cast Cast Relu
                boxes Identity Postprocessor/Exp
                areas Identity Postprocessor/Exp
                """, inputs: ["image"], outputs: ["boxes"]),
        Sketch(
            testDescription: "what the author put into a collection first", graph: Sketch.classifier,
            collections: ["answer": ["MatMul:0"], "train_op": ["Adam"], "losses": ["Mean:0"]],
            inputs: ["x", "y_" + Sketch.label], outputs: ["MatMul", "Softmax"]),
        Sketch(
            testDescription: "networks that share their weights once",
            graph: """
                z Placeholder | float32 ?,4
                w VariableV2 | float32 4,3
                generator/MatMul MatMul z w
                generator/Tanh Tanh generator/MatMul
                generator_1/MatMul MatMul z w
                generator_1/Tanh Tanh generator_1/MatMul
                """, inputs: ["z"], outputs: ["generator/Tanh"]),
        Sketch(
            testDescription: "of a graph without placeholders: the variables",
            graph: """
                w VariableV2 | float32 4,3
                w/read Identity w
                b VariableV2 | float32 3
                b/read Identity b
                init RandomUniform
                """, inputs: [], outputs: ["w/read", "b/read"]),
        Sketch(
            testDescription: "what leaves a loop, not what is in it; no shapes",
            graph: """
                x Placeholder | float32 ?,4
                Shape Shape x
                strided_slice StridedSlice Shape
                while/Enter Enter x
                while/Merge Merge while/Enter while/NextIteration
                while/LoopCond LoopCond while/Merge
                while/Switch Switch while/Merge while/LoopCond
                while/Tanh Tanh while/Switch:1
                while/left_over Exp while/Tanh
                while/NextIteration NextIteration while/Tanh
                while/Exit Exit while/Switch
                """, inputs: ["x"], outputs: ["while/Exit"]),
        Sketch(
            testDescription: "what a queue or an iterator gives, where there is no placeholder",
            graph: """
                IteratorGetNext IteratorGetNext
                w VariableV2 | float32 4,3
                MatMul MatMul IteratorGetNext:1 w
                """, inputs: ["IteratorGetNext:1"], outputs: ["MatMul"]),
        Sketch(
            testDescription: "a loss, where there is nothing else",
            graph: """
                x Placeholder | float32 ?
                loss L2Loss x
                """, inputs: ["x"], outputs: ["loss"]),
        Sketch(
            testDescription: "what another network reaches, too",
            graph: Sketch.classifier + """

                state Placeholder | float32 ?,4
                t VariableV2 | float32 4,3
                target/MatMul MatMul state t
                target/BiasAdd BiasAdd target/MatMul t
                unread Placeholder | float32 ?
                """, inputs: ["x", "state", "y_" + Sketch.label], outputs: ["Softmax", "MatMul", "target/BiasAdd"]),
        Sketch(
            testDescription: "the values and the indices of the best",
            graph: """
                x Placeholder | float32 ?,4
                k Const | int32 []
                TopKV2 TopKV2 x k
                """, inputs: ["x"], outputs: ["TopKV2", "TopKV2:1"]),
    ]

    @Test("are", arguments: sketches)
    fileprivate func shows(_ sketch: Sketch) throws {
        let shown = try ShownInterface(try sketch.meta())
        #expect(shown.inputs == sketch.inputs)
        #expect(shown.outputs == sketch.outputs)
    }

    @Test("are those of the signature, where there is one")
    func signature() throws {
        var meta = try Self.sketches[0].meta()
        meta.signatureDef["serving_default"] = .with {
            $0.inputs["in"] = .with { $0.name = "y_:0" }
            $0.outputs["out"] = .with { $0.name = "Mean:0" }
        }
        let shown = try ShownInterface(meta)
        #expect(shown.inputs == ["y_"])
        #expect(shown.outputs == ["Mean"])
    }

    @Test("are found in graphs with missing inputs, cycles and names of every kind")
    func strange() throws {
        let sketch = Sketch(
            testDescription: "",
            graph: """
                x Placeholder | float32
                a Identity b
                b Identity a
                c Add x missing
                / Identity x
                gradients Identity c
                gradients/_grad Identity c
                gradients/a_grad/_grad/x Identity b
                __ Identity a
                Enter Enter c
                Switch Switch Enter Enter
                """, inputs: [], outputs: [])
        #expect(try ShownInterface(try sketch.meta()).inputs == ["x"])
    }

    @Test("are found among names of thousands of scopes, in a time that does not grow with their square")
    func deepNames() throws {
        let sketch = Sketch(testDescription: "", graph: "x Placeholder | float32", inputs: [], outputs: [])
        var meta = try sketch.meta()
        let scopes = String(repeating: "s/", count: 20_000)
        for index in 0..<20 {
            var node = NodeDef()
            node.name = "s\(index)/\(scopes)prediction"
            node.op = "Identity"
            node.input = ["x"]
            meta.graphDef.node.append(node)
        }
        let start = ContinuousClock().now
        let shown = try ShownInterface(meta)
        #expect(shown.inputs == ["x"])
        #expect(shown.outputs.count == 1)
        #expect(ContinuousClock().now - start < .seconds(20))
    }
}
