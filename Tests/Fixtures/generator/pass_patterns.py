"""Random graphs for each pass of the planner: in each, the pass whose name begins the label has something to do."""
import numpy as np
import tensorflow as tf

from .core import graph_case, tf1

GRAPHS_PER_PASS = 5
TOLERANCE = {"rtol": 2e-4, "atol": 2e-4}


def graphs():
    tf1.disable_control_flow_v2()
    for name, pattern in sorted(PATTERNS.items()):
        for seed in range(GRAPHS_PER_PASS):
            with tf.Graph().as_default() as graph:
                maker = Maker(seed * 1000 + len(name), seed)
                pattern(maker)
            graph_case(f"{name}: {seed}", graph, variables=maker.variables, runs=maker.runs(), **TOLERANCE)


class Maker:
    """Makes a graph with feeds, variables and fetches."""

    def __init__(self, seed, number):
        """number: that of the graph among those of its pass."""
        self.random, self.number = np.random.RandomState(seed), number
        self.variables, self.feeds, self.fetches = {}, [], []

    def integer(self, first, last):
        return int(self.random.randint(first, last + 1))

    def one(self, values):
        return values[self.integer(0, len(values) - 1)]

    def numbers(self, *shape, scale=0.5):
        return (self.random.randn(*shape) * scale).astype(np.float32)

    def weight(self, *shape, scale=0.5, least=None, of=None):
        value = self.numbers(*shape, scale=scale) if of is None else of
        value = value if least is None else np.abs(value) + np.float32(least)
        name = f"w{len(self.variables)}"
        self.variables[name] = value
        return tf.identity(tf.raw_ops.VariableV2(shape=value.shape, dtype=tf.float32, name=name), name=f"{name}/read")

    def feed(self, *shape, values=None):
        """A placeholder of any first size."""
        x = tf1.placeholder(tf.float32 if values is None else values.dtype, [None, *shape[1:]] if shape else [], name=f"x{len(self.feeds)}")
        self.feeds.append((x.name, list(shape), values))
        return x

    def fetch(self, *values):
        for value in values:
            self.fetches.append(tf.identity(value, name=f"y{len(self.fetches)}").name)

    def runs(self):
        def values(rows):
            feeds = {}
            for name, shape, given in self.feeds:
                size = [rows or shape[0], *shape[1:]] if shape else []
                feeds[name] = self.numbers(*size, scale=1.0) if given is None else given
            return feeds
        return [(values(None), self.fetches)] + ([(values(1), self.fetches)] if all(v is None for *_, v in self.feeds) else [])

    def formulas(self, x, least=0, most=3):
        """Some elementwise ops."""
        for _ in range(self.integer(least, most)):
            x = self.one([tf.tanh, tf.sigmoid, tf.nn.elu, tf.nn.softplus, lambda x: x * 0.5, lambda x: x + 1, tf.square, tf.negative,
                          lambda x: tf.maximum(x, -0.5)])(x)
        return x

    def images(self, channels=None):
        """The number of channels, and a feed of images."""
        channels = channels or self.integer(1, 5)
        return channels, self.feed(self.integer(1, 3), self.integer(5, 9), self.integer(5, 9), channels)

    def conv(self, x, inputs, outputs=None, size=None, padding=None, stride=None, **attributes):
        """The number of outputs, and a convolution."""
        outputs, size, stride = outputs or self.integer(2, 7), size or self.integer(1, 3), stride or self.integer(1, 2)
        strides = [1, 1, stride, stride] if attributes.get("data_format") == "NCHW" else [1, stride, stride, 1]
        return outputs, tf.raw_ops.Conv2D(input=x, filter=self.weight(size, size, inputs, outputs), strides=strides,
                                          padding=padding or self.one(["SAME", "VALID"]), **attributes)

    def product(self, x, inputs, outputs=None):
        outputs = outputs or self.integer(2, 9)
        if self.random.rand() < 0.5:
            return outputs, tf.matmul(x, self.weight(outputs, inputs), transpose_b=True)
        return outputs, tf.matmul(x, self.weight(inputs, outputs))

    def linear(self):
        """The number of channels, and a product or a convolution."""
        if self.random.rand() < 0.5:
            return self.conv(*reversed(self.images()))
        inputs = self.integer(2, 9)
        return self.product(self.feed(self.integer(2, 5), inputs), inputs)


def fused_activations(m):
    channels, y = m.linear()
    y = tf.nn.bias_add(y, m.weight(channels))
    m.fetch(m.formulas(m.one([tf.nn.relu, tf.nn.relu6])(y), 0, 2))


