"""Networks whose weights are rounded to bfloat16, beside the same networks with the weights as they are.

`y` is the output, `y_rounded` that of the network whose products have rounded weights. metaserve computes `y_rounded` for `y` with
bf16: a weight of a product is rounded, and one of a convolution with an even number of channels. Biases and filters of each
channel are not.
"""
import numpy as np
import tensorflow as tf

from .core import graph_case, tf1


def _rounded(weight):
    return tf.cast(tf.cast(weight, tf.bfloat16), tf.float32)


def _network(label, shape, layers, batches=(1, 5)):
    """Records a network. `layers` gets the input, a function that makes variables, and what is done with weights of products."""
    rng = np.random.RandomState(len(label))
    values, reads = {}, {}

    def variable(name, *sizes):
        # Both networks have the same variables.
        if name not in values:
            values[name] = (rng.randn(*sizes) * 0.5).astype(np.float32)
            raw = tf.raw_ops.VariableV2(shape=sizes, dtype=tf.float32, name=name)
            reads[name] = tf.identity(raw, name=f"{name}/read")
        return reads[name]

    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None, *shape], name="x")
        tf.identity(layers(x, variable, lambda weight: weight), name="y")
        tf.identity(layers(x, variable, _rounded), name="y_rounded")
    runs = []
    for batch in batches:
        image = rng.randn(batch, *shape).astype(np.float32)
        runs += [({"x:0": image}, ["y:0"]), ({"x:0": image}, ["y_rounded:0"])]
    graph_case(label, graph, variables=values, runs=runs, rtol=1e-4, atol=1e-4)


def _perceptron(x, variable, narrow):
    x = tf.nn.relu(tf.matmul(x, narrow(variable("w1", 7, 33))) + variable("b1", 33))
    # An odd depth, and a matrix that lies transposed.
    x = tf.tanh(tf.matmul(x, narrow(variable("w2", 9, 33)), transpose_b=True) + variable("b2", 9))
    return tf.matmul(x, narrow(variable("w3", 9, 2)))


def _convolutions(x, variable, narrow):
    # Three channels: the filter stays as it is.
    x = tf.nn.relu6(tf.nn.bias_add(tf.nn.conv2d(x, variable("f1", 3, 3, 3, 8), 2, "SAME"), variable("b1", 8)))
    shortcut = x
    x = tf.nn.relu(tf.nn.conv2d(x, narrow(variable("f2", 3, 3, 8, 8)), 1, "SAME") + variable("b2", 8)) + shortcut
    x = tf.nn.conv2d(x, narrow(variable("f3", 3, 3, 8, 6)), 1, "SAME", dilations=2)
    x = tf.nn.depthwise_conv2d(x, variable("d", 3, 3, 6, 1), [1, 1, 1, 1], "VALID")
    x = tf.nn.conv2d(x, narrow(variable("f4", 1, 1, 6, 17)), 1, "VALID")
    return tf.matmul(tf.reduce_mean(x, [1, 2]), narrow(variable("w", 17, 5)))


def _attention(x, variable, narrow):
    queries, keys, rows = (tf.matmul(x, narrow(variable(name, 6, 6))) for name in ("q", "k", "v"))
    scores = tf.nn.softmax(tf.matmul(queries, keys, transpose_b=True) * 0.4)
    return tf.matmul(tf.matmul(scores, rows), narrow(variable("o", 6, 4)))


def graphs():
    _network("perceptron", [7], _perceptron)
    _network("convolutions", [9, 9, 3], _convolutions)
    _network("attention", [5, 6], _attention)
