"""Networks of images whose channels come first, and with transposes around convolutions.

TensorFlow computes convolutions and pools of such images on graphics processors only. The outputs are those of the same network of images
whose channels come last.
"""
import numpy as np
import tensorflow as tf

from . import core
from .core import GraphRecord, tf1


def graphs():
    for kind in ("channels first", "transposes"):
        for seed, network in enumerate((_residual, _inception, _mobile, _dense, _decoder)):
            _record(f"{network.__name__[1:]}, {kind}", network, kind, seed)


class _Layers:
    """Adds layers, in one way of laying images out. All of them take and give [batch, channels, height, width], unless `kind` is None."""

    def __init__(self, kind, seed):
        self.kind = kind
        self.rng = np.random.RandomState(seed)
        self.values = {}

    @property
    def is_first(self):
        return self.kind is not None

    def weight(self, *shape, scale=0.5, least=None):
        value = (self.rng.randn(*shape) * scale).astype(np.float32)
        if least is not None:
            value = np.abs(value) + np.float32(least)
        name = f"w{len(self.values)}"
        self.values[name] = value
        variable = tf.raw_ops.VariableV2(shape=value.shape, dtype=tf.float32, name=name)
        return tf.identity(variable, name=f"{name}/read")

    def images(self, op, x, sizes=(), channels_last=None, **attributes):
        """An op over images; `sizes` are attributes with one number for each dimension of images whose channels come last."""
        first = self.kind == "channels first"
        for name in sizes:
            numbers = attributes[name]
            if first:
                attributes[name] = [numbers[0], numbers[3], numbers[1], numbers[2]]
        if self.kind == "transposes":
            x = tf.transpose(x, [0, 2, 3, 1])
        y = op(x, data_format="NCHW" if first else "NHWC", **attributes)
        return tf.transpose(y, [0, 3, 1, 2]) if self.kind == "transposes" else y

    def conv(self, x, inputs, outputs, size=3, stride=1, padding="SAME"):
        filter = self.weight(size, size, inputs, outputs)
        return self.images(lambda x, **a: tf.raw_ops.Conv2D(input=x, filter=filter, padding=padding, **a), x,
                           ["strides"], strides=[1, stride, stride, 1])

    def depthwise(self, x, inputs, multiplier=1, stride=1):
        filter = self.weight(3, 3, inputs, multiplier)
        return self.images(lambda x, **a: tf.raw_ops.DepthwiseConv2dNative(input=x, filter=filter, padding="SAME", **a), x,
                           ["strides"], strides=[1, stride, stride, 1])

    def grow(self, x, inputs, outputs, size, stride=2, depthwise=False, padding="SAME", explicit=None):
        """A transposed convolution. The images' sizes come from their shape."""
        filter = self.weight(size, size, outputs, 1 if depthwise else inputs)
        op = tf.raw_ops.DepthwiseConv2dNativeBackpropInput if depthwise else tf.raw_ops.Conv2DBackpropInput

        def grown(x, explicit_paddings=(), **a):
            shape, last = tf.shape(x), a["data_format"] == "NHWC"
            rows, columns = (shape[1], shape[2]) if last else (shape[2], shape[3])
            rows, columns = rows * stride, columns * stride
            sizes = tf.stack([shape[0], rows, columns, outputs] if last else [shape[0], outputs, rows, columns])
            if explicit_paddings:
                a["explicit_paddings"] = explicit_paddings if last else [0, 0] + explicit_paddings[6:] + explicit_paddings[2:6]
            return op(input_sizes=sizes, filter=filter, out_backprop=x, padding="EXPLICIT" if explicit_paddings else padding, **a)
        extra = {"explicit_paddings": explicit} if explicit else {}
        return self.images(lambda x, **a: grown(x, **extra, **a), x, ["strides"], strides=[1, stride, stride, 1])

    def pool(self, x, op, size=2, stride=2, padding="SAME"):
        name = "input" if op is tf.raw_ops.MaxPool else "value"
        return self.images(lambda x, **a: op(**{name: x}, padding=padding, **a), x, ["ksize", "strides"],
                           ksize=[1, size, size, 1], strides=[1, stride, stride, 1])

    def norm(self, x, channels):
        numbers = [self.weight(channels), self.weight(channels), self.weight(channels), self.weight(channels, least=0.3)]

        def op(x, **a):
            return tf.raw_ops.FusedBatchNormV3(x=x, scale=numbers[0], offset=numbers[1], mean=numbers[2], variance=numbers[3],
                                               epsilon=0.001, is_training=False, **a)[0]
        return self.images(op, x)

    def bias(self, x, channels):
        numbers = self.weight(channels)
        if self.kind == "transposes":
            return x + tf.reshape(numbers, [1, channels, 1, 1])
        return self.images(lambda x, **a: tf.raw_ops.BiasAdd(value=x, bias=numbers, **a), x)

    def mean(self, x, keepdims=False):
        return tf.reduce_mean(x, [2, 3] if self.is_first else [1, 2], keepdims=keepdims)

    def concat(self, values):
        return tf.concat(values, 1 if self.is_first else 3)

    def pad(self, x, amount):
        paddings = [[0, 0], [0, 0], [amount, amount], [amount, amount]]
        return tf.pad(x, paddings if self.is_first else [paddings[i] for i in (0, 2, 3, 1)])

    def flat(self, x, size):
        """Rows in the order of images whose channels come first, as their networks are trained."""
        return tf.reshape(x if self.is_first else tf.transpose(x, [0, 3, 1, 2]), [-1, size])


