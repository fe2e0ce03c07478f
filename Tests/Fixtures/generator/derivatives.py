"""Gradients by tf.gradients, for derivatives/derivatives.graphs: of y by x0, x1, ...

A record has the forward graph alone. Its fetches d_x0:0, d_x1:0, ... are TensorFlow's gradients; an input without one has no
such fetch.
"""
import os

import numpy as np
import tensorflow as tf

from . import core
from .core import graph_case, tf1

raw = tf.raw_ops


def uniform(*shape, low=-1.0, high=1.0):
    return np.random.uniform(low, high, shape).astype(np.float32)


def positive(*shape):
    return uniform(*shape, low=0.2, high=2.0)


def derivative(label, function, *inputs, known=True, seeds=True, others=None, rtol=1e-4, atol=1e-5):
    """function: from tensors x0, x1, ... to one tensor or several. Its elements are multiplied by fixed numbers and summed."""
    with tf.Graph().as_default() as graph:
        xs = [tf1.placeholder(x.dtype, x.shape if known else [None] * x.ndim, name=f"x{i}") for i, x in enumerate(inputs)]
        results = function(*xs)
        results = results if isinstance(results, (list, tuple)) else [results]
        total = 0.0
        for result in results:
            if seeds:
                weights = tf.sin(tf.cast(tf.range(tf.size(result)), result.dtype) + 1.0)
                total += tf.reduce_sum(tf.reshape(result, [-1]) * weights)
            else:
                total += tf.reduce_sum(result)
        y = tf.identity(total, name="y")
        gradients = tf1.gradients(y, xs)
        fetches = []
        for x, gradient in zip(xs, gradients):
            if gradient is not None:
                name = f"d_{x.op.name}"
                tf.identity(tf.convert_to_tensor(gradient), name=name)
                fetches.append(name + ":0")
    forward = tf1.graph_util.extract_sub_graph(graph.as_graph_def(), ["y"] + [x.op.name for x in xs])
    graph_case(label, graph, runs=[({f"x{i}:0": x for i, x in enumerate(inputs)}, fetches)], rtol=rtol, atol=atol, stored=forward)


def elementwise():
    names = "abs square sign exp expm1 sin cos tan sinh cosh asinh atan tanh sigmoid erf erfc floor round".split()
    for name in names:
        derivative(name, lambda x: getattr(tf.math, name)(x), uniform(3, 4))
    derivative("negative", lambda x: -x, uniform(3, 4))
    for name in "log log1p sqrt rsqrt reciprocal lgamma digamma".split():
        derivative(name, getattr(tf.math, name), positive(3, 4))
    for name in "asin acos atanh".split():
        derivative(name, getattr(tf.math, name), uniform(3, 4, low=-0.9, high=0.9))
    derivative("acosh", tf.math.acosh, positive(3, 4) + 1)
    for name in "relu relu6 elu selu softplus softsign leaky_relu softmax log_softmax l2_loss".split():
        derivative(name, getattr(tf.nn, name), 3 * uniform(3, 4))
        if name in ("relu", "elu", "softmax"):
            derivative(f"{name} of unknown shape", getattr(tf.nn, name), 3 * uniform(3, 4), known=False)
    derivative("inv", lambda x: raw.Inv(x=x), positive(3))
    derivative("cast", lambda x: tf.cast(tf.cast(x, tf.float64) * 3, tf.float32), uniform(3))
    derivative("cast to int", lambda x: tf.cast(tf.cast(x, tf.int32), tf.float32) + x, uniform(3))


def binary():
    ops = {"add": tf.add, "sub": tf.subtract, "mul": tf.multiply, "div": tf.divide, "realdiv": tf.realdiv, "maximum": tf.maximum, "minimum": tf.minimum,
           "squared_difference": tf.math.squared_difference, "divide_no_nan": tf.math.divide_no_nan, "multiply_no_nan": tf.math.multiply_no_nan,
           "atan2": tf.atan2, "floormod": tf.math.floormod, "xdivy": tf.math.xdivy, "xlogy": tf.math.xlogy, "pow": tf.pow}
    for name, op in ops.items():
        derivative(name, op, positive(3, 4), positive(3, 4))
        derivative(f"{name} repeated", op, positive(3, 1), positive(2, 1, 4), known=False)
    derivative("pow of zero", tf.pow, np.array([0.0, 1.0, 2.0], np.float32), np.array([2.0, 3.0, 1.0], np.float32))
    derivative("one tensor twice", lambda x: x * x + x, uniform(3))
    derivative("add_n", lambda a, b, c: tf.add_n([a, b, c, a]), uniform(3), uniform(3), uniform(3))
    derivative("where", lambda x, y: tf.where(x > 0, x, y), uniform(3, 4), uniform(4))
    derivative("select", lambda x, y: raw.Select(condition=x > 0, x=x, y=y), uniform(3, 4), uniform(3, 4))
    derivative("clip", lambda x: tf.clip_by_value(x, -0.5, 0.5), uniform(3, 4))
    derivative("clip op", lambda x, a, b: raw.ClipByValue(t=x, clip_value_min=a, clip_value_max=b), uniform(3, 4), np.float32(-0.4), np.float32(0.3))
    derivative("stop_gradient", lambda x, y: tf.stop_gradient(x) * y + x, uniform(3), uniform(3))
    derivative("unconnected", lambda x, y: tf.stop_gradient(x) + y, uniform(3), uniform(3))
    derivative("through integers", lambda x, y: tf.cast(tf.argmax(x, 1), tf.float32) * y, uniform(3, 4), uniform(3))


