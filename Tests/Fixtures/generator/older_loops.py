"""Graphs as earlier versions of TensorFlow wrote them: arrays and stacks of the first versions, loops over references."""
import numpy as np
import tensorflow as tf

from .core import graph_case, tf1

FLOAT, INT = tf.float32.as_datatype_enum, tf.int32.as_datatype_enum


def _graph(producer, *nodes):
    """A graph of (op, name, inputs, attributes)."""
    graph = tf1.GraphDef()
    graph.versions.producer = producer
    for op, name, inputs, attributes in nodes:
        node = graph.node.add(op=op, name=name, input=inputs)
        for key, value in attributes.items():
            attribute = node.attr[key]
            if isinstance(value, np.ndarray):
                attribute.tensor.CopyFrom(tf.make_tensor_proto(value))
            elif isinstance(value, bool):
                attribute.b = value
            elif isinstance(value, tf.DType):
                attribute.type = value.as_datatype_enum
            elif isinstance(value, bytes):
                attribute.s = value
            elif isinstance(value, tf.TensorShape):
                attribute.shape.CopyFrom(value.as_proto())
            else:
                attribute.i = value
    return graph


def _const(name, value, dtype):
    return "Const", name, [], {"dtype": dtype, "value": np.asarray(value, dtype.as_numpy_dtype)}


def _arrays(version, producer):
    """An array of two rows that is written, read, gathered, joined, split and closed."""
    f, array = tf.float32, "array"
    flow = "array:1" if version == "V3" else "flow0"
    make = {"dtype": f, "dynamic_size": False, "clear_after_read": False, "tensor_array_name": b""}
    nodes = [
        _const("two", 2, tf.int32), _const("zero", 0, tf.int32), _const("one", 1, tf.int32), _const("both", [1, 0], tf.int32),
        _const("flow0", 0, f), _const("lengths", [1, 2], tf.int64),
        ("Placeholder", "x", [], {"dtype": f, "shape": tf.TensorShape([3])}),
        ("Mul", "double", ["x", "x"], {"T": f}),
        (f"TensorArray{version}", array, ["two"], make),
        (f"TensorArrayWrite{version}", "write0", [array, "zero", "x", flow], {"T": f}),
        (f"TensorArrayWrite{version}", "write1", [array, "one", "double", "write0"], {"T": f}),
        (f"TensorArrayRead{version}", "read", [array, "one", "write1"], {"dtype": f}),
        (f"TensorArrayGather{version}", "gather", [array, "both", "write1"], {"dtype": f}),
        (f"TensorArrayConcat{version}", "concat", [array, "write1"], {"dtype": f}),
        (f"TensorArraySize{version}", "size", [array, "write1"], {}),
        (f"TensorArray{version}", "parts", ["two"], {**make, "tensor_array_name": b"p"}),
        (f"TensorArraySplit{version}", "split", ["parts", "x", "lengths", "flow0"], {"T": f}),
        (f"TensorArrayConcat{version}", "joined", ["parts", "split"], {"dtype": f}),
        (f"TensorArray{version}", "rows", ["two"], {**make, "tensor_array_name": b"r"}),
        ("Pack", "pair", ["x", "double"], {"T": f, "N": 2}),
        (f"TensorArrayScatter{version}", "scatter", ["rows", "both", "pair", "flow0"], {"T": f}),
        (f"TensorArrayRead{version}", "scattered", ["rows", "zero", "scatter"], {"dtype": f}),
        (f"TensorArrayGrad{version}", "grad", [array, "write1"], {"source": b"gradients"}),
        (f"TensorArrayWrite{version}", "grad0", ["grad", "zero", "x", "write1"], {"T": f}),
        (f"TensorArrayWrite{version}", "grad1", ["grad", "zero", "x", "grad0"], {"T": f}),
        (f"TensorArrayRead{version}", "summed", ["grad", "zero", "grad1"], {"dtype": f}),
        (f"TensorArrayClose{version}", "close", [array, "^read"], {}),
        ("Identity", "closed", ["x", "^close"], {"T": f}),
    ]
    more = []
    if version == "":
        nodes += [
            ("TensorArrayPack", "packed", [array, "write1"], {"dtype": f, "element_shape": tf.TensorShape(None)}),
            ("TensorArray", "unpacked", ["two"], {**make, "tensor_array_name": b"u"}),
            ("TensorArrayUnpack", "unpack", ["unpacked", "pair", "flow0"], {"T": f}),
            ("TensorArrayRead", "row", ["unpacked", "one", "unpack"], {"dtype": f}),
        ]
        more = ["packed:0", "row:0"]
    fetches = more + ["read:0", "gather:0", "concat:0", "concat:1", "size:0", "joined:0", "scattered:0", "summed:0", "closed:0"]
    return _graph(producer, *nodes), fetches


