"""Graphs with branches: Switch and Merge as tf.cond makes them, and in other forms."""
import numpy as np
import tensorflow as tf

from .core import graph_case, tf1

BOTH = [({"p:0": True}), ({"p:0": False})]


def _with(feeds, fetches, more=()):
    return [({**feed, **feeds}, fetches) for feed in BOTH] + list(more)


def graphs():
    tf1.disable_control_flow_v2()
    x_value = np.array([[1, -2, 3], [4, 5, -6]], np.float32)
    with tf.Graph().as_default() as graph:
        p = tf1.placeholder(tf.bool, [], name="p")
        x = tf1.placeholder(tf.float32, [None, 3], name="x")
        tf.identity(tf1.cond(p, lambda: tf.nn.relu(x) + 1.0, lambda: x * 2.0), name="y")
    graph_case("cond", graph, runs=_with({"x:0": x_value}, ["y:0"], [({"x:0": x_value}, ["y:0"]), ({"p:0": True}, ["y:0"])]))
    with tf.Graph().as_default() as graph:
        p = tf1.placeholder(tf.bool, [], name="p")
        x = tf1.placeholder(tf.float32, [None, 3], name="x")
        tf.identity(tf1.cond(p, lambda: tf.reduce_sum(x, axis=0), lambda: tf.reshape(x, [-1])) + 1.0, name="y")
        tf.shape(graph.get_tensor_by_name("cond/Merge:0"), name="s")
        tf.identity(graph.get_tensor_by_name("cond/Merge:1"), name="which")
    graph_case("branches of other shapes", graph, runs=_with({"x:0": x_value}, ["y:0", "s:0", "which:0"]))
    with tf.Graph().as_default() as graph:
        p = tf1.placeholder(tf.bool, [], name="p")
        x = tf1.placeholder(tf.float32, [2], name="x")
        s, t = tf.raw_ops.Switch(data=x, pred=p)
        tf.negative(s, name="no")
        tf.add(t, 1.0, name="yes")
    two = np.array([1, 2], np.float32)
    graph_case("dead fetches", graph, runs=_with({"x:0": two}, ["no:0"]) + _with({"x:0": two}, ["yes:0"]))
    with tf.Graph().as_default() as graph:
        p = tf1.placeholder(tf.bool, [], name="p")
        q = tf1.placeholder(tf.bool, [], name="q")
        x = tf1.placeholder(tf.float32, [2], name="x")
        tf.identity(tf1.cond(p, lambda: tf1.cond(q, lambda: x + 1.0, lambda: x + 2.0), lambda: tf1.cond(q, lambda: x * 3.0, lambda: tf.constant([7.0, 8.0]))), name="y")
    graph_case("cond in cond", graph, runs=[({"p:0": a, "q:0": b, "x:0": two}, ["y:0"]) for a in (True, False) for b in (True, False)])
    with tf.Graph().as_default() as graph:
        p = tf1.placeholder(tf.bool, [], name="p")
        x = tf1.placeholder(tf.float32, [None], name="x")
        tf.identity(tf1.cond(p, lambda: tf.matmul(tf.reshape(x, [2, 2]), [[1.0], [2.0]]), lambda: tf.zeros([2, 1])), name="y")
    graph_case("an error in one branch", graph, runs=_with({"x:0": np.arange(4, dtype=np.float32)}, ["y:0"]) + _with({"x:0": np.arange(3, dtype=np.float32)}, ["y:0"]))
    with tf.Graph().as_default() as graph:
        p = tf1.placeholder(tf.bool, [], name="p")
        x = tf1.placeholder(tf.float32, [2, 2], name="x")
        z = tf.raw_ops.Placeholder(dtype=tf.float32, shape=None, name="z")
        tf.identity(tf1.cond(p, lambda: x @ x, lambda: tf.reshape(z, [2, 2])), name="y")
    square = np.array([[1, 2], [3, 4]], np.float32)
    graph_case("a feed for one branch", graph, runs=_with({"x:0": square, "z:0": np.arange(4, dtype=np.float32)}, ["y:0"]) + [({"p:0": True, "x:0": square, "z:0": np.arange(3, dtype=np.float32)}, ["y:0"])])
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None], name="x")
        big = tf.size(x) > 2
        tf.identity(tf1.cond(big, lambda: tf.reduce_sum(x), lambda: tf.reduce_prod(x)), name="y")
        tf.identity(tf1.cond(tf.constant(False), lambda: x / 0.0, lambda: x - 1.0), name="z")
    graph_case("predicates that shapes tell", graph, runs=[({"x:0": np.arange(1, n + 1, dtype=np.float32)}, ["y:0", "z:0"]) for n in (0, 2, 3)])
    with tf.Graph().as_default() as graph:
        p = tf1.placeholder(tf.bool, [], name="p")
        x = tf1.placeholder(tf.string, [None], name="x")
        y = tf1.cond(p, lambda: tf.reshape(x, [-1, 1]), lambda: tf.constant([["none"]]))
        tf.identity(y, name="y")
    graph_case("strings", graph, runs=_with({"x:0": np.array([b"a", b"bc"], object)}, ["y:0"]))
    with tf.Graph().as_default() as graph:
        k = tf1.placeholder(tf.int32, [], name="k")
        x = tf1.placeholder(tf.float32, [2], name="x")
        tf.identity(tf1.case([(tf.equal(k, 0), lambda: x), (tf.equal(k, 1), lambda: x * x)], default=lambda: -x), name="y")
    graph_case("tf.case", graph, runs=[({"k:0": np.int32(k), "x:0": two}, ["y:0"]) for k in (0, 1, 5)])
    with tf.Graph().as_default() as graph:
        p = tf1.placeholder(tf.bool, [], name="p")
        x = tf1.placeholder(tf.float32, [2], name="x")
        s = tf.raw_ops.Switch(data=x, pred=p)
        with tf.control_dependencies([tf.identity(s[1], name="pivot")]):
            c = tf.constant([5.0, 6.0])
        a = tf.negative(s[0])
        m = tf.raw_ops.Merge(inputs=[c, a, tf.identity(s[1]) + 1.0 if False else a])
        tf.identity(m[0], name="y")
        tf.identity(m[1], name="which")
        with tf.control_dependencies([c]):
            tf.identity(x, name="after")
        tf.raw_ops.ControlTrigger(name="trigger")
    graph_case("a constant that waits for a branch", graph, runs=_with({"x:0": two}, ["y:0", "which:0"]) + _with({"x:0": two}, ["after:0"]))
    with tf.Graph().as_default() as graph:
        p = tf1.placeholder(tf.bool, [], name="p")
        x = tf1.placeholder(tf.float32, [2, 3], name="x")
        a = tf1.cond(p, lambda: [x + 1.0, tf.reduce_max(x)], lambda: [x - 1.0, tf.reduce_min(x)])
        b = tf1.cond(p, lambda: a[0] * a[1], lambda: a[0] / 2.0)
        tf.identity(b + a[0], name="y")
    graph_case("branches one after another", graph, runs=_with({"x:0": x_value}, ["y:0"]))
    with tf.Graph().as_default() as graph:
        p = tf1.placeholder(tf.bool, [], name="p")
        x = tf1.placeholder(tf.float32, [None, 3], name="x")
        y = tf.nn.relu(tf1.cond(p, lambda: x, lambda: x * 2.0))
        z = tf.nn.relu(tf.exp(tf1.cond(p, lambda: tf.tanh(x), lambda: tf.sin(x))))
        tf.add(y, z, name="y")
        tf.identity(x, name="again")
    graph_case("memory of merged values", graph, runs=_with({"x:0": x_value}, ["y:0", "again:0"]))
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [2], name="x")
        check = tf.raw_ops.Assert(condition=tf.reduce_all(x > 0.0), data=[tf.constant("x must be positive:"), x], summarize=3)
        with tf.control_dependencies([check]):
            tf.identity(x, name="y")
        p = tf1.placeholder(tf.bool, [], name="p")

        def checked():
            with tf.control_dependencies([tf.debugging.assert_less(x, 10.0)]):
                return tf.identity(x)
        tf.identity(tf1.cond(p, checked, lambda: x * 2.0), name="z")
    bad = np.array([1, -2], np.float32)
    graph_case("assertions", graph, runs=[({"x:0": two}, ["y:0"]), ({"x:0": bad}, ["y:0"])] + _with({"x:0": bad}, ["z:0"]) + _with({"x:0": two * 20}, ["z:0"]))
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, name="x")
        tf.raw_ops.Merge(inputs=[tf.raw_ops.Switch(data=x, pred=tf.less(tf.rank(x), 2))[1], tf.expand_dims(tf.raw_ops.Switch(data=x, pred=tf.less(tf.rank(x), 2))[0], 0)], name="m")
        tf.identity(tf.raw_ops.IdentityN(input=[x, tf.constant(3)])[1], name="three")
    graph_case("unknown ranks", graph, runs=[({"x:0": np.ones([2] * r, np.float32)}, ["m:0", "m:1", "three:0"]) for r in (0, 1, 2, 3)])
    for value in (np.int32(0), np.int32(-3), np.float32(-0.0), np.float32(0.5), np.zeros([0], np.float32), np.zeros([2], np.float32), np.array(b"", object), np.array(b"x", object), np.int64(1 << 40), np.array(True)):
        with tf.Graph().as_default() as graph:
            value = np.asarray(value)
            x = tf1.placeholder(tf.string if value.dtype == object else value.dtype, value.shape, name="x")
            tf.raw_ops.ToBool(input=x, name="y")
        graph_case(f"ToBool {value.dtype} {value.shape}", graph, runs=[({"x:0": value}, ["y:0"])])