def reductions():
    for name in "reduce_sum reduce_mean reduce_max reduce_min reduce_prod".split():
        op = getattr(tf, name)
        derivative(name, op, uniform(3, 4))
        derivative(f"{name} of an axis", lambda x: op(x, axis=1), uniform(3, 4, 2))
        derivative(f"{name} of axes, kept", lambda x: op(x, axis=[0, -1], keepdims=True), uniform(3, 4, 2), known=False)
    derivative("max of equal ones", lambda x: tf.reduce_max(x, axis=1), np.array([[1, 2, 2], [3, 3, 3]], np.float32))
    derivative("prod with zeros", lambda x: tf.reduce_prod(x, axis=1), np.array([[1, 0, 2], [0, 0, 3]], np.float32))
    derivative("reduce_logsumexp", lambda x: tf.reduce_logsumexp(x, axis=1), uniform(3, 4))
    derivative("cumsum", lambda x: tf.cumsum(x, axis=1, exclusive=True, reverse=True), uniform(3, 4))
    derivative("cumprod", lambda x: tf.math.cumprod(x, axis=1), positive(3, 4))
    derivative("segment_sum", lambda x: tf.math.segment_sum(x, [0, 0, 2]), uniform(3, 4))
    derivative("segment_mean", lambda x: tf.math.segment_mean(x, [0, 0, 2]), uniform(3, 4))
    derivative("unsorted_segment_sum", lambda x: tf.math.unsorted_segment_sum(x, [1, -1, 1], 3), uniform(3, 4))
    derivative("top_k", lambda x: tf.nn.top_k(x, 2)[0], uniform(3, 5))
    derivative("moments", lambda x: list(tf.nn.moments(x, [0])), uniform(5, 3))


