"""Writes models as TensorFlow 1 saves them, with recorded cases: for the race, and for the comparison over HTTP.

Usage: models.py FOLDER [MODEL...]     needs TensorFlow; models that are there already are left as they are

Writes FOLDER/MODEL/{checkpoint,model-*.meta,.index,.data-*}, and cases.json: a list of feeds and fetches with the outputs that
TensorFlow computes. An array is in the file that "npy" names, a single value in "data".
"""
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1
MODELS = {}


def model(*batches):
    """Adds a function that builds a graph, and returns a function from a batch size to feeds, and the names of the outputs."""

    def add(build):
        MODELS[build.__name__] = (build, batches)
        return build

    return add


class Layers:
    """Layers with variables, named as in networks of that time."""

    def __init__(self):
        self.random = np.random.default_rng(3)

    def weight(self, name, shape, deviation=None):
        inputs = int(np.prod(shape[:-1]))
        normal = tf1.truncated_normal_initializer(stddev=deviation or (2 / inputs) ** 0.5)
        return tf1.get_variable(name, shape, initializer=normal, use_resource=False)

    def near(self, name, size, value, spread=0.1):
        uniform = tf1.random_uniform_initializer(value - spread, value + spread)
        return tf1.get_variable(name, [size], initializer=uniform, use_resource=False)

    def dense(self, x, name, size, activation=None):
        with tf1.variable_scope(name):
            y = tf.nn.bias_add(
                tf.matmul(x, self.weight("kernel", [int(x.shape[-1]), size])), self.near("bias", size, 0))
        return activation(y) if activation else y

    def normalize(self, x):
        depth = int(x.shape[-1])
        with tf1.variable_scope("batch_normalization"):
            moments = self.near("moving_mean", depth, 0), self.near("moving_variance", depth, 1)
            scale, offset = self.near("gamma", depth, 1), self.near("beta", depth, 0)
            return tf1.nn.fused_batch_norm(x, scale, offset, *moments, epsilon=1e-3, is_training=False)[0]

    def conv(self, x, name, size, depth, stride=1, activation=tf.nn.relu, normalized=False):
        with tf1.variable_scope(name):
            kernel = self.weight("kernel", [size, size, int(x.shape[-1]), depth])
            y = tf.nn.conv2d(x, kernel, [1, stride, stride, 1], "SAME")
            y = self.normalize(y) if normalized else tf.nn.bias_add(y, self.near("bias", depth, 0))
        return activation(y) if activation else y

    def depthwise(self, x, name, stride):
        with tf1.variable_scope(name):
            kernel = self.weight("depthwise_kernel", [3, 3, int(x.shape[-1]), 1], 0.3)
            y = tf1.nn.depthwise_conv2d_native(x, kernel, [1, stride, stride, 1], "SAME")
            return tf.nn.relu6(self.normalize(y))

    def floats(self, *shape):
        return self.random.random(shape, np.float32)


def pool(x):
    return tf.nn.max_pool2d(x, 2, 2, "SAME")


def images(layers):
    placeholder = tf1.placeholder(tf.float32, [None, 224, 224, 3], name="image")
    return placeholder, lambda batch: {"image:0": layers.floats(batch, 224, 224, 3)}


def scores(x):
    tf.nn.softmax(x, name="scores")
    return ["scores:0"]


@model(1)
def arithmetic(layers):
    first, second = (tf1.placeholder(tf.float32, name=name) for name in ("first", "second"))
    factor = tf1.get_variable("factor", initializer=2.0, use_resource=False)
    tf.multiply(first + second, factor, name="result")
    return lambda batch: {"first:0": np.float32(13), "second:0": np.float32(17)}, ["result:0"]


@model(1, 32, 256)
def perceptron(layers):
    x = tf1.placeholder(tf.float32, [None, 784], name="x")
    y = layers.dense(layers.dense(x, "hidden1", 128, tf.nn.relu), "hidden2", 64, tf.nn.relu)
    return lambda batch: {"x:0": layers.floats(batch, 784)}, scores(layers.dense(y, "out", 10))


@model(1, 32)
def digits_cnn(layers):
    x = tf1.placeholder(tf.float32, [None, 784], name="x")
    keep = tf1.placeholder(tf.float32, name="keep_prob")
    y = pool(layers.conv(tf.reshape(x, [-1, 28, 28, 1]), "conv1", 5, 32))
    y = tf.reshape(pool(layers.conv(y, "conv2", 5, 64)), [-1, 7 * 7 * 64])
    y = tf1.nn.dropout(layers.dense(y, "hidden", 1024, tf.nn.relu), keep_prob=keep)
    feeds = lambda batch: {"x:0": layers.floats(batch, 784), "keep_prob:0": np.float32(1)}
    return feeds, scores(layers.dense(y, "out", 10))