def dead_branches(m):
    x = m.formulas(m.feed(3, m.integer(2, 5)))
    training = tf.constant(m.one([True, False]))
    y = tf1.cond(training, lambda: m.formulas(x * 3, 1), lambda: m.formulas(x - 2, 1))
    m.fetch(m.formulas(y))


def fold_constants(m):
    x = m.feed(3, 4)
    number = m.formulas(tf.constant(m.numbers(4)), 1, 3) * m.formulas(m.weight(4), 0, 2)
    m.fetch(m.formulas(x) + number, tf.reshape(x, tf.concat([[-1], tf.constant([2]), [2]], 0)))


def forward_identities(m):
    x = tf.identity(m.feed(2, m.integer(2, 5)))
    m.fetch(tf.stop_gradient(m.formulas(tf.identity(m.formulas(x)), 1)))


def merge_equal(m):
    x = m.feed(2, m.integer(2, 5))
    function = m.one([tf.tanh, tf.sigmoid, tf.nn.elu, tf.square])
    m.fetch(m.formulas(function(x)) * tf.exp(-tf.abs(m.formulas(function(x)))))


def _loop(m, body, initial, steps):
    return tf1.while_loop(lambda i, *_: i < steps, body, [0, *initial],
                          shape_invariants=[tf.TensorShape([])] + [tf.TensorShape([None, v.shape[1]]) for v in initial])[1:]


def _rows(m, inputs, steps):
    """A batch, and a function that gives the rows of each step."""
    x = m.feed(m.integer(2, 4), steps, inputs)
    array = tf.TensorArray(tf.float32, steps).unstack(tf.transpose(x, [1, 0, 2]))
    return x, array.read


def read_stored_rows(m):
    inputs, steps = m.integer(2, 4), m.integer(2, 4)
    x, read = _rows(m, inputs, steps)
    scale = m.integer(2, 4) / 4
    m.fetch(*_loop(m, lambda i, y: (i + 1, m.formulas(y * scale + read(i), 0, 2)), [tf.zeros([tf.shape(x)[0], inputs])], steps))


def hoist_input_products(m):
    inputs, cells, steps = m.integer(2, 4), m.integer(2, 5), m.integer(2, 4)
    x, read = _rows(m, inputs, steps)
    weight, first = m.weight(inputs + cells, cells), m.one([True, False])
    function = m.one([tf.tanh, tf.sigmoid, tf.nn.relu6])
    alone, own, bias = m.number >= 3, m.weight(inputs, cells), m.weight(cells)

    def body(i, y):
        if alone:
            product = tf.matmul(read(i), own)
            return i + 1, function((tf.nn.bias_add(product, bias) if m.number > 3 else product) + y * 0.5)
        parts = [read(i), y] if first else [y, read(i)]
        return i + 1, function(tf.matmul(tf.concat(parts, 1), weight))
    m.fetch(*_loop(m, body, [tf.zeros([tf.shape(x)[0], cells])], steps))


def hoist_invariants(m):
    size, steps = m.integer(2, 5), m.integer(1, 4)
    x, z = m.feed(3, size), m.feed(3, size)
    m.fetch(*_loop(m, lambda i, y: (i + 1, m.formulas(y * 0.5 + tf.tanh(m.formulas(z * 2, 1)), 0, 2)), [x], steps))


def fuse_recurrent_cells(m):
    return (_lstm, _gru, _keras_gru)[m.number % 3](m)


def _gru(m):
    inputs, cells, steps = m.integer(2, 4), m.integer(2, 19), m.integer(2, 4)
    x, read = _rows(m, inputs, steps)
    gates, content = m.weight(inputs + cells, 2 * cells), m.weight(inputs + cells, cells)
    gates_bias, content_bias, order = m.weight(2 * cells), m.weight(cells), m.one(["ru", "ur"])

    def body(i, state):
        row = read(i)
        sums = tf.nn.bias_add(tf.matmul(tf.concat([row, state], 1), gates), gates_bias)
        parts = dict(zip(order, tf.split(tf.sigmoid(sums), 2, 1)))
        u = parts["u"]
        new = tf.tanh(tf.nn.bias_add(tf.matmul(tf.concat([row, parts["r"] * state], 1), content), content_bias))
        return i + 1, u * state + (1 - u) * new
    m.fetch(*_loop(m, body, [tf.zeros([tf.shape(x)[0], cells])], steps))