def arrays():
    derivative("reshape", lambda x: tf.reshape(x, [2, -1]) ** 2.0, positive(3, 4))
    derivative("expand_dims", lambda x: tf.expand_dims(x, 1) * 2.0, uniform(3, 4))
    derivative("squeeze", lambda x: tf.squeeze(x) * 2.0, uniform(3, 1, 4))
    derivative("transpose", lambda x: tf.transpose(x, [2, 0, 1]), uniform(2, 3, 4))
    derivative("stack", lambda x, y: tf.stack([x, y, x], axis=1), uniform(3), uniform(3))
    derivative("unstack", lambda x: tf.unstack(x, axis=1)[1] * 2.0, uniform(3, 4))
    derivative("concat", lambda x, y: tf.concat([x, y], axis=-1), uniform(3, 2), uniform(3, 4), known=False)
    derivative("old concat", lambda x, y: raw.Concat(concat_dim=1, values=[x, y]), uniform(3, 2), uniform(3, 4))
    derivative("split", lambda x: tf.split(x, 2, axis=1)[1] * 3.0, uniform(3, 4))
    derivative("split sizes", lambda x: [tf.split(x, [1, 3], axis=1)[i] * (i + 1.0) for i in (0, 1)], uniform(3, 4))
    derivative("slice", lambda x: tf.slice(x, [1, 0], [2, -1]), uniform(3, 4))
    derivative("strided_slice", lambda x: x[::2, tf.newaxis, 1, ..., -2:], uniform(4, 3, 2, 5))
    derivative("pad", lambda x: tf.pad(x, [[1, 2], [0, 1]]), uniform(3, 4))
    derivative("pad with a number", lambda x: tf.pad(x, [[1, 2], [0, 1]], constant_values=3.0), uniform(3, 4))
    for mode in "REFLECT", "SYMMETRIC":
        derivative(f"pad {mode}", lambda x: tf.pad(x, [[1, 2], [0, 1]], mode=mode), uniform(3, 4))
    derivative("tile", lambda x: tf.tile(x, [2, 3]), uniform(3, 4), known=False)
    derivative("broadcast_to", lambda x: tf.broadcast_to(x, [2, 3, 4]), uniform(3, 1))
    derivative("fill", lambda x: tf.fill([2, 3], x), np.float32(2.0))
    derivative("reverse", lambda x: tf.reverse(x, [1]), uniform(3, 4))
    derivative("reverse_sequence", lambda x: tf.reverse_sequence(x, [1, 3, 2], seq_axis=1), uniform(3, 4))
    derivative("roll", lambda x: tf.roll(x, [1, 2], [0, 1]), uniform(3, 4))
    derivative("gather", lambda x: tf.gather(x, [[0, 2], [2, 2]]), uniform(4, 3))
    derivative("gather axis", lambda x: tf.gather(x, [0, 2, 2], axis=1), uniform(2, 4, 3))
    derivative("gather last axis", lambda x: tf.gather(x, [[0, 2], [2, 1]], axis=-1), uniform(2, 3))
    derivative("old gather", lambda x: raw.Gather(params=x, indices=[1, 1, 0]), uniform(4, 3))
    derivative("two gathers", lambda x: [tf.gather(x, [0, 2]), tf.gather(x, [1, 2, 3]) * 2.0], uniform(4, 3))
    derivative("gather_nd", lambda x: tf.gather_nd(x, [[0, 1], [2, 0], [0, 1]]), uniform(4, 3))
    derivative("scatter_nd", lambda x: tf.scatter_nd([[1], [3], [1]], x, [5, 2]), uniform(3, 2))
    derivative("dynamic_partition", lambda x: [p * (i + 1.0) for i, p in enumerate(tf.dynamic_partition(x, [1, 0, 1], 2))], uniform(3, 2))
    derivative("dynamic_stitch", lambda x, y: tf.dynamic_stitch([[0, 2], [1]], [x, y]), uniform(2, 3), uniform(1, 3))
    derivative("space_to_depth", lambda x: tf.nn.space_to_depth(x, 2), uniform(1, 4, 4, 2))
    derivative("depth_to_space", lambda x: tf.nn.depth_to_space(x, 2), uniform(1, 2, 2, 8))
    derivative("space_to_batch", lambda x: tf.space_to_batch(x, [2, 2], [[0, 0], [0, 0]]), uniform(1, 4, 4, 2))
    derivative("batch_to_space", lambda x: tf.batch_to_space(x, [2, 2], [[0, 0], [0, 0]]), uniform(4, 2, 2, 2))


