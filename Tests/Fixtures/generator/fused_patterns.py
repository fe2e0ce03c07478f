"""Patterns that passes make one op of, and graphs that look like them: recurrent cells, attention, the largest of a product."""
import numpy as np
import keras
import tensorflow as tf
from tensorflow.python.keras.layers.legacy_rnn import rnn_cell_impl
from tensorflow.python.ops import rnn

from .core import graph_case, tf1


class _Weights:
    """The variables of a graph, and their values."""

    def __init__(self, seed):
        self.rng = np.random.RandomState(seed)
        self.values = {}

    def __call__(self, name, *shape, scale=0.4):
        return self.of(name, (self.rng.randn(*shape) * scale).astype(np.float32))

    def of(self, name, value):
        self.values[name] = value
        variable = tf.raw_ops.VariableV2(shape=value.shape, dtype=tf.float32, name=name)
        return tf.identity(variable, name=f"{name}/read")


def _cell(gates, memory, order="ijfo", forget_bias=1.0, peepholes=None):
    """The next memory and the output. `peepholes` are weights of the forget gate, the input gate and the output gate."""
    parts = dict(zip(order, tf.split(gates, 4, 1)))
    forget = parts["f"] + forget_bias if forget_bias else parts["f"]
    if peepholes:
        forget, parts["i"] = forget + peepholes[0] * memory, parts["i"] + peepholes[1] * memory
    memory = memory * tf.sigmoid(forget) + tf.sigmoid(parts["i"]) * tf.tanh(parts["j"])
    output = parts["o"] + peepholes[2] * memory if peepholes else parts["o"]
    return memory, tf.tanh(memory) * tf.sigmoid(output)


def _recurrent(label, *, steps=4, inputs=3, cells=5, order="ijfo", bias="add", first="input", unstack=None, used="state",
               batches=(1, 3), many=True, sees=False, projection=None):
    """An LSTM over a sequence, [batch, steps, inputs], in a loop.

    sees: whether gates see the memory through peepholes. projection: to how many numbers the output is projected.
    """
    weights = _Weights(len(label))
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None, steps if many else None, inputs], name="x")
        kernel = weights("kernel", inputs + (projection or cells), 4 * cells)
        row = weights("bias", 4 * cells)
        peepholes = [weights(f"peephole_{gate}", cells) for gate in "fio"] if sees else None
        projector = weights("projection", cells, projection) if projection else None
        zeros = tf.zeros([tf.shape(x)[0], cells])
        first_output = tf.zeros([tf.shape(x)[0], projection]) if projection else zeros
        sequence = tf.transpose(x, [1, 0, 2])
        length = tf.shape(sequence)[0]
        array = tf.TensorArray(tf.float32, steps if many else length, clear_after_read=unstack != "read twice")
        if unstack == "reversed":
            array = array.scatter(tf.range(steps - 1, -1, -1), sequence)
        else:
            array = array.unstack(sequence)
        outputs = tf.TensorArray(tf.float32, steps if many else length)

        def body(i, memory, output, outputs):
            row_of_x = array.read(i)
            if unstack == "read twice":
                row_of_x = row_of_x + 0 * array.read(0)
            parts = [row_of_x, output] if first == "input" else [output, row_of_x]
            gates = tf.matmul(tf.concat(parts, 1), kernel)
            gates = gates + row if bias == "add" else tf.nn.bias_add(gates, row) if bias else gates
            memory, output = _cell(gates, memory, order, 0.0 if order == "ifjo" else 1.0, peepholes)
            output = tf.matmul(output, projector) if projection else output
            return i + 1, memory, output, outputs.write(i, output) if used == "outputs" else outputs

        _, memory, output, outputs = tf1.while_loop(
            lambda i, *_: i < (steps if many else length), body, [0, zeros, first_output, outputs],
            shape_invariants=[tf.TensorShape([]), tf.TensorShape([None, cells]), tf.TensorShape([None, projection or cells]),
                              tf.TensorShape(None)])
        fetches = []
        if used == "outputs":
            tf.transpose(outputs.stack(), [1, 0, 2], name="outputs")
            fetches = ["outputs:0"]
        tf.identity(memory, name="memory")
        tf.identity(output, name="output")
    rng = np.random.RandomState(1)
    lengths = (steps,) if many else (1, steps, 0)
    runs = [({"x:0": rng.randn(n, length, inputs).astype(np.float32)}, ["memory:0", "output:0"] + fetches)
            for n in batches for length in lengths]
    graph_case(label, graph, variables=weights.values, runs=runs, rtol=1e-5, atol=1e-6)