@model(1, 16, 128)
def wide(layers):
    y = tf1.placeholder(tf.float32, [None, 2048], name="x")
    for index in range(4):
        y = layers.dense(y, f"hidden{index}", 2048, tf.nn.relu)
    return lambda batch: {"x:0": layers.floats(batch, 2048)}, scores(layers.dense(y, "out", 1000))


@model(1, 16)
def nearest_words(layers):
    words = tf1.placeholder(tf.int32, [None], name="words")
    table = tf.nn.l2_normalize(layers.weight("embeddings", [50000, 128], 0.1), 1)
    likeness = tf.matmul(tf.nn.embedding_lookup(table, words), table, transpose_b=True)
    values, indices = tf.nn.top_k(likeness, 8)
    # Some converters know one output of a node only.
    tf.identity(values, name="values"), tf.identity(indices, name="nearest")
    return lambda batch: {"words:0": layers.random.integers(0, 50000, batch, np.int32)}, ["values:0", "nearest:0"]


@model(1, 4)
def vgg16(layers):
    y, feeds = images(layers)
    for block, (count, depth) in enumerate([(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)], 1):
        for index in range(count):
            y = layers.conv(y, f"block{block}_conv{index + 1}", 3, depth)
        y = pool(y)
    y = tf.reshape(y, [-1, 7 * 7 * 512])
    y = layers.dense(layers.dense(y, "fc1", 4096, tf.nn.relu), "fc2", 4096, tf.nn.relu)
    return feeds, scores(layers.dense(y, "out", 1000))


@model(1, 8)
def resnet50(layers):
    y, feeds = images(layers)
    y = tf.nn.max_pool2d(layers.conv(y, "root", 7, 64, 2, normalized=True), 3, 2, "SAME")
    for block, (count, depth) in enumerate([(3, 64), (4, 128), (6, 256), (3, 512)]):
        for unit in range(count):
            stride = 2 if block > 0 and unit == 0 else 1
            with tf1.variable_scope(f"block{block + 1}_unit{unit + 1}"):
                shortcut = y
                if unit == 0:
                    shortcut = layers.conv(y, "shortcut", 1, 4 * depth, stride, None, normalized=True)
                y = layers.conv(y, "conv1", 1, depth, normalized=True)
                y = layers.conv(y, "conv2", 3, depth, stride, normalized=True)
                # Small, so that the values of 16 units in a row do not grow.
                y = 0.3 * layers.conv(y, "conv3", 1, 4 * depth, 1, None, normalized=True)
                y = tf.nn.relu(y + shortcut)
    return feeds, scores(layers.dense(tf.reduce_mean(y, [1, 2]), "out", 1000))


@model(1, 8)
def mobilenet(layers):
    y, feeds = images(layers)
    y = layers.conv(y, "root", 3, 32, 2, tf.nn.relu6, normalized=True)
    units = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + 5 * [(512, 1)] + [(1024, 2), (1024, 1)]
    for index, (depth, stride) in enumerate(units):
        y = layers.depthwise(y, f"depthwise{index}", stride)
        y = layers.conv(y, f"pointwise{index}", 1, depth, 1, tf.nn.relu6, normalized=True)
    return feeds, scores(layers.dense(tf.reduce_mean(y, [1, 2]), "out", 1000))


@model(1, 16)
def lstm(layers):
    steps, inputs, units = 40, 32, 128
    x = tf1.placeholder(tf.float32, [None, steps, inputs], name="x")
    kernel, bias = layers.weight("kernel", [inputs + units, 4 * units]), layers.near("bias", 4 * units, 0)
    sequence = tf.TensorArray(tf.float32, steps).unstack(tf.transpose(x, [1, 0, 2]))

    def step(time, memory, output):
        gates = tf.nn.bias_add(tf.matmul(tf.concat([sequence.read(time), output], 1), kernel), bias)
        enter, new, forget, leave = tf.split(gates, 4, 1)
        memory = memory * tf.sigmoid(forget + 1.0) + tf.sigmoid(enter) * tf.tanh(new)
        return time + 1, memory, tf.tanh(memory) * tf.sigmoid(leave)

    zeros = tf.zeros([tf.shape(x)[0], units])
    state = tf.TensorShape([None, units])
    loop = tf1.while_loop(lambda time, *_: time < steps, step, [0, zeros, zeros], [tf.TensorShape([]), state, state])
    output = tf.ensure_shape(loop[2], [None, units])
    return lambda batch: {"x:0": layers.floats(batch, steps, inputs)}, scores(layers.dense(output, "out", 10))