def layers():
    for ta in (False, True):
        for tb in (False, True):
            a, b = uniform(*((4, 3) if ta else (3, 4))), uniform(*((5, 4) if tb else (4, 5)))
            derivative(f"matmul {ta} {tb}", lambda x, y: tf.matmul(x, y, transpose_a=ta, transpose_b=tb), a, b)
            a, b = uniform(2, *((4, 3) if ta else (3, 4))), uniform(1, *((5, 4) if tb else (4, 5)))
            derivative(f"batched matmul {ta} {tb}", lambda x, y: tf.matmul(x, y, transpose_a=ta, transpose_b=tb), a, b)
    derivative("bias_add", tf.nn.bias_add, uniform(2, 3), uniform(3))
    derivative("bias_add NCHW", lambda x, b: tf.nn.bias_add(x, b, data_format="NCHW"), uniform(2, 3, 4, 4), uniform(3))
    derivative("bias_add_v1", lambda x, b: raw.BiasAddV1(value=x, bias=b), uniform(2, 3), uniform(3))
    for padding in "SAME", "VALID":
        derivative(f"conv2d {padding}", lambda x, f: tf.nn.conv2d(x, f, [1, 2, 2, 1], padding), uniform(2, 6, 5, 3), uniform(3, 3, 3, 4))
        derivative(f"depthwise {padding}", lambda x, f: tf.nn.depthwise_conv2d(x, f, [1, 2, 2, 1], padding), uniform(2, 6, 5, 3), uniform(3, 3, 3, 2))
        derivative(f"max_pool {padding}", lambda x: tf.nn.max_pool2d(x, 2, 2, padding), uniform(2, 6, 5, 3))
        derivative(f"avg_pool {padding}", lambda x: tf.nn.avg_pool2d(x, 3, 2, padding), uniform(2, 6, 5, 3))
    derivative("conv2d_transpose", lambda x, f: tf.nn.conv2d_transpose(x, f, [2, 6, 6, 2], 2), uniform(2, 3, 3, 4), uniform(3, 3, 2, 4))
    derivative("conv3d", lambda x, f: tf.nn.conv3d(x, f, [1, 1, 1, 1, 1], "SAME"), uniform(1, 3, 4, 4, 2), uniform(2, 2, 2, 2, 3))
    derivative("max_pool3d", lambda x: tf.nn.max_pool3d(x, 2, 2, "VALID"), uniform(1, 4, 4, 4, 2))
    derivative("avg_pool3d", lambda x: tf.nn.avg_pool3d(x, 2, 2, "VALID"), uniform(1, 4, 4, 4, 2))
    derivative("softmax cross entropy", lambda l, x: tf.nn.softmax_cross_entropy_with_logits(labels=l, logits=x), positive(3, 4), uniform(3, 4))
    derivative("sparse softmax cross entropy", lambda x: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[1, 0, 3], logits=x), uniform(3, 4))
    derivative("sigmoid cross entropy", lambda l, x: tf.nn.sigmoid_cross_entropy_with_logits(labels=l, logits=x), positive(3, 4), uniform(3, 4))
    for op, version in ((raw.FusedBatchNorm, ""), (raw.FusedBatchNormV2, "V2"), (raw.FusedBatchNormV3, "V3")):
        for training in (True, False):
            derivative(f"batch norm {version} {training}", lambda x, s, o, m, v: op(x=x, scale=s, offset=o, mean=m if not training else [], variance=v if not training else [], is_training=training)[0],
                       uniform(2, 3, 3, 4), positive(4), uniform(4), uniform(4), positive(4), rtol=1e-3, atol=1e-4)
    derivative("lrn", lambda x: tf.nn.local_response_normalization(x, 2, 1.0, 0.5, 0.6), uniform(1, 2, 2, 7))
    derivative("second gradients", lambda x: tf1.gradients(tf.reduce_sum(tf.tanh(x) * tf.sigmoid(x) + tf.nn.relu(x)), x), uniform(3, 4))
    derivative("second gradient of conv2d", lambda x, f: tf1.gradients(tf.reduce_sum(tf.square(tf.nn.conv2d(x, f, 1, "SAME"))), [x, f]), uniform(1, 4, 4, 2), uniform(2, 2, 2, 3))


def images():
    for align in (True, False):
        derivative(f"resize_bilinear {align}", lambda x: raw.ResizeBilinear(images=x, size=[5, 7], align_corners=align), uniform(1, 3, 4, 2))
        derivative(f"resize_nearest {align}", lambda x: raw.ResizeNearestNeighbor(images=x, size=[5, 7], align_corners=align), uniform(1, 3, 4, 2))
    derivative("resize_bicubic", lambda x: raw.ResizeBicubic(images=x, size=[5, 7], half_pixel_centers=True), uniform(1, 3, 4, 2))
    derivative("crop_and_resize", lambda x, b: tf.image.crop_and_resize(x, b, [0, 1], [3, 3]), uniform(2, 5, 5, 2), np.array([[0.1, 0.1, 0.8, 0.9], [0.2, 0.0, 1.0, 0.7]], np.float32), rtol=1e-3, atol=1e-3)


def algebra():
    derivative("diag_part", lambda x: raw.DiagPart(input=x), uniform(3, 3))
    derivative("diag", lambda x: raw.Diag(diagonal=x), uniform(3))
    derivative("band_part", lambda x: tf.linalg.band_part(x, 1, 0), uniform(4, 4))
    derivative("old matrix_diag", lambda x: raw.MatrixDiag(diagonal=x), uniform(2, 3))
    derivative("old matrix_diag_part", lambda x: raw.MatrixDiagPart(input=x), uniform(2, 3, 3))
    derivative("inverse", tf.linalg.inv, uniform(2, 3, 3) + 2 * np.eye(3, dtype=np.float32), rtol=1e-3, atol=1e-4)
    derivative("solve", tf.linalg.solve, uniform(2, 3, 3) + 2 * np.eye(3, dtype=np.float32), uniform(2, 3, 2), rtol=1e-3, atol=1e-4)
    derivative("qr", lambda x: list(tf.linalg.qr(x)), uniform(4, 3), rtol=1e-2, atol=1e-3)
    derivative("sparse add", lambda v, b: raw.SparseTensorDenseAdd(a_indices=[[0, 1], [2, 0]], a_values=v, a_shape=[3, 2], b=b), uniform(2), uniform(3, 2))
    derivative("sparse matmul", lambda v, b: tf.sparse.sparse_dense_matmul(tf.SparseTensor([[0, 1], [2, 0]], v, [3, 2]), b), uniform(2), uniform(2, 4))
    derivative("sparse_to_dense", lambda v: raw.SparseToDense(sparse_indices=[[0, 1], [2, 0]], output_shape=[3, 2], sparse_values=v, default_value=0.0), uniform(2))
    for name in "sum", "mean", "sqrt_n":
        derivative(f"sparse_segment_{name}", lambda x: getattr(tf.sparse, f"segment_{name}")(x, [0, 2, 1], [0, 0, 1]), uniform(4, 3))