def _residual(l, x):
    y = tf.nn.relu(l.norm(l.conv(l.pad(l.pad(x, 1), 1), 3, 8, 5, 2, "VALID"), 8))
    y = l.pool(y, tf.raw_ops.MaxPool, 3, 1)
    for inputs, outputs in ((8, 8), (8, 12)):
        shortcut = y if inputs == outputs else l.conv(y, inputs, outputs, 1)
        z = tf.nn.relu(l.norm(l.conv(y, inputs, outputs), outputs))
        y = tf.nn.relu(l.norm(l.conv(z, outputs, outputs), outputs) + shortcut)
    return tf.matmul(l.mean(y), l.weight(12, 5))


def _inception(l, x):
    y = tf.nn.relu(l.bias(l.conv(x, 3, 6), 6))
    parts = [tf.nn.relu(l.bias(l.conv(y, 6, 4, 1), 4)), tf.nn.relu(l.bias(l.conv(y, 6, 5), 5)),
             l.conv(l.pool(y, tf.raw_ops.AvgPool, 3, 1), 6, 3, 1), l.pool(y, tf.raw_ops.MaxPool, 3, 1)]
    y = l.pool(l.concat(parts), tf.raw_ops.AvgPool)
    return tf.nn.softmax(tf.matmul(l.flat(y, 18 * 16), l.weight(18 * 16, 5, scale=0.1)))


def _mobile(l, x):
    y = tf.nn.relu6(l.norm(l.conv(x, 3, 8, 3, 2), 8))
    for inputs, outputs, multiplier in ((8, 12, 1), (12, 12, 2)):
        z = tf.nn.relu6(l.norm(l.depthwise(y, inputs, multiplier), inputs * multiplier))
        z = l.conv(z, inputs * multiplier, outputs, 1)
        gate = tf.sigmoid(l.conv(l.mean(z, True), outputs, outputs, 1))
        y = z * gate
    return l.mean(y)


def _dense(l, x):
    """The images themselves are fetched, and the network reads them twice."""
    y = l.conv(x, 3, 4)
    for depth in (4, 8):
        y = l.concat([y, tf.nn.elu(l.bias(l.conv(y, depth, 4), 4))])
    return tf.identity(y, name="images"), tf.reduce_max(y, 1 if l.is_first else 3), x * 2


def _decoder(l, x):
    y = tf.nn.relu(l.norm(l.conv(x, 3, 8, 3, 2), 8))
    y = tf.nn.relu(l.norm(l.grow(y, 8, 6, 4), 6))
    y = tf.nn.relu(l.bias(l.grow(y, 6, 6, 3, depthwise=True), 6))
    y = l.grow(y, 6, 4, 3, 1, explicit=[0, 0, 1, 1, 2, 0, 0, 0])
    return tf.tanh(l.bias(l.grow(y, 4, 3, 2), 3))


def _record(label, network, kind, seed):
    built = {}
    for way in (kind, None):
        layers = _Layers(way, seed)
        with tf.Graph().as_default() as graph:
            shape = [None, 3, 8, 8] if way else [None, 8, 8, 3]
            outputs = network(layers, tf1.placeholder(tf.float32, shape, name="x"))
            outputs = outputs if isinstance(outputs, tuple) else (outputs,)
            for index, output in enumerate(outputs):
                tf.identity(output, name=f"y{index}")
        built[way] = graph, layers, [output.shape.rank for output in outputs]
    graph, layers, ranks = built[kind]
    last, last_layers, _ = built[None]
    record = GraphRecord(label, graph.as_graph_def(), layers.values, rtol=1e-4, atol=1e-4)
    fetches = [f"y{index}:0" for index in range(len(ranks))]
    with tf1.Session(graph=last, config=core._plain_config()) as session:
        session.run([core._assign(last, name, value) for name, value in last_layers.values.items()])
        for batch in (2, 1, 0):
            x = np.random.RandomState(seed).randn(batch, 3, 8, 8).astype(np.float32)
            answers = session.run(fetches, {"x:0": np.ascontiguousarray(x.transpose(0, 2, 3, 1))})
            answers = [np.ascontiguousarray(a.transpose(0, 3, 1, 2)) if rank == 4 else a for a, rank in zip(answers, ranks)]
            record.add_run({"x:0": x}, fetches, answers)
    core._records.append(record.encoded())