@model(1, 8)
def encoder(layers):
    tokens, width, heads, words = 64, 256, 4, 8000
    ids = tf1.placeholder(tf.int32, [None, tokens], name="ids")
    mask = tf1.placeholder(tf.float32, [None, tokens], name="mask")

    def project(x, name, size):
        flat = layers.dense(tf.reshape(x, [-1, int(x.shape[-1])]), name, size)
        return tf.reshape(flat, [-1, tokens, size])

    def norm(x, name):
        mean, variance = tf1.nn.moments(x, [-1], keep_dims=True)
        with tf1.variable_scope(name):
            scale, offset = layers.near("gamma", width, 1), layers.near("beta", width, 0)
        return tf.nn.batch_normalization(x, mean, variance, offset, scale, 1e-6)

    def split(x):
        return tf.transpose(tf.reshape(x, [-1, tokens, heads, width // heads]), [0, 2, 1, 3])

    y = tf.gather(layers.weight("words", [words, width], 0.02), ids) + layers.weight("places", [tokens, width], 0.02)
    hidden = (1.0 - mask[:, None, None, :]) * -1e9
    for index in range(4):
        with tf1.variable_scope(f"layer{index}"):
            query, key, value = (split(project(y, name, width)) for name in ("query", "key", "value"))
            weights = tf.nn.softmax(tf.matmul(query, key, transpose_b=True) * (width // heads) ** -0.5 + hidden)
            seen = tf.reshape(tf.transpose(tf.matmul(weights, value), [0, 2, 1, 3]), [-1, tokens, width])
            y = norm(y + project(seen, "output", width), "norm1")
            inner = project(y, "inner", 4 * width)
            inner = 0.5 * inner * (1.0 + tf.math.erf(inner * 2**-0.5))
            y = norm(y + project(inner, "outer", width), "norm2")
    pooled = layers.dense(y[:, 0], "pool", width, tf.tanh)

    def feeds(batch):
        ids = layers.random.integers(0, words, (batch, tokens), np.int32)
        return {"ids:0": ids, "mask:0": np.ones((batch, tokens), np.float32)}

    return feeds, scores(layers.dense(pooled, "out", 3))


def record(array, folder, name):
    """The entry of an array in cases.json."""
    array = np.asarray(array)
    entry = {"dtype": array.dtype.name, "shape": list(array.shape)}
    if array.ndim == 0:
        return entry | {"data": [array.item()]}
    file = name.replace("/", "_").replace(":", "_") + ".npy"
    np.save(f"{folder}/{file}", array)
    return entry | {"npy": file}


def write(name, folder):
    build, batches = MODELS[name]
    os.makedirs(folder, exist_ok=True)
    with tf.Graph().as_default(), tf1.Session() as session:
        tf1.set_random_seed(5)
        feeds_of, fetches = build(Layers())
        session.run(tf1.global_variables_initializer())
        tf1.train.Saver().save(session, f"{folder}/model", global_step=1000)
        cases = []
        for index, batch in enumerate(batches):
            feeds = feeds_of(batch)
            outputs = dict(zip(fetches, session.run(fetches, feeds)))
            cases.append({
                "feeds": {key: record(value, folder, f"case{index}-in-{key}") for key, value in feeds.items()},
                "fetches": {key: record(value, folder, f"case{index}-out-{key}") for key, value in outputs.items()},
            })
    # Last, because it says that the model is complete.
    with open(f"{folder}/cases.json", "w") as file:
        json.dump(cases, file)


def main(usage):
    if len(sys.argv) < 2:
        sys.exit(usage)
    tf1.disable_v2_behavior()
    tf1.disable_control_flow_v2()
    unknown = [name for name in sys.argv[2:] if name not in MODELS]
    if unknown:
        sys.exit(f"no such models: {', '.join(unknown)}; there are {', '.join(MODELS)}")
    for name in sys.argv[2:] or MODELS:
        if not os.path.exists(f"{sys.argv[1]}/{name}/cases.json"):
            write(name, f"{sys.argv[1]}/{name}")
            print(f"{name}: written", flush=True)


if __name__ == "__main__":
    main(__doc__)