def branches():
    for pred in (True, False):
        p = np.array(pred)
        cond = lambda f: (lambda x, y, p: f(x, y, p))
        derivative(f"cond {pred}", lambda x, y, p: tf1.cond(p, lambda: x * y, lambda: x + tf.sin(y)), uniform(3), uniform(3), p)
        derivative(f"cond, a tensor on one side {pred}", lambda x, y, p: tf1.cond(p, lambda: x * x, lambda: tf.sin(y)) * x, uniform(3), uniform(3), p)
        derivative(f"cond in cond {pred}", lambda x, y, p: tf1.cond(p, lambda: tf1.cond(x[0] > 0, lambda: x * y, lambda: y * y), lambda: x), uniform(3), uniform(3), p)
        derivative(f"cond with a constant {pred}", lambda x, y, p: tf1.cond(p, lambda: tf.constant([1.0, 2.0, 3.0]), lambda: x * y), uniform(3), uniform(3), p)


def while_loop(*args, **kwargs):
    return tf1.while_loop(*args, **kwargs)


def loops():
    derivative("loop", lambda x, w: while_loop(lambda i, a: i < 4, lambda i, a: (i + 1, tf.tanh(a * w) + x), [0, x])[1], uniform(3), uniform(3))
    derivative("loop of a product", lambda x, w: while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, tf.tanh(tf.matmul(a, w))), [0, x])[1], uniform(2, 3), uniform(3, 3))
    derivative("loop that never runs", lambda x, w: while_loop(lambda i, a: i < 0, lambda i, a: (i + 1, a * w), [0, x])[1], uniform(3), uniform(3))
    derivative("loop with two variables", lambda x, w: list(while_loop(lambda i, a, b: i < 3, lambda i, a, b: (i + 1, a * b, b + tf.sin(a)), [0, x, w])[1:]), uniform(3), uniform(3))
    derivative("loop with one result used", lambda x, w: while_loop(lambda i, a, b: i < 3, lambda i, a, b: (i + 1, a * b, b + tf.sin(a)), [0, x, w])[1], uniform(3), uniform(3))
    derivative("loop of unknown length", lambda x, w: while_loop(lambda a: tf.reduce_sum(a) < 20.0, lambda a: [a * 1.5 + w], [x])[0], positive(3), positive(3))
    derivative("cond in a loop", lambda x, w: while_loop(lambda i, a: i < 5, lambda i, a: (i + 1, tf1.cond(tf.equal(i % 2, 0), lambda: a * w, lambda: tf.sin(a) + x)), [0, x])[1], uniform(3), uniform(3))
    derivative("loop in cond", lambda x, w, p: tf1.cond(p, lambda: while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * w), [0, x])[1], lambda: x), uniform(3), uniform(3), np.array(True))
    derivative("loop in cond, not run", lambda x, w, p: tf1.cond(p, lambda: while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * w), [0, x])[1], lambda: x), uniform(3), uniform(3), np.array(False))

    def array(x, w):
        source = tf.TensorArray(tf.float32, 4, clear_after_read=False).unstack(x)
        target = tf.TensorArray(tf.float32, 4)
        return while_loop(lambda i, s, t: i < 4, lambda i, s, t: (i + 1, tf.tanh(s * w + source.read(i)), t.write(i, s * source.read(i))), [0, tf.zeros([3]), target])[2].stack()
    derivative("loop with arrays", array, uniform(4, 3), uniform(3))

    def recurrent(x, k, b):
        def body(t, h, out):
            h = tf.tanh(tf.matmul(tf.concat([x[:, t], h], 1), k) + b)
            return t + 1, h, out.write(t, h)
        out = while_loop(lambda t, h, o: t < 3, body, [0, tf.zeros([2, 4]), tf.TensorArray(tf.float32, 3)])[2]
        return tf.transpose(out.stack(), [1, 0, 2])
    derivative("recurrent layer", recurrent, uniform(2, 3, 5), uniform(9, 4), uniform(4))


def write(folder):
    core.begin()
    tf1.disable_control_flow_v2()
    for family in (elementwise, binary, reductions, arrays, layers, images, algebra, branches, loops):
        family()
    core.finish(os.path.join(folder, "derivatives", "derivatives.graphs"))
