"""Small graphs: several ops together, variables, several runs in one session, errors."""
import numpy as np
import tensorflow as tf

from .core import graph_case, tf1


def graphs():
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None, 3], name="x")
        w = tf.raw_ops.VariableV2(shape=[3, 2], dtype=tf.float32, name="w")
        tf.nn.softmax(tf.matmul(x, w), name="y")
    weights = np.array([[1, 2], [3, 4], [5, -6]], np.float32)
    rows = np.array([[1, 0, 1], [0.5, 2, -1]], np.float32)
    graph_case(
        "dense layer", graph, variables={"w": weights},
        runs=[({"x:0": rows}, ["y:0"]), ({"x:0": rows[:1]}, ["y:0", "x:0"]), ({"x:0": rows[:0]}, ["y:0"]),
              ({"x:0": rows[:, :2]}, ["y:0"]), ({}, ["y:0"])])
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.int32, name="x")
        handle = tf.raw_ops.VarHandleOp(shape=[2], dtype=tf.int32, name="v", shared_name="v")
        value = tf.raw_ops.ReadVariableOp(resource=handle, dtype=tf.int32, name="read")
        tf.split(tf.add(x, value), 2, axis=-1, name="parts")
    graph_case(
        "several outputs", graph, variables={"v": np.array([10, 20], np.int32)},
        runs=[({"x:0": np.array([1, 2], np.int32)}, ["parts:1", "parts:0"]),
              ({"x:0": np.array([[1, 2], [3, 4]], np.int32)}, ["parts:0"]),
              ({"x:0": np.array([1, 2, 3], np.int32)}, ["parts:0"]), ({"read:0": np.array([7, 8], np.int32), "x:0": np.int32(1)}, ["parts:1"])])
