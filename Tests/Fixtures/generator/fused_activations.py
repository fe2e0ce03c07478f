"""Activations that TensorFlow makes a part of a convolution or a product: they give 0 for NaN.

Normalisations are folded into the weights, which rounds otherwise than what follows a convolution.
"""
import numpy as np
import tensorflow as tf

from .core import graph_case, tf1


def graphs():
    rng = np.random.RandomState(0)
    weights = rng.randn(3, 3, 3, 5).astype(np.float32)
    variance = np.linspace(-1, 1, 5).astype(np.float32)
    bias = np.where(variance < 0, np.nan, variance).astype(np.float32)
    ones = np.ones(5, np.float32)
    links = {
        "BiasAdd": lambda y: tf.nn.bias_add(y, bias),
        "FusedBatchNorm": lambda y: tf.raw_ops.FusedBatchNorm(
            x=y, scale=ones, offset=ones, mean=ones, variance=variance, is_training=False, epsilon=1e-3)[0],
        "FusedBatchNormV3": lambda y: tf.raw_ops.FusedBatchNormV3(
            x=y, scale=ones, offset=ones, mean=ones, variance=variance, is_training=False, epsilon=1e-3)[0],
    }
    images = rng.randn(1, 4, 4, 3).astype(np.float32)
    for activation in ("Relu", "Relu6", "Elu"):
        for name, link in links.items():
            with tf.Graph().as_default() as graph:
                x = tf1.placeholder(tf.float32, [None, 4, 4, 3], name="x")
                y = tf.identity(link(tf.nn.conv2d(x, weights, 1, "SAME")) if name else x, name="unused")
                y = y.op.inputs[0]
                z = getattr(tf.raw_ops, activation)(features=y, name="z")
                tf.identity(z, name="out")
            graph_case(f"Conv2D, {name}, {activation}", graph, optimized=True, rtol=1e-5, atol=1e-6,
                       runs=[({"x:0": images}, ["out:0"]), ({"x:0": images}, ["out:0", y.name])])
        with tf.Graph().as_default() as graph:
            x = tf1.placeholder(tf.float32, [None, 3], name="x")
            y = tf.nn.bias_add(tf.matmul(x, weights[0, 0]), bias, name="y")
            tf.identity(getattr(tf.raw_ops, activation)(features=y), name="out")
        graph_case(f"MatMul, BiasAdd, {activation}", graph, optimized=True,
                   runs=[({"x:0": images[0, 0]}, ["out:0"]), ({"x:0": images[0, 0]}, ["out:0", "y:0"])])
