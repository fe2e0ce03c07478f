"""Steps of TensorFlow's optimizers on small graphs, for derivatives/minimizing.graphs.

A record has the forward graph alone, and for each step what the variables w0, w1, ... are after it (after_w0:0, ...). The label
names the optimizer as metaserve does, and its learning rate.
"""
import os

import numpy as np
import tensorflow as tf

from . import core
from .core import graph_case, tf1

OPTIMIZERS = {
    "gradient-descent": tf1.train.GradientDescentOptimizer,
    "momentum": lambda rate: tf1.train.MomentumOptimizer(rate, 0.9),
    "adagrad": tf1.train.AdagradOptimizer,
    "adadelta": tf1.train.AdadeltaOptimizer,
    "adam": tf1.train.AdamOptimizer,
    "rmsprop": tf1.train.RMSPropOptimizer,
    "ftrl": tf1.train.FtrlOptimizer,
}


def layers(w, x, t):
    h = tf.tanh(tf.matmul(x, w[0]) + w[1])
    return tf.reduce_mean(tf1.squared_difference(tf.matmul(h, w[2]), t))


def rows(w, x, t):
    """A table of which few rows are used, one of them twice."""
    return tf.reduce_mean(tf1.squared_difference(tf.matmul(tf.gather(w[0], tf.cast(x[:, 0], tf.int32)), w[1]), t))


def minimize(name, model, make, values, feeds, resource, rate=0.05):
    with tf.Graph().as_default() as graph:
        x, t = (tf1.placeholder(tf.float32, [None, f.shape[1]], name=n) for n, f in zip(("x", "t"), feeds[0]))
        w = [tf1.get_variable(f"w{i}", v.shape, tf.float32, use_resource=resource) for i, v in enumerate(values)]
        loss = tf.identity(model(w, x, t), name="loss")
        forward = tf1.graph_util.extract_sub_graph(graph.as_graph_def(), ["loss", "x", "t"])
        step = make(rate).minimize(loss)
        with tf.control_dependencies([step]):
            for v in w:
                (tf.raw_ops.ReadVariableOp(resource=v.handle, dtype=v.dtype, name=f"after_{v.op.name}") if resource else tf.identity(v, name=f"after_{v.op.name}"))
        every = {}
        with tf1.Session() as session:
            session.run(tf1.global_variables_initializer())
            every = {v.op.name: session.run(v) for v in tf1.global_variables()}
    every.update({f"w{i}": v for i, v in enumerate(values)})
    runs = [({"x:0": a, "t:0": b}, [f"after_w{i}:0" for i in range(len(values))]) for a, b in feeds]
    graph_case(f"{name} {rate} {model.__name__} {'resource' if resource else 'reference'}", graph, variables=every, runs=runs, rtol=1e-4, atol=1e-6, stored=forward)


def write(folder):
    core.begin()
    for resource in (False, True):
        for name, make in OPTIMIZERS.items():
            draw = lambda *shape: np.random.uniform(-1, 1, shape).astype(np.float32)
            minimize(name, layers, make, [draw(3, 4), draw(4), draw(4, 2)], [(draw(5, 3), draw(5, 2)) for _ in range(3)], resource)
            numbers = [np.array([[1], [3], [1]], np.float32), np.array([[0], [3], [5]], np.float32)]
            minimize(name, rows, make, [draw(6, 3), draw(3, 2)], [(n, draw(3, 2)) for n in numbers], resource)
    core.finish(os.path.join(folder, "derivatives", "minimizing.graphs"))
