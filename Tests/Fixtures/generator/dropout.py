"""Dropout as versions of TensorFlow wrote it, with the probability fed: 1 or 0 from run to run, and others between."""
import numpy as np
import tensorflow as tf

from .core import graph_case, tf1


def graphs():
    for form in ("floor", "floor, kept is 1 + 0 * x", "product of a comparison", "choice"):
        for fed in ("keep_prob", "rate"):
            if form.startswith("floor") and fed == "rate":
                continue
            _dropout(f"dropout: {form}, {fed} is fed", form, fed)
    _dropout("dropout of products of rows and columns", "choice", "keep_prob", noise=[None, 1])
    _dropout("dropout whose mask is fetched", "floor", "keep_prob", fetched=True)


def _uniform(shape, bounds):
    """Old graphs multiply by the width of the range and add the least number."""
    numbers = tf.raw_ops.RandomUniform(shape=shape, dtype=tf.float32, seed=5, seed2=7, name="numbers")
    return numbers * np.float32(1) + np.float32(0) if bounds else numbers


def _dropout(label, form, fed, noise=None, fetched=False):
    width = 37 if form == "choice" and not noise else 7
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None, width], name="x")
        probability = tf1.placeholder(tf.float32, [], name=fed)
        shape = tf.shape(x)
        if noise:
            shape = tf.stack([shape[0], 1])
        keep = probability if fed == "keep_prob" else 1 - probability
        rate = 1 - probability if fed == "keep_prob" else probability
        hidden = tf.nn.relu(x)
        if form == "floor":
            mask = tf.floor(keep + _uniform(shape, True), name="mask")
            y = tf.math.divide(hidden, keep) * mask
        elif form.startswith("floor"):
            y = tf.floor(_uniform(shape, False) + keep) * (hidden * (1 / keep))
        elif form == "choice":
            y = tf.where(tf.greater_equal(_uniform(shape, False), rate), hidden / (1 - rate), np.float32(0))
        else:
            y = hidden * (1 / (1 - rate)) * tf.cast(tf.greater_equal(_uniform(shape, True), rate), tf.float32)
        tf.add(y, x, name="y")
    rng = np.random.RandomState(3)
    runs = []
    for rows, kept in ((5, 1.0), (5, 0.5), (60, 1.0), (60, 0.25), (2, 1.0), (2, 1.0), (2, 0.75), (0, 1.0), (3, 0.0)):
        values = rng.randn(rows, width).astype(np.float32)
        values[:1, :3] = np.inf, np.nan, -0.0
        feeds = {"x:0": values, f"{fed}:0": np.float32(kept if fed == "keep_prob" else 1 - kept)}
        runs.append((feeds, ["y:0"] + (["mask:0"] if fetched else [])))
    graph_case(label, graph, runs=runs)
