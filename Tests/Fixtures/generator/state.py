"""Graphs that change variables: what one run assigns the next one reads."""
import numpy as np
import tensorflow as tf

from .core import graph_case, tf1

raw = tf.raw_ops


def graphs():
    tf1.disable_control_flow_v2()
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [2], name="x")
        w = raw.VariableV2(shape=[2], dtype=tf.float32, name="w")
        tf.add(w, x, name="sum")
        count = raw.AssignAdd(ref=w, value=x, name="count")
        with tf.control_dependencies([count]):
            tf.identity(w, name="after")
        raw.Assign(ref=w, value=x, name="set")
        raw.AssignSub(ref=w, value=x * 2.0, name="less")
    two = np.array([1, 2], np.float32)
    graph_case("a counter", graph, variables={"w": np.array([10, 20], np.float32)}, runs=[({"x:0": two}, [f]) for f in ("sum:0", "w:0", "count:0", "sum:0", "after:0", "set:0", "w:0", "less:0", "sum:0")])
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [2], name="x")
        v = raw.VarHandleOp(shape=[2], dtype=tf.float32, name="v", shared_name="v")
        before = raw.ReadVariableOp(resource=v, dtype=tf.float32, name="before")
        with tf.control_dependencies([before]):
            update = raw.AssignAddVariableOp(resource=v, value=x)
        with tf.control_dependencies([update]):
            raw.ReadVariableOp(resource=v, dtype=tf.float32, name="after")
        raw.VarIsInitializedOp(resource=v, name="has")
        with tf.control_dependencies([raw.AssignVariableOp(resource=v, value=x)]):
            raw.ReadVariableOp(resource=v, dtype=tf.float32, name="set")
        with tf.control_dependencies([raw.AssignSubVariableOp(resource=v, value=x)]):
            raw.ReadVariableOp(resource=v, dtype=tf.float32, name="less")
    graph_case("a resource variable", graph, variables={"v": np.array([10, 20], np.float32)}, runs=[({"x:0": two}, f) for f in (["before:0", "has:0"], ["before:0", "after:0"], ["before:0"], ["set:0"], ["less:0"], ["before:0"])])
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None, 3], name="x")
        train = tf1.placeholder(tf.bool, [], name="train")
        mean = raw.VariableV2(shape=[3], dtype=tf.float32, name="mean")

        def learn():
            moment = tf.reduce_mean(x, 0)
            with tf.control_dependencies([raw.AssignSub(ref=mean, value=(mean - moment) * 0.25)]):
                return tf.identity(moment)
        tf.subtract(x, tf1.cond(train, learn, lambda: tf.identity(mean)), name="y")
    rows = np.array([[1, 2, 3], [3, 6, 9]], np.float32)
    graph_case("a moving average", graph, variables={"mean": np.array([1, 0, -1], np.float32)}, runs=[({"x:0": rows, "train:0": t}, ["y:0"]) for t in (False, True, False, True, True, False)])
    with tf.Graph().as_default() as graph:
        n = tf1.placeholder(tf.int32, [], name="n")
        v = raw.VarHandleOp(shape=[], dtype=tf.int32, name="v", shared_name="v")

        def body(i):
            with tf.control_dependencies([raw.AssignAddVariableOp(resource=v, value=i)]):
                return i + raw.ReadVariableOp(resource=v, dtype=tf.int32) * 0 + 1
        last = tf1.while_loop(lambda i: i < n, body, [0], parallel_iterations=1)
        with tf.control_dependencies([last]):
            raw.ReadVariableOp(resource=v, dtype=tf.int32, name="sum")
    graph_case("assignments in a loop", graph, variables={"v": np.int32(100)}, runs=[({"n:0": np.int32(n)}, ["sum:0"]) for n in (0, 3, 5)])
    with tf.Graph().as_default() as graph:
        i = tf1.placeholder(tf.int32, [None], name="i")
        u = tf1.placeholder(tf.float32, [None, 2], name="u")
        w = raw.VariableV2(shape=[3, 2], dtype=tf.float32, name="w")
        for name in ("Update", "Add", "Sub", "Mul", "Div", "Min", "Max"):
            getattr(raw, "Scatter" + name)(ref=w, indices=i, updates=u, name=name)
        raw.ScatterAdd(ref=w, indices=i, updates=5.0, name="scalar")
        v = raw.VarHandleOp(shape=[3, 2], dtype=tf.float32, name="v", shared_name="v")
        for name in ("Update", "Add", "Sub", "Mul", "Div", "Min", "Max"):
            with tf.control_dependencies([getattr(raw, "ResourceScatter" + name)(resource=v, indices=i, updates=u)]):
                raw.ReadVariableOp(resource=v, dtype=tf.float32, name="v" + name)
    six = np.arange(1, 7, dtype=np.float32).reshape(3, 2)
    feeds = {"i:0": np.array([2, 0, 2], np.int32), "u:0": np.array([[1, 2], [3, 4], [5, 6]], np.float32)}
    names = ("Add", "Sub", "Mul", "Div", "Min", "Max", "Update")
    graph_case("scattered updates", graph, variables={"w": six, "v": six}, runs=[(feeds, [f"{n}:0"]) for n in names] + [({"i:0": feeds["i:0"]}, ["scalar:0"])] + [(feeds, [f"v{n}:0"]) for n in names] + [({}, ["w:0"]), ({**feeds, "i:0": np.array([0, 3, 1], np.int32)}, ["Add:0"]), ({**feeds, "i:0": np.array([0, 1], np.int32)}, ["vAdd:0"])])
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, name="x")
        w = raw.VariableV2(shape=[2], dtype=tf.float32, name="w")
        raw.IsVariableInitialized(ref=w, name="has")
        raw.Assign(ref=w, value=x, name="set")
        tf.identity(w, name="y")
    graph_case("a variable without a value", graph, runs=[({}, ["has:0"]), ({}, ["y:0"]), ({"x:0": np.ones(3, np.float32)}, ["set:0"]), ({"x:0": two}, ["set:0"]), ({}, ["y:0"]), ({}, ["has:0"])])