def graphs():
    x = np.array([1, 2, -3], np.float32)
    for version, producer in (("", 15), ("V2", 25), ("V3", 26)):
        graph, fetches = _arrays(version, producer)
        graph_case(f"arrays {version}", graph, runs=[({"x:0": x}, [fetch]) for fetch in fetches])
    for version in ("", "V2"):
        f = tf.float32
        size = [_const("most", -1, tf.int32)] if version else []
        graph = _graph(
            26, *size, ("Placeholder", "x", [], {"dtype": f, "shape": tf.TensorShape([3])}),
            (f"Stack{version}", "stack", ["most"] if version else [], {"elem_type": f, "stack_name": b"s"}),
            (f"StackPush{version}", "push", ["stack", "x"], {"T": f, "swap_memory": False}),
            ("Mul", "double", ["push", "push"], {"T": f}),
            (f"StackPush{version}", "push2", ["stack", "double"], {"T": f, "swap_memory": False}),
            (f"StackPop{version}", "pop", ["stack", "^push2"], {"elem_type": f}),
            (f"StackClose{version}", "close", ["stack", "^pop"], {}),
            ("Identity", "y", ["pop", "^close"], {"T": f}))
        graph_case(f"stack {version}", graph, runs=[({"x:0": x}, ["y:0"])])
    f, i = tf.float32, tf.int32
    graph = _graph(
        26, ("Placeholder", "n", [], {"dtype": i, "shape": tf.TensorShape([])}),
        _const("zero", 0, i), _const("one", 1, i), _const("x", [1, 2, 3], f),
        ("VariableV2", "w", [], {"dtype": f, "shape": tf.TensorShape([3])}),
        ("Enter", "i_enter", ["zero"], {"T": i, "frame_name": b"loop"}),
        ("RefEnter", "w_enter", ["w"], {"T": f, "frame_name": b"loop"}),
        ("Enter", "n_enter", ["n"], {"T": i, "frame_name": b"loop", "is_constant": True}),
        ("Enter", "x_enter", ["x"], {"T": f, "frame_name": b"loop", "is_constant": True}),
        ("Enter", "one_enter", ["one"], {"T": i, "frame_name": b"loop", "is_constant": True}),
        ("Merge", "i", ["i_enter", "i_next"], {"T": i, "N": 2}),
        ("RefMerge", "w_merge", ["w_enter", "w_next"], {"T": f, "N": 2}),
        ("Less", "less", ["i", "n_enter"], {"T": i}),
        ("LoopCond", "condition", ["less"], {}),
        ("Switch", "i_switch", ["i", "condition"], {"T": i}),
        ("RefSwitch", "w_switch", ["w_merge", "condition"], {"T": f}),
        ("AssignAdd", "add", ["w_switch:1", "x_enter"], {"T": f}),
        ("Add", "i_add", ["i_switch:1", "one_enter", "^add"], {"T": i}),
        ("NextIteration", "i_next", ["i_add"], {"T": i}),
        ("RefNextIteration", "w_next", ["add"], {"T": f}),
        ("Exit", "i_exit", ["i_switch"], {"T": i}),
        ("RefExit", "w_exit", ["w_switch"], {"T": f}),
        ("Identity", "y", ["w_exit", "^i_exit"], {"T": f}))
    graph_case("a loop over a reference", graph, variables={"w": np.array([10, 20, 30], np.float32)},
               runs=[({"n:0": np.int32(n)}, ["y:0"]) for n in (0, 2, 1)])
    tf1.disable_control_flow_v2()
    with tf.Graph().as_default() as graph:
        n = tf1.placeholder(tf.int32, [], name="n")
        tf1.while_loop(lambda i, y: i < n, lambda i, y: (i + 1, tf.add(y * 2.0, 1.0, name="inside")), [0, tf.constant([1.0, 2.0])])
    graph_case("a fetch in a loop", graph, runs=[({"n:0": np.int32(n)}, ["while/inside:0"]) for n in (1, 2)])