def _keras_gru(m):
    inputs, cells, steps = m.integer(2, 4), m.integer(2, 19), m.integer(2, 4)
    x, read = _rows(m, inputs, steps)
    own, others, bias, after = m.weight(inputs, 3 * cells), m.weight(cells, 3 * cells), m.weight(3 * cells), m.number < 3

    def body(i, state):
        z, r, h = tf.split(tf.matmul(read(i), own) + bias, 3, 1)
        inner = tf.matmul(state, others if after else others[:, :2 * cells])
        z, r = tf.sigmoid(z + inner[:, :cells]), tf.sigmoid(inner[:, cells:2 * cells] + r)
        new = tf.tanh(h + (r * inner[:, 2 * cells:] if after else tf.matmul(state * r, others[:, 2 * cells:])))
        return i + 1, (1 - z) * new + state * z
    m.fetch(*_loop(m, body, [tf.zeros([tf.shape(x)[0], cells])], steps))


def _lstm(m):
    inputs, cells, steps = m.integer(2, 4), m.integer(2, 19), m.integer(2, 4)
    x, read = _rows(m, inputs, steps)
    weight, bias, order = m.weight(inputs + cells, 4 * cells), m.weight(4 * cells), m.one(["ijfo", "ifjo", "ofij"])
    holes = [m.weight(cells) for _ in range(3)] if m.one([True, False]) else None

    def seen(gate, number, memory):
        return gate + holes[number] * memory if holes else gate

    def body(i, memory, output):
        gates = tf.nn.bias_add(tf.matmul(tf.concat([read(i), output], 1), weight), bias)
        gates = dict(zip(order, tf.split(gates, 4, 1)))
        forget, added = seen(gates["f"] + 1.0, 0, memory), seen(gates["i"], 1, memory)
        memory = memory * tf.sigmoid(forget) + tf.sigmoid(added) * tf.tanh(gates["j"])
        return i + 1, memory, tf.tanh(memory) * tf.sigmoid(seen(gates["o"], 2, memory))
    zeros = tf.zeros([tf.shape(x)[0], cells])
    m.fetch(*_loop(m, body, [zeros, zeros], steps))


def fuse_topk_product(m):
    size, rows, k = m.integer(2, 6), m.integer(500, 700), m.integer(1, 8)
    # Small whole numbers: sums are exact.
    table = m.random.randint(-2, 3, (rows, size)).astype(np.float32)
    x = m.feed(4, size, values=m.random.randint(-2, 3, (4, size)).astype(np.float32))
    transposed = m.one([True, False])
    scores = tf.matmul(x, m.weight(of=table if transposed else np.ascontiguousarray(table.T)), transpose_b=transposed)
    m.fetch(*tf.raw_ops.TopKV2(input=scores, k=k))


def fuse_attention(m):
    heads, queries, keys, depth = m.integer(1, 3), m.integer(1, 6), m.integer(2, 7), m.integer(2, 5)
    q, k, v = (tf.transpose(m.feed(2, length, heads, depth), [0, 2, 1, 3]) for length in (queries, keys, keys))
    scores = m.one([lambda s: s / np.float32(depth ** 0.5), lambda s: s * 0.5, lambda s: s])(tf.matmul(q, k, transpose_b=True))
    if m.one([True, False]):
        scores = scores + m.numbers(queries, keys)
    m.fetch(m.formulas(tf.transpose(tf.matmul(tf.nn.softmax(scores), v), [0, 2, 1, 3]), 0, 2))


def fuse_layer_norm(m):
    size = m.integer(3, 20)
    x = m.formulas(m.feed(3, m.integer(1, 4), size), 0, 2)
    mean = tf.reduce_mean(x, -1, keepdims=True)
    variance = tf.reduce_mean(tf.math.squared_difference(x, tf.stop_gradient(mean)), -1, keepdims=True)
    factor = tf.math.rsqrt(variance + 0.01) * m.weight(size)
    m.fetch(x * factor + (m.weight(size) - mean * factor))


def fuse_activations(m):
    x = m.feed(3, m.integer(2, 9))
    half = x * 0.5
    if m.one([True, False]):
        y = half * (1.0 + tf.math.erf(x / np.float32(2 ** 0.5)))
    else:
        y = half * (1.0 + tf.tanh(np.float32((2 / np.pi) ** 0.5) * (x + np.float32(0.044715) * tf.pow(x, 3.0))))
    m.fetch(m.formulas(y, 0, 2))