def _gru_cell(weights, inputs, cells):
    """TensorFlow 1's cell, with weights of ours."""
    cell = rnn_cell_impl.GRUCell(cells)
    cell._gate_kernel, cell._gate_bias = weights("gates", inputs + cells, 2 * cells), weights("gates_bias", 2 * cells)
    cell._candidate_kernel, cell._candidate_bias = weights("candidate", inputs + cells, cells), weights("candidate_bias", cells)
    cell.built = True
    return cell


def _dynamic_gru(label, *, steps=4, inputs=3, cells=5, lengths=False, layers=1):
    weights = _Weights(len(label))
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None, steps, inputs], name="x")
        length = tf1.placeholder(tf.int32, [None], name="length") if lengths else None
        y = x
        for layer in range(layers):
            cell = _gru_cell(lambda name, *shape: weights(f"{name}{layer}", *shape), inputs if layer == 0 else cells, cells)
            y, state = rnn.dynamic_rnn(cell, y, length, dtype=tf.float32, scope=f"layer{layer}")
        tf.identity(y, name="outputs")
        tf.identity(state, name="state")
    rng = np.random.RandomState(3)
    runs = []
    for n in (1, 3):
        feeds = {"x:0": rng.randn(n, steps, inputs).astype(np.float32)}
        if lengths:
            feeds["length:0"] = np.append(rng.randint(0, steps + 1, n - 1), steps).astype(np.int32)
        runs.append((feeds, ["outputs:0", "state:0"]))
    graph_case(label, graph, variables=weights.values, runs=runs, rtol=1e-5, atol=1e-6)


def _static_gru(label, *, steps=3, inputs=3, cells=18):
    weights = _Weights(len(label))
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None, steps, inputs], name="x")
        outputs, _ = rnn.static_rnn(_gru_cell(weights, inputs, cells), tf.unstack(x, axis=1), dtype=tf.float32)
        tf.stack(outputs, 1, name="outputs")
    rng = np.random.RandomState(4)
    runs = [({"x:0": rng.randn(n, steps, inputs).astype(np.float32)}, ["outputs:0"]) for n in (1, 4)]
    graph_case(label, graph, variables=weights.values, runs=runs, rtol=1e-5, atol=1e-6)


class _KerasWeights:
    """What the call of Keras' cell reads of it."""

    def __init__(self, weights, inputs, cells, reset_after, use_bias=True, implementation=2):
        self.units, self.reset_after, self.use_bias, self.implementation = cells, reset_after, use_bias, implementation
        self.kernel, self.recurrent_kernel = weights("kernel", inputs, 3 * cells), weights("recurrent", cells, 3 * cells)
        self.bias = weights("bias", *([2] if reset_after else []), 3 * cells) if use_bias else None
        self.dropout = self.recurrent_dropout = 0
        self.activation, self.recurrent_activation = keras.activations.tanh, keras.activations.sigmoid


