"""Graphs with values of dtype variant: optionals, which gradients of branches keep, and sums and zeros of lists."""
import numpy as np
import tensorflow as tf

from .core import graph_case, tf1

raw = tf.raw_ops


def graphs():
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [2], name="x")
        p = tf1.placeholder(tf.bool, [], name="p")

        @tf.function(autograph=False)
        def branches(x, p):
            return tf.cond(p, lambda: tf.exp(x) * tf.sin(x), lambda: tf.tanh(x))
        tf.identity(tf1.gradients(branches(x, p), x)[0], name="g")
    two = np.array([0.5, -1], np.float32)
    graph_case("gradient of a branch in a function", graph, runs=[({"x:0": two, "p:0": p}, ["g:0"]) for p in (True, False)])

    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None], name="x")
        kept = raw.OptionalFromValue(components=[x, tf.size(x)])
        none = raw.OptionalNone()
        tf.identity(raw.OptionalHasValue(optional=kept), name="has")
        tf.identity(raw.OptionalHasValue(optional=none), name="hasnot")
        types = {"output_types": [tf.float32, tf.int32], "output_shapes": [[None], []]}
        first, second = raw.OptionalGetValue(optional=kept, **types)
        tf.identity(first, name="first")
        tf.identity(second, name="second")
        tf.identity(raw.OptionalGetValue(optional=tf.zeros_like(kept), **types)[0], name="zeros")
        tf.identity(raw.OptionalHasValue(optional=tf.zeros_like(none)), name="zerosofnone")
        tf.identity(raw.OptionalGetValue(optional=none, **types)[0], name="nothing")
        tf.identity(raw.OptionalGetValue(optional=kept, output_types=[tf.float32], output_shapes=[[None]])[0], name="fewer")
        tf.identity(raw.OptionalGetValue(optional=kept, output_types=[tf.int32, tf.int32], output_shapes=[[None], []])[0], name="other")
        tf.identity(raw.OptionalGetValue(optional=kept, output_types=[tf.float32, tf.int32], output_shapes=[[2], []])[0], name="two")
    names = ["has:0", "hasnot:0", "first:0", "second:0", "zeros:0", "zerosofnone:0"]
    graph_case("optionals", graph, runs=[({"x:0": two}, names), ({"x:0": two[:1]}, names)] + [
        ({"x:0": x}, [name]) for x in (two, two[:1]) for name in ("nothing:0", "fewer:0", "other:0", "two:0")])

    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None, 2], name="x")
        lists = [raw.TensorListFromTensor(tensor=t, element_shape=[2]) for t in (x, x * 2.0, tf.exp(x))]
        reserved = raw.TensorListReserve(element_shape=[2], num_elements=tf.shape(x)[0], element_dtype=tf.float32)
        one = raw.TensorListSetItem(input_handle=reserved, index=0, item=[5.0, 6.0])

        def stack(handle, name):
            raw.TensorListStack(input_handle=handle, element_shape=[2], element_dtype=tf.float32, name=name)
        stack(raw.AddN(inputs=lists), "sum")
        stack(raw.AddN(inputs=lists[:1]), "itself")
        stack(raw.AddN(inputs=[one, lists[0], reserved]), "unset")
        stack(raw.AddN(inputs=[one, one, reserved]), "mostlyunset")
        stack(raw.AddN(inputs=[lists[0], raw.TensorListResize(input_handle=lists[1], size=1)]), "shorter")
        stack(tf.zeros_like(lists[2]), "zeros")
        stack(tf.zeros_like(one), "zerosofone")
        tf.identity(raw.TensorListLength(input_handle=tf.zeros_like(reserved)), name="length")
    four = np.array([[1, 2], [-3, 0.5]], np.float32)
    names = ["sum:0", "itself:0", "unset:0", "mostlyunset:0", "shorter:0", "zeros:0", "zerosofone:0", "length:0"]
    graph_case("sums and zeros of lists", graph, runs=[({"x:0": x}, [name]) for x in (four, four[:1]) for name in names])

    tf1.enable_control_flow_v2()
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None, 2], name="x")
        n = tf1.placeholder(tf.int32, [], name="n")
        p = tf1.placeholder(tf.bool, [], name="p")

        def body(i, y):
            return i + 1, tf.cond(p, lambda: tf.sin(y) + tf.map_fn(lambda row: row * row, x), lambda: y * tf.reduce_sum(x))
        _, y = tf1.while_loop(lambda i, y: i < n, body, [0, x])
        tf.identity(tf1.gradients(y, x)[0], name="g")
    tf1.disable_control_flow_v2()
    graph_case("gradient of a loop with branches and loops", graph, runs=[
        ({"x:0": four, "n:0": np.int32(n), "p:0": p}, ["g:0"]) for n in (0, 1, 3) for p in (True, False)], rtol=1e-5, atol=1e-6)
