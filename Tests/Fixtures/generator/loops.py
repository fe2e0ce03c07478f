"""Graphs with loops: tf.while_loop of TensorFlow 1, with arrays, stacks, branches and loops in them."""
import numpy as np
import tensorflow as tf
from tensorflow.python.ops import rnn

from .core import graph_case, tf1


def _int(value):
    return np.int32(value)


def graphs():
    tf1.disable_control_flow_v2()
    with tf.Graph().as_default() as graph:
        n = tf1.placeholder(tf.int32, [], name="n")
        x = tf1.placeholder(tf.float32, [2, 2], name="x")
        i, y = tf1.while_loop(lambda i, y: i < n, lambda i, y: (i + 1, tf.matmul(y, x) + 1.0), [0, x])
        tf.identity(i, name="i")
        tf.identity(y, name="y")
    square = np.array([[1, 2], [0.5, -1]], np.float32)
    graph_case("counting", graph, runs=[({"n:0": _int(n), "x:0": square}, ["i:0", "y:0"]) for n in (0, 1, 2, 5)] + [({"n:0": _int(3), "x:0": square}, ["y:0"])])
    with tf.Graph().as_default() as graph:
        n = tf1.placeholder(tf.int32, [], name="n")
        a, b, c = tf1.while_loop(lambda i, a, b: i < n, lambda i, a, b: (i + 1, b, a + b), [0, tf.constant([0, 1]), tf.constant([1, 1])])
        tf.identity(b, name="b")
        tf.identity(c, name="c")
        _, d, e = tf1.while_loop(lambda i, a, b: i < n, lambda i, a, b: (i + 1, b, a), [0, tf.range(3), -tf.range(3)])
        tf.stack([d, e], name="swapped")
    graph_case("variables that swap", graph, runs=[({"n:0": _int(n)}, ["b:0", "c:0", "swapped:0"]) for n in (0, 1, 2, 9)])
    with tf.Graph().as_default() as graph:
        n = tf1.placeholder(tf.int32, [], name="n")
        _, y = tf1.while_loop(lambda i, y: i < n, lambda i, y: (i + 1, tf.concat([y, [tf.cast(i, tf.float32)]], 0)), [0, tf.zeros([1])], shape_invariants=[tf.TensorShape([]), tf.TensorShape([None])])
        tf.identity(y, name="y")
        tf.reduce_sum(y * 2.0, name="s")
    graph_case("a variable that grows", graph, runs=[({"n:0": _int(n)}, ["y:0", "s:0"]) for n in (0, 1, 6)])
    with tf.Graph().as_default() as graph:
        n = tf1.placeholder(tf.int32, [], name="n")

        def outer(i, total):
            _, inner = tf1.while_loop(lambda j, t: j < i, lambda j, t: (j + 1, t + tf.cast(i * j, tf.float32)), [0, total])
            return i + 1, inner
        _, y = tf1.while_loop(lambda i, t: i < n, outer, [0, tf.constant(0.5)])
        tf.identity(y, name="y")
    graph_case("loop in loop", graph, runs=[({"n:0": _int(n)}, ["y:0"]) for n in (0, 1, 2, 5)])
    with tf.Graph().as_default() as graph:
        n = tf1.placeholder(tf.int32, [], name="n")
        x = tf1.placeholder(tf.float32, [3], name="x")

        def body(i, y):
            y = tf1.cond(tf.equal(i % 2, 0), lambda: y + x, lambda: y * 0.5)
            return i + 1, y
        _, y = tf1.while_loop(lambda i, y: tf.logical_and(i < n, tf.reduce_sum(y) < 30.0), body, [0, tf.zeros([3])])
        tf.identity(y, name="y")
    graph_case("branch in loop", graph, runs=[({"n:0": _int(n), "x:0": np.array([1, 2, 3], np.float32)}, ["y:0"]) for n in (0, 1, 4, 100)])
    with tf.Graph().as_default() as graph:
        p = tf1.placeholder(tf.bool, [], name="p")
        x = tf1.placeholder(tf.float32, [3], name="x")
        loop = lambda: tf1.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y + x), [0, x])[1]
        tf.identity(tf1.cond(p, loop, lambda: x), name="y")
    graph_case("loop in branch", graph, runs=[({"p:0": p, "x:0": np.array([1, 2, 3], np.float32)}, ["y:0"]) for p in (True, False)])
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None, None, 3], name="x")
        time = tf.shape(x)[1]
        inputs = tf.TensorArray(tf.float32, time).unstack(tf.transpose(x, [1, 0, 2]))
        outputs = tf.TensorArray(tf.float32, time)
        w = tf.constant(np.linspace(-1, 1, 12).reshape(6, 2).astype(np.float32))

        def step(t, state, outputs):
            state = tf.tanh(tf.matmul(tf.concat([inputs.read(t), state, state[:, :1]], 1), w))
            return t + 1, state, outputs.write(t, state)
        _, state, outputs = tf1.while_loop(lambda t, *_: t < time, step, [0, tf.zeros([tf.shape(x)[0], 2]), outputs])
        tf.transpose(outputs.stack(), [1, 0, 2], name="y")
        tf.identity(state, name="state")
    data = np.linspace(-1, 1, 24).reshape(2, 4, 3).astype(np.float32)
    graph_case("recurrent", graph, runs=[({"x:0": data}, ["y:0", "state:0"]), ({"x:0": data[:1, :1]}, ["y:0"]), ({"x:0": data[:, :0]}, ["state:0"]), ({"x:0": data}, ["state:0"])])
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [4, None, 5], name="x")
        length = tf1.placeholder(tf.int32, [4], name="length")
        cell = _cell(5, 3)
        y, _ = rnn.dynamic_rnn(cell, x, length, dtype=tf.float32)
        tf.identity(y, name="y")
    data = np.linspace(-2, 2, 4 * 6 * 5).reshape(4, 6, 5).astype(np.float32)
    graph_case("dynamic_rnn", graph, runs=[({"x:0": data, "length:0": np.array(lengths, np.int32)}, ["y:0"]) for lengths in ([6, 3, 0, 1], [6, 6, 6, 6], [2, 2, 1, 0])])
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None], name="x")
        y = tf.map_fn(lambda v: v * v + 1.0, x)
        tf.identity(y, name="y")
        tf.identity(tf.scan(lambda a, v: a + v, x), name="sums")
        tf.identity(tf.foldl(lambda a, v: a * 0.5 + v, x, initializer=tf.constant(1.0)), name="folded")
    graph_case("map, scan, fold", graph, runs=[({"x:0": np.arange(1, n + 1, dtype=np.float32)}, ["y:0", "folded:0"]) for n in (0, 1, 4)] + [({"x:0": np.arange(4, dtype=np.float32)}, ["sums:0"])])
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [3], name="x")
        _, y = tf1.while_loop(lambda i, y: i < 4, lambda i, y: (i + 1, tf.sin(y * x)), [0, x])
        g = tf1.gradients(y, x)[0]
        tf.identity(g, name="g")
    graph_case("gradient of a loop", graph, runs=[({"x:0": np.array([0.3, -1, 2], np.float32)}, ["g:0"])])
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None, 2], name="x")
        y = tf.map_fn(lambda row: tf.reduce_sum(tf.tanh(row) * row), x)
        tf.identity(tf1.gradients(y, x)[0], name="g")
    graph_case("gradient of map_fn", graph, runs=[({"x:0": np.array([[0.3, -1], [2, 1], [0, 0.5]], np.float32)}, ["g:0"])])
    with tf.Graph().as_default() as graph:
        n = tf1.placeholder(tf.int32, [], name="n")
        _, s = tf1.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, tf.reshape(tf.concat([s, tf.constant(["ab", "c"])], 0)[-2:], [2])), [0, tf.constant(["", "-"])])
        tf.identity(s, name="s")
    graph_case("strings that grow", graph, runs=[({"n:0": _int(n)}, ["s:0"]) for n in (0, 1, 5)])
    with tf.Graph().as_default() as graph:
        n = tf1.placeholder(tf.int32, [], name="n")
        x = tf1.placeholder(tf.float32, [2], name="x")
        _, y = tf1.while_loop(lambda i, y: i < n, lambda i, y: (i + 1, tf.reshape(tf.matmul(tf.reshape(y, [1, 2]), tf.reshape(x, [2, 1])) * [[1.0, 2.0]], [2])), [0, x], parallel_iterations=1)
        with tf.control_dependencies([tf.debugging.assert_greater(tf.reduce_sum(y), -5.0)]):
            tf.identity(y, name="y")
        _, z = tf1.while_loop(lambda i, z: i < 3, lambda i, z: (i + 1, z + y), [0, y])
        tf.identity(z, name="z")
        tf.add(y, z, name="both")
    graph_case("loops one after another", graph, runs=[({"n:0": _int(n), "x:0": np.array([1, -0.5], np.float32)}, ["y:0", "z:0", "both:0"]) for n in (0, 1, 3)] + [({"n:0": _int(1), "x:0": np.array([-9, 5], np.float32)}, ["both:0"])])
    with tf.Graph().as_default() as graph:
        n = tf1.placeholder(tf.int32, [], name="n")
        array = tf.TensorArray(tf.int32, 2, clear_after_read=False)
        array = array.write(0, 5).write(1, 6)
        tf.identity(array.read(n), name="read")
        once = tf.TensorArray(tf.int32, 2).write(0, [5])
        tf.identity(once.write(n, [6]).read(0), name="twice")
        grows = tf.TensorArray(tf.int32, 0, dynamic_size=True, element_shape=[]).write(n, 7)
        tf.identity(grows.size(), name="size")
        tf.identity(grows.stack(), name="stack")
        tf.identity(tf.TensorArray(tf.float32, 3, infer_shape=False).split([1.0, 2.0, 3.0, 4.0], [1, 0, 3]).concat(), name="concat")
        tf.identity(tf.TensorArray(tf.float32, 3).scatter([2, 0, 1], [[1.0], [2.0], [3.0]]).gather([0, 2]), name="gather")
        tf.identity(tf.TensorArray(tf.float32, n).stack(), name="unset")
    graph_case("arrays", graph, runs=[({"n:0": _int(n)}, [f]) for n in (0, 1, 2, -1) for f in ("read:0", "twice:0", "size:0", "stack:0")] + [({}, ["concat:0", "gather:0"])] + [({"n:0": _int(1)}, ["unset:0"])])
    with tf.Graph().as_default() as graph:
        stack = tf.raw_ops.StackV2(max_size=-1, elem_type=tf.float32, stack_name="s")
        x = tf1.placeholder(tf.float32, [2], name="x")
        first = tf.raw_ops.StackPushV2(handle=stack, elem=x)
        with tf.control_dependencies([first]):
            second = tf.raw_ops.StackPushV2(handle=stack, elem=x * 2.0)
        with tf.control_dependencies([second]):
            a = tf.raw_ops.StackPopV2(handle=stack, elem_type=tf.float32)
        with tf.control_dependencies([a]):
            b = tf.raw_ops.StackPopV2(handle=stack, elem_type=tf.float32)
        tf.subtract(a, b, name="y")
        with tf.control_dependencies([b]):
            tf.raw_ops.StackPopV2(handle=stack, elem_type=tf.float32, name="empty")
            tf.raw_ops.StackCloseV2(handle=stack, name="close")
    graph_case("stacks", graph, runs=[({"x:0": np.array([1, 2], np.float32)}, ["y:0"]), ({"x:0": np.array([1, 2], np.float32)}, ["empty:0"])])

    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None, None, 5], name="x")
        length = tf1.placeholder(tf.int32, [None], name="length")
        y, _ = rnn.dynamic_rnn(_cell(5, 3), x, length, dtype=tf.float32)
        tf.identity(y, name="y")
    data = np.linspace(-1, 1, 2 * 6 * 5).reshape(2, 6, 5).astype(np.float32)
    graph_case("dynamic_rnn of any batch, shorter than its steps", graph, runs=[({"x:0": data, "length:0": np.array(lengths, np.int32)}, ["y:0"]) for lengths in ([2, 3], [0, 0], [6, 1])])
    with tf.Graph().as_default() as graph:
        x, z = (tf1.placeholder(tf.float32, [None], name=name) for name in "xz")
        for identical in (True, False):
            name = "identical" if identical else "any"
            array, flow = tf.raw_ops.TensorArrayV3(size=3, dtype=tf.float32, identical_element_shapes=identical, clear_after_read=False)
            flow = tf.raw_ops.TensorArrayWriteV3(handle=array, index=1, value=x, flow_in=flow)
            tf.raw_ops.TensorArrayGatherV3(handle=array, indices=[0, 1], flow_in=flow, dtype=tf.float32, name=f"{name}_unset")
            flow = tf.raw_ops.TensorArrayWriteV3(handle=array, index=2, value=z, flow_in=flow)
            tf.raw_ops.TensorArrayReadV3(handle=array, index=2, flow_in=flow, dtype=tf.float32, name=f"{name}_read")
    numbers = np.array([1, 2, 3], np.float32)
    graph_case("arrays of elements of one shape", graph, runs=[({"x:0": numbers[:2], "z:0": numbers[:count]}, [f"{name}_{kind}:0"]) for name in ("identical", "any") for kind in ("unset", "read") for count in (2, 3)])


def _cell(inputs, units):
    """An LSTM cell with constant weights, for dynamic_rnn."""
    weights = np.linspace(-0.5, 0.5, (inputs + units) * 4 * units).reshape(inputs + units, 4 * units).astype(np.float32)

    class Cell:
        state_size = 2 * units
        output_size = units

        def get_initial_state(self, inputs=None, batch_size=None, dtype=None):
            return tf.zeros([batch_size, 2 * units], dtype)

        zero_state = get_initial_state

        def __call__(self, x, state, scope=None):
            c, h = tf.split(state, 2, 1)
            i, j, f, o = tf.split(tf.matmul(tf.concat([x, h], 1), tf.constant(weights)), 4, 1)
            c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
            h = tf.tanh(c) * tf.sigmoid(o)
            return h, tf.concat([c, h], 1)
    return Cell()
