"""Graphs that take slices of variables by index."""
import numpy as np
import tensorflow as tf

from .core import graph_case, tf1

raw = tf.raw_ops


def graphs():
    table = np.arange(15, dtype=np.float32).reshape(5, 3)
    with tf.Graph().as_default() as graph:
        at = tf1.placeholder(tf.int32, [None], name="at")
        v = raw.VarHandleOp(shape=[5, 3], dtype=tf.float32, name="v", shared_name="v")
        raw.ResourceGather(resource=v, indices=at, dtype=tf.float32, name="rows")
        raw.ResourceGather(resource=v, indices=tf.constant([[1, 0]]), dtype=tf.float32, name="fixed")
        raw.ResourceGatherNd(resource=v, indices=tf.expand_dims(at, 1), dtype=tf.float32, name="tuples")
        raw.ResourceGather(resource=v, indices=tf.constant([[0, 1], [2, 2], [0, 0], [1, 0], [2, 1]]), dtype=tf.float32, batch_dims=1, name="batched")
    feeds = {"at:0": np.array([4, 0, 4], np.int32)}
    graph_case("embeddings", graph, variables={"v": table}, runs=[(feeds, [f]) for f in ("rows:0", "fixed:0", "tuples:0", "batched:0")] + [({"at:0": np.array([5], np.int32)}, ["rows:0"])])
    with tf.Graph().as_default() as graph:
        at = tf1.placeholder(tf.int64, [None], name="at")
        v = raw.VarHandleOp(shape=[5, 3], dtype=tf.float32, name="v", shared_name="v")
        before = raw.ResourceGather(resource=v, indices=at, dtype=tf.float32, name="before")
        with tf.control_dependencies([before]):
            update = raw.AssignAddVariableOp(resource=v, value=tf.ones([5, 3]))
        with tf.control_dependencies([update]):
            raw.ResourceGather(resource=v, indices=at, dtype=tf.float32, name="after")
            raw.ResourceGatherNd(resource=v, indices=tf.stack([at, at * 0], 1), dtype=tf.float32, name="elements")
    feeds = {"at:0": np.array([1, 3], np.int64)}
    graph_case("embeddings that change", graph, variables={"v": table}, runs=[(feeds, f) for f in (["before:0", "after:0"], ["before:0"], ["elements:0"], ["before:0"])])
    with tf.Graph().as_default() as graph:
        at = tf1.placeholder(tf.int32, [None], name="at")
        w = raw.VariableV2(shape=[5, 3], dtype=tf.float32, name="w")
        same = raw.RefIdentity(input=w, name="same")
        tf.gather(same, at, name="rows")
        with tf.control_dependencies([raw.ScatterAdd(ref=same, indices=at, updates=tf.ones([2, 3]), name="more")]):
            tf.identity(w, name="after")
    feeds = {"at:0": np.array([4, 4], np.int32)}
    graph_case("a reference handed on", graph, variables={"w": table}, runs=[(feeds, f) for f in (["rows:0"], ["more:0"], ["after:0"], ["rows:0", "same:0"])])