def _keras_gru(label, *, reset_after, steps=4, inputs=3, cells=5, lost=False, **options):
    """Keras' GRU in a loop. lost: whether it has an activation that no kernel has."""
    weights = _Weights(len(label))
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None, steps, inputs], name="x")
        cell = _KerasWeights(weights, inputs, cells, reset_after, **options)
        if lost:
            cell.activation = keras.activations.elu
        array = tf.TensorArray(tf.float32, steps).unstack(tf.transpose(x, [1, 0, 2]))
        outputs = tf.TensorArray(tf.float32, steps)

        def body(i, state, outputs):
            output, states = keras.layers.GRUCell.call(cell, array.read(i), [state])
            return i + 1, states[0], outputs.write(i, output)

        _, state, outputs = tf1.while_loop(
            lambda i, *_: i < steps, body, [0, tf.zeros([tf.shape(x)[0], cells]), outputs],
            shape_invariants=[tf.TensorShape([]), tf.TensorShape([None, cells]), tf.TensorShape(None)])
        tf.transpose(outputs.stack(), [1, 0, 2], name="outputs")
        tf.identity(state, name="state")
    rng = np.random.RandomState(5)
    runs = [({"x:0": rng.randn(n, steps, inputs).astype(np.float32)}, ["outputs:0", "state:0"]) for n in (1, 3)]
    graph_case(label, graph, variables=weights.values, runs=runs, rtol=1e-5, atol=1e-6)


def _unrolled():
    """Cells without a loop, of which one is fetched in the middle."""
    weights = _Weights(3)
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None, 3], name="x")
        memory = tf1.placeholder(tf.float32, [None, 21], name="m")
        gates = tf.matmul(x, weights("kernel", 3, 84)) + weights("bias", 84)
        memory, output = _cell(gates, memory)
        gate = output.op.inputs[1]
        gates = tf.matmul(output, weights("kernel2", 21, 84))
        memory, output = _cell(gates, memory, "ofij")
        tf.identity(memory, name="memory")
        tf.identity(output, name="output")
    rng = np.random.RandomState(2)
    for size, rows in ((1, 1), (4, 4), (4, 1)):
        feeds = {"x:0": rng.randn(size, 3).astype(np.float32), "m:0": rng.randn(rows, 21).astype(np.float32)}
        runs = [(feeds, ["memory:0", "output:0"]), (feeds, ["memory:0", gate.name])]
        graph_case(f"unrolled LSTM cells, {size} rows, {rows} of memory", graph, variables=weights.values, runs=runs,
                   rtol=1e-5, atol=1e-6)


def _largest(label, table, queries, k, *, transposes=True, fetched=(), index_type=tf.int32):
    weights = _Weights(4)
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None, queries.shape[1]], name="x")
        scores = tf.matmul(x, weights.of("table", table if transposes else np.ascontiguousarray(table.T)),
                           transpose_b=transposes, name="scores")
        tf.raw_ops.TopKV2(input=scores, k=k, index_type=index_type, name="top")
    feeds = [{"x:0": queries[:size]} for size in (1, 3, len(queries))]
    graph_case(label, graph, variables=weights.values, runs=[(feed, ["top:0", "top:1", *fetched]) for feed in feeds])


def _all_largest():
    rng = np.random.RandomState(5)
    # Small whole numbers: sums are exact, and many scores are equal.
    table = rng.randint(-2, 3, (530, 7)).astype(np.float32)
    queries = rng.randint(-2, 3, (37, 7)).astype(np.float32)
    _largest("largest of a product", table, queries, 7)
    _largest("largest of a product, not transposed", table, queries, 7, transposes=False)
    _largest("largest of a product, int64", table, queries[:6], 1, index_type=tf.int64)
    _largest("largest of a product that is fetched", table, queries[:6], 5, fetched=["scores:0"])
    _largest("largest of a product, nearly all", table[:300], queries[:4], 290)
    strange = table.copy()
    strange[[3, 500]] = np.nan
    strange[[7, 501]] = np.inf
    strange[8] = -np.inf
    strange[20:300] = 0
    _largest("largest of a product, infinities and zeros", np.nan_to_num(strange, nan=0.0), np.abs(queries[:6]) + 1, 9)


