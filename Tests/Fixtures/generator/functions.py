"""Graphs with functions: calls, If, Case and While of TensorFlow 2, and lists of tensors."""
import numpy as np
import tensorflow as tf

from .core import graph_case, tf1


def _graph(build):
    with tf.Graph().as_default() as graph:
        build()
    return graph


def graphs():
    tf1.enable_control_flow_v2()
    two = np.array([1, 2], np.float32)

    def calls():
        x = tf1.placeholder(tf.float32, [2], name="x")

        @tf.function
        def inner(a, b):
            return a * b, tf.split(a - b, 2)

        @tf.function
        def outer(a):
            product, parts = inner(a, tf.constant([3.0, 4.0]))
            values, indices = tf.math.top_k(product, 2)
            return parts[1] + product, values, indices
        y, values, indices = outer(x)
        tf.identity(y, name="y")
        tf.identity(values, name="values")
        tf.identity(indices, name="indices")
        tf.identity(outer(y)[0], name="twice")
    graph_case("calls", _graph(calls), runs=[({"x:0": two}, ["y:0", "values:0", "indices:0", "twice:0"]), ({"x:0": two}, ["twice:0"])])

    def variables():
        x = tf1.placeholder(tf.float32, [2], name="x")
        handle = tf.raw_ops.VarHandleOp(shape=[2], dtype=tf.float32, name="v", shared_name="v")

        @tf.function
        def scaled(a, v):
            return a * tf.raw_ops.ReadVariableOp(resource=v, dtype=tf.float32)
        tf.identity(scaled(x, handle), name="y")
    graph_case("a variable in a call", _graph(variables), variables={"v": np.array([10, 20], np.float32)}, runs=[({"x:0": two}, ["y:0"])])

    def conditions():
        p = tf1.placeholder(tf.bool, [], name="p")
        x = tf1.placeholder(tf.float32, [2], name="x")
        y = tf.cond(p, lambda: (x + 1.0, tf.constant(3.0)), lambda: (tf.reverse(x, [0]) if False else x * 5.0, tf.reduce_sum(x)))
        tf.identity(y[0], name="y")
        tf.identity(y[1], name="z")
        tf.identity(tf.cond(p, lambda: tf.cond(x[0] > 1.0, lambda: x, lambda: -x), lambda: tf.constant([7.0, 7.0])), name="nested")
        tf.identity(tf.cond(p, lambda: tf.constant([1.0]), lambda: tf.constant([2.0])), name="constants")
    graph_case("If", _graph(conditions), runs=[({"p:0": p, "x:0": x}, ["y:0", "z:0", "nested:0", "constants:0"]) for p in (True, False) for x in (two, two + 1)])

    def effects():
        x = tf1.placeholder(tf.float32, [2], name="x")
        p = tf1.placeholder(tf.bool, [], name="p")

        @tf.function
        def checked(a):
            tf.debugging.Assert(tf.reduce_all(a > 0.0), [a])
            return a * 2.0
        tf.identity(checked(x), name="y")
        tf.identity(tf.cond(p, lambda: checked(x), lambda: x), name="z")
    bad = np.array([1, -2], np.float32)
    graph_case("assertions in functions", _graph(effects), runs=[({"x:0": v}, ["y:0"]) for v in (two, bad)] + [({"x:0": v, "p:0": p}, ["z:0"]) for v in (two, bad) for p in (True, False)])

    def cases():
        k = tf1.placeholder(tf.int32, [], name="k")
        x = tf1.placeholder(tf.float32, [2], name="x")
        tf.identity(tf.switch_case(k, [lambda: x, lambda: x * x, lambda: tf.constant([0.0, -1.0])]), name="y")
    graph_case("Case", _graph(cases), runs=[({"k:0": np.int32(k), "x:0": two}, ["y:0"]) for k in (0, 1, 2, 3, -1)])

    def loops():
        n = tf1.placeholder(tf.int32, [], name="n")
        x = tf1.placeholder(tf.float32, [2, 2], name="x")
        y = tf.while_loop(lambda i, y: i < n, lambda i, y: (i + 1, tf.matmul(y, x) + tf.cast(i, tf.float32)), [0, x])
        tf.identity(y[1], name="y")

        def outer(i, t):
            return i + 1, tf.while_loop(lambda j, t: j < i, lambda j, t: (j + 1, tf.cond(t[0] > 3.0, lambda: t * 0.5, lambda: t + 1.0)), [0, t])[1]
        tf.identity(tf.while_loop(lambda i, t: i < n, outer, [0, tf.constant([0.5, 2.0])])[1], name="nested")
    graph_case("While", _graph(loops), runs=[({"n:0": np.int32(n), "x:0": np.array([[1, 2], [0.5, -1]], np.float32)}, ["y:0", "nested:0"]) for n in (0, 1, 4)])

    def recurrent():
        x = tf1.placeholder(tf.float32, [None, None, 3], name="x")
        w = tf.constant(np.linspace(-1, 1, 10).reshape(5, 2).astype(np.float32))

        @tf.function
        def run(x):
            time = tf.shape(x)[1]
            inputs = tf.TensorArray(tf.float32, time).unstack(tf.transpose(x, [1, 0, 2]))
            outputs = tf.TensorArray(tf.float32, time)
            state = tf.zeros([tf.shape(x)[0], 2])
            for t in tf.range(time):
                state = tf.tanh(tf.matmul(tf.concat([inputs.read(t), state], 1), w))
                outputs = outputs.write(t, state)
            return tf.transpose(outputs.stack(), [1, 0, 2]), state
        y, state = run(x)
        tf.identity(y, name="y")
        tf.identity(state, name="state")
    data = np.linspace(-1, 1, 24).reshape(2, 4, 3).astype(np.float32)
    graph_case("recurrent", _graph(recurrent), runs=[({"x:0": data}, ["y:0", "state:0"]), ({"x:0": data[:1, :1]}, ["y:0"]), ({"x:0": data[:, :0]}, ["y:0"])])

    def lists():
        n = tf1.placeholder(tf.int32, [], name="n")
        raw = tf.raw_ops
        shape = tf.constant([2])
        reserved = raw.TensorListReserve(element_shape=shape, num_elements=n, element_dtype=tf.float32)
        one = raw.TensorListSetItem(input_handle=reserved, index=n - 1, item=[1.0, 2.0])
        tf.identity(raw.TensorListStack(input_handle=one, element_shape=shape, element_dtype=tf.float32), name="stack")
        tf.identity(raw.TensorListGetItem(input_handle=one, index=0, element_shape=shape, element_dtype=tf.float32), name="item")
        tf.identity(raw.TensorListLength(input_handle=one), name="length")
        rows = raw.TensorListFromTensor(tensor=tf.reshape(tf.range(6.0), [3, 2]), element_shape=shape)
        tf.identity(raw.TensorListGather(input_handle=rows, indices=[2, 0], element_shape=shape, element_dtype=tf.float32), name="gather")
        popped, last = raw.TensorListPopBack(input_handle=rows, element_shape=shape, element_dtype=tf.float32)
        tf.identity(last, name="last")
        pushed = raw.TensorListPushBack(input_handle=popped, tensor=last * 2.0)
        tf.identity(raw.TensorListStack(input_handle=pushed, element_shape=shape, element_dtype=tf.float32), name="pushed")
        joined = raw.TensorListConcatLists(input_a=pushed, input_b=rows, element_dtype=tf.float32)
        tf.identity(raw.TensorListLength(input_handle=joined), name="joined")
        split = raw.TensorListSplit(tensor=tf.range(5.0), element_shape=tf.constant([-1]), lengths=tf.constant([2, 0, 3], tf.int64))
        value, lengths = raw.TensorListConcatV2(input_handle=split, element_shape=tf.constant([-1]), leading_dims=tf.constant([], tf.int64), element_dtype=tf.float32)
        tf.identity(value, name="value")
        tf.identity(lengths, name="lengths")
        scattered = raw.TensorListScatterV2(tensor=tf.reshape(tf.range(4.0), [2, 2]), indices=[3, 0], element_shape=shape, num_elements=-1)
        tf.identity(raw.TensorListStack(input_handle=scattered, element_shape=shape, element_dtype=tf.float32), name="scattered")
        resized = raw.TensorListResize(input_handle=rows, size=n)
        tf.identity(raw.TensorListStack(input_handle=resized, element_shape=shape, element_dtype=tf.float32), name="resized")
        tf.identity(raw.TensorListElementShape(input_handle=rows, shape_type=tf.int64), name="shape")
        into = raw.TensorListScatterIntoExistingList(input_handle=rows, tensor=[[9.0, 8.0]], indices=[1])
        tf.identity(raw.TensorListStack(input_handle=into, element_shape=shape, element_dtype=tf.float32), name="into")
        old = raw.TensorListScatter(tensor=tf.reshape(tf.range(4.0), [2, 2]), indices=[1, 0], element_shape=shape)
        tf.identity(raw.TensorListStack(input_handle=old, element_shape=shape, element_dtype=tf.float32), name="old")
        empty = raw.EmptyTensorList(element_shape=shape, max_num_elements=-1, element_dtype=tf.float32)
        tf.identity(raw.TensorListPopBack(input_handle=empty, element_shape=shape, element_dtype=tf.float32)[1], name="nothing")
        tf.identity(raw.TensorListConcat(input_handle=rows, element_dtype=tf.float32, element_shape=[2])[0], name="flat")
    names = ["gather", "last", "pushed", "joined", "value", "lengths", "scattered", "shape", "into", "old", "nothing", "flat"]
    graph_case("lists", _graph(lists), runs=[({"n:0": np.int32(n)}, [f"{name}:0"]) for n in (0, 1, 3, 5) for name in ("stack", "item", "length", "resized")] + [({}, [f"{name}:0"]) for name in names])

    def recursion():
        x = tf1.placeholder(tf.float32, [2], name="x")

        @tf.function
        def deep(a):
            return a + 1.0
        for _ in range(3):
            x = deep(deep(x))
        tf.identity(x, name="y")
    graph_case("many calls", _graph(recursion), runs=[({"x:0": two}, ["y:0"])])

    def loop_in_call():
        n = tf1.placeholder(tf.int32, [], name="n")

        @tf.function
        def inner(t):
            return tf.while_loop(lambda j, u: j < 3, lambda j, u: (j + 1, u * 2.0 + 1.0), [0, t])[1]
        tf.identity(tf.while_loop(lambda i, t: i < n, lambda i, t: (i + 1, inner(t) - 1.0), [0, tf.constant([0.5, 2.0])])[1], name="y")
    graph_case("a call of a loop in a loop", _graph(loop_in_call), runs=[({"n:0": np.int32(n)}, ["y:0"]) for n in (0, 1, 3)])

    def controls():
        x = tf1.placeholder(tf.float32, [2], name="x")
        p = tf1.placeholder(tf.bool, [], name="p")

        @tf.function
        def f(a):
            return a * 2.0, tf.constant(1.0)
        side = tf.raw_ops.Switch(data=x, pred=p)
        with tf.control_dependencies([tf.identity(side[1])]):
            y, one = f(x)
        tf.identity(y, name="y")
        tf.raw_ops.Merge(inputs=[one, tf.reduce_sum(side[0])], name="m")
    graph_case("a call in a branch", _graph(controls), runs=[({"x:0": two, "p:0": p}, [f]) for p in (True, False) for f in ("y:0", "m:0")])
    tf1.disable_control_flow_v2()