def move_transposes(m):
    channels, x = m.images()
    y = tf.transpose(x, [0, 3, 1, 2])
    for _ in range(m.integer(1, 4)):
        kind = m.integer(0, 6)
        if kind == 0:
            y = m.formulas(y, 1)
        elif kind == 1:
            y = y * m.weight(channels, 1, 1) + m.numbers(1, channels, 1, 1)
        elif kind == 2:
            y = tf.concat([y, -y, y], 1)
            channels *= 3
        elif kind == 3:
            y = tf.pad(y, [[0, 0], [0, m.integer(0, 1)], [1, 2], [m.integer(0, 2), 1]])
            channels = y.shape[1]
        elif kind == 4:
            y = y * tf.sigmoid(tf.reduce_mean(y, [2, -1], keepdims=True))
        elif kind == 5:
            y = y + y * m.weight(channels, 1, 1)
        else:
            y = tf.concat(tf.split(tf.concat([y, y * 2], 1), 2, 1)[::-1], 3)
    channels, y = m.conv(tf.transpose(y, [0, 2, 3, 1]), channels)
    y = m.formulas(tf.transpose(y, [0, 3, 1, 2]))
    m.fetch(tf.reduce_mean(y, [2, 3]) if m.one([True, False]) else tf.transpose(y, [0, 2, 3, 1]))


def fold_transposes(m):
    rows, depth, columns = m.integer(2, 5), m.integer(2, 5), m.integer(2, 5)
    if m.one([True, False]):
        left, right = m.feed(rows, depth), m.feed(columns, depth)
        m.fetch(m.formulas(tf.matmul(left, tf.transpose(m.formulas(right)))))
    else:
        left, right = m.feed(2, depth, rows), m.feed(2, depth, columns)
        m.fetch(m.formulas(tf.matmul(tf.transpose(m.formulas(left), [0, 2, 1]), right)))


def fold_pads(m):
    channels, x = m.images()
    for _ in range(m.integer(1, 3)):
        x = tf.pad(x, [[0, 0], [m.integer(0, 2), m.integer(0, 2)], [m.integer(0, 2), 1], [0, 0]])
    m.fetch(m.formulas(m.conv(x, channels, padding="VALID")[1]))


def fold_channel_affine(m):
    channels, y = m.linear()
    for _ in range(m.integer(0, 1)):
        y = tf.nn.bias_add(y, m.weight(channels))
    if y.shape.rank == 4 and m.one([True, False]):
        y = tf.raw_ops.FusedBatchNormV3(x=y, scale=m.weight(channels), offset=m.weight(channels), mean=m.weight(channels),
                                        variance=m.weight(channels, least=0.2), epsilon=0.001, is_training=False)[0]
    else:
        y = m.one([lambda y: y * m.weight(channels), lambda y: y / m.weight(channels, least=0.4), lambda y: 3 - y * 0.5])(y)
    m.fetch(m.formulas(y))


def pack_weights(m):
    m.fetch(m.formulas(m.linear()[1]))


def fuse_epilogues(m):
    channels, y = m.linear()
    if m.one([True, False]):
        y = tf.nn.bias_add(y, m.weight(channels))
    m.fetch(m.formulas(m.one([tf.nn.relu, tf.tanh, tf.sigmoid, tf.nn.elu])(y)))


def fuse_dropout(m):
    x, keep = m.formulas(m.feed(3, m.integer(2, 9))), tf1.placeholder(tf.float32, [], name="keep")
    m.feeds.append((keep.name, [], np.float32(m.one([1.0, 0.5, 1.0, 0.8]))))
    numbers = tf.raw_ops.RandomUniform(shape=tf.shape(x), dtype=tf.float32, seed=3, seed2=m.integer(1, 99))
    form = m.integer(0, 2)
    if form == 0:
        y = x / keep * tf.floor(keep + numbers)
    elif form == 1:
        y = x * (1 / keep) * tf.cast(numbers >= 1 - keep, tf.float32)
    else:
        y = tf.where(numbers >= 1 - keep, x / keep, np.float32(0))
    m.fetch(m.formulas(y))


def fuse_elementwise(m):
    x = m.feed(3, m.integer(2, 40))
    y = m.formulas(x, 2, 5)
    m.fetch(m.formulas(y * m.numbers(*y.shape[1:]) + m.formulas(x)))


def remove_unneeded(m):
    x = m.feed(3, 4)
    shape = tf.shape(m.formulas(x, 1))
    m.fetch(m.formulas(x) * tf.cast(shape[1], tf.float32))


PATTERNS = {pattern.__name__.replace("_", "-"): pattern for pattern in (
    fused_activations, dead_branches, fold_constants, forward_identities, merge_equal, read_stored_rows, hoist_input_products,
    hoist_invariants, fuse_recurrent_cells, fuse_topk_product, fuse_attention, fuse_layer_norm, fuse_activations, move_transposes,
    fold_transposes, fold_pads, fold_channel_affine, pack_weights, fuse_epilogues, fuse_dropout, fuse_elementwise, remove_unneeded)}