def _attention(label, *, heads=2, queries=6, keys=6, depth=5, width=5, scale="divide", mask="rows", adjoint=True,
               transposes=True, fetched=False, rank=4):
    rng = np.random.RandomState(6)
    with tf.Graph().as_default() as graph:
        def operand(name, length, size):
            shape = [None, length, heads, size] if transposes else [None, heads, length, size]
            x = tf1.placeholder(tf.float32, shape if rank == 4 else [None, length, size], name=name)
            return tf.transpose(x, [0, 2, 1, 3]) if transposes and rank == 4 else x

        q, k, v = operand("q", queries, depth), operand("k", keys, depth), operand("v", keys, width)
        if adjoint:
            scores = tf.matmul(q, k, transpose_b=True)
        else:
            scores = tf.matmul(q, tf.transpose(k, [0, 1, 3, 2] if rank == 4 else [0, 2, 1]))
        scores = scores / np.float32(depth ** 0.5) if scale == "divide" else scores * 0.5 if scale else scores
        feeds = {}
        m = {"rows": [3, 1, 1, keys], "all": [1, 1, queries, keys], "matrix": [queries, keys], "vector": [keys],
             "heads": [3, heads, queries, keys], "three": [3, queries, keys], None: None}[mask]
        if m:
            kept = tf1.placeholder(tf.float32, [None] + m[1:] if m[0] == 3 else m, name="mask")
            scores = (1.0 - kept) * -10000.0 + scores if mask == "rows" else scores + kept
            feeds["mask:0"] = (rng.rand(*m) < 0.7).astype(np.float32)
        weights = tf.nn.softmax(scores, name="weights")
        y = tf.matmul(weights, v)
        y = tf.transpose(y, [0, 2, 1, 3], name="y") if transposes and rank == 4 else tf.identity(y, name="y")
    for name, length, size in (("q", queries, depth), ("k", keys, depth), ("v", keys, width)):
        shape = [3, length, heads, size] if transposes else [3, heads, length, size]
        feeds[f"{name}:0"] = rng.randn(*(shape if rank == 4 else [3, length, size])).astype(np.float32)
    graph_case(label, graph, runs=[(feeds, ["y:0"] + (["weights:0"] if fetched else []))], rtol=1e-5, atol=1e-6)


def graphs():
    tf1.disable_control_flow_v2()
    _recurrent("LSTM in a loop")
    _recurrent("LSTM in a loop, bias added", bias="bias_add", used="outputs", cells=16)
    _recurrent("LSTM in a loop, state first", first="state", order="ifjo", cells=19)
    _recurrent("LSTM in a loop of any length", many=False, bias=None, used="outputs")
    _recurrent("LSTM in a loop, rows in another order", unstack="reversed")
    _recurrent("LSTM in a loop, a row that is read twice", unstack="read twice")
    _unrolled()
    _all_largest()
    _attention("attention")
    _attention("attention, multiplied", scale="multiply", mask="all", adjoint=False, keys=9, width=3)
    _attention("attention without a mask", mask=None, transposes=False)
    _attention("attention without a scale", scale=None, mask="matrix", transposes=False, adjoint=False)
    _attention("attention, a mask for each head", mask="heads", queries=1)
    _attention("attention of rank 3", rank=3, mask="three")
    _attention("attention of rank 3, a mask for all", rank=3, mask="vector", adjoint=False)
    _attention("attention whose weights are fetched", fetched=True)
    _attention("attention, many keys", keys=300, queries=310, heads=1, mask="rows")
    _recurrent("LSTM in a loop, peepholes", sees=True, cells=19)
    _recurrent("LSTM in a loop, a projection", projection=3, bias="bias_add", used="outputs")
    _recurrent("LSTM in a loop, peepholes and a projection", sees=True, projection=2, order="ifjo", cells=16, bias=None)
    _dynamic_gru("GRU of dynamic_rnn")
    _dynamic_gru("GRU of dynamic_rnn, lengths", lengths=True, cells=16)
    _dynamic_gru("GRU of dynamic_rnn, two layers", layers=2, cells=19)
    _static_gru("GRU of static_rnn")
    for after in (True, False):
        name = "after" if after else "before"
        _keras_gru(f"Keras' GRU, reset {name} the product", reset_after=after, cells=19)
        _keras_gru(f"Keras' GRU, reset {name} the product, no bias", reset_after=after, use_bias=False, cells=16)
        _keras_gru(f"Keras' GRU, reset {name} the product, products apart", reset_after=after, implementation=1)
        _keras_gru(f"Keras' GRU, reset {name} the product, another activation", reset_after=after, lost=True)
