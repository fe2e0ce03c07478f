"""Random graphs: ops, shapes, dtypes and broadcasting as they come, with TensorFlow's answers.

The fixture has a few; `make test-differential` makes thousands:

    python Tests/Fixtures/generator/differential.py OUT COUNT [FIRST_SEED]

Graph number n is made with seed n alone: a failure is made again by its seed, which is in the record's label.
"""
import os
import sys

import numpy as np

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    from generator import core
    from generator.core import graph_case, tf, tf1
else:
    from . import core
    from .core import graph_case, tf, tf1

FLOATS = ["float32", "float32", "float32", "float64"]
INTEGERS = ["int32", "int64"]
COUNT_IN_FIXTURE = 150


def graphs():
    for seed in range(COUNT_IN_FIXTURE):
        record(seed, largest=64, most_steps=8)


def record(seed, largest=2048, most_steps=14):
    """Floats may differ by what rounding makes of a dozen ops, each of which cancels what it likes."""
    maker = Maker(seed, largest)
    maker.make(most_steps)
    tolerance = 1e-4
    graph_case(f"seed {seed}", maker.graph, runs=maker.runs(), rtol=tolerance, atol=tolerance)


class Maker:
    """Makes one graph: values in a pool, to which each step adds one or more."""

    def __init__(self, seed, largest):
        self.largest = largest
        self.random = np.random.RandomState(seed)
        self.graph = tf.Graph()
        self.placeholders = []
        self.pool = []
        self.is_used = set()

    def make(self, most_steps):
        with self.graph.as_default():
            for _ in range(self.integer(1, 3)):
                self.add_placeholder()
            for _ in range(self.integer(3, most_steps)):
                before = len(self.pool)
                for _ in range(20):
                    if self.step() and len(self.pool) > before:
                        break

    # What is fed and fetched.

    def feeds(self, batch=None):
        return {p.name: self.values(p.dtype.name, self.fed_shape(shape, batch)) for p, shape in self.placeholders}

    @staticmethod
    def fed_shape(shape, batch):
        return shape if batch is None or not shape else [batch] + shape[1:]

    def fetches(self):
        leaves = [t.name for t in self.pool if t.ref() not in self.is_used]
        inner = [t.name for t in self.pool if t.ref() in self.is_used and t.op.type != "Placeholder"]
        picked = [inner[i] for i in sorted(self.random.choice(len(inner), min(2, len(inner)), replace=False))] if inner else []
        return (leaves + picked)[:8]

    def runs(self):
        """Some graphs run again with another size of the first axis, which may not fit: then both must refuse."""
        runs = [(self.feeds(), self.fetches())]
        if self.random.rand() < 0.4:
            runs.append((self.feeds(batch=self.integer(0, 4)), self.fetches()))
        return runs

    # Choices.

    def integer(self, low, high):
        return int(self.random.randint(low, high + 1))

    def one(self, choices):
        return choices[self.random.randint(len(choices))]

    def values(self, dtype, shape):
        if dtype == "bool":
            return self.random.rand(*shape) < 0.5
        if dtype in INTEGERS:
            return self.random.randint(-9, 10, size=shape).astype(dtype)
        return np.asarray(self.random.uniform(-3, 3, size=shape), dtype)

    def some_shape(self, low=0, high=4):
        return [self.one([1, 2, 3, 4, 5, 7]) if self.random.rand() < 0.96 else 0 for _ in range(self.integer(low, high))]

    def some(self, dtypes=None, ranks=None):
        """A value of the pool, used from now on; None if there is none of the kind."""
        fitting = [t for t in self.pool if (dtypes is None or t.dtype.base_dtype.name in dtypes)
                   and t.shape.rank is not None and (ranks is None or t.shape.rank in ranks)]
        # The newest are likeliest: graphs become deep.
        return fitting[-1 - min(len(fitting) - 1, self.random.geometric(0.35) - 1)] if fitting else None

    def add(self, *tensors, uses=()):
        for used in uses:
            self.is_used.add(used.ref())
        for tensor in tensors:
            size = np.prod([d if d is not None else 5 for d in tensor.shape.as_list()]) if tensor.shape.rank is not None else 0
            if size <= self.largest:
                self.pool.append(tensor)
        return True

    def add_placeholder(self):
        dtype = self.one(FLOATS + FLOATS + INTEGERS + ["bool"])
        shape = self.some_shape(1, 4)
        while np.prod(shape) > self.largest:
            shape.pop()
        known = [None if self.random.rand() < 0.4 and i == 0 else size for i, size in enumerate(shape)]
        placeholder = tf1.placeholder(dtype, known)
        # What the graph is made with, where sizes matter.
        self.placeholders.append((placeholder, shape))
        self.pool.append(placeholder)

    def partner(self, tensor):
        """Something that broadcasts with a value: another of the pool, or a constant."""
        dtype = tensor.dtype.base_dtype.name
        if self.random.rand() < 0.35:
            other = self.some([dtype])
            if other is not None:
                try:
                    tf.broadcast_static_shape(tensor.shape, other.shape)
                    return other
                except ValueError:
                    pass
        shape = [1 if size is None or self.random.rand() < 0.3 else size for size in tensor.shape.as_list()]
        shape = shape[self.integer(0, len(shape)):] if self.random.rand() < 0.5 else shape
        return tf1.constant(self.values(dtype, shape), dtype=dtype)

    # Steps.

    def step(self):
        makers = [self.unary, self.unary, self.binary, self.binary, self.binary, self.reduction, self.reduction,
                  self.matmul, self.matmul, self.slice, self.slice, self.concat, self.transpose, self.reshape,
                  self.comparison, self.select, self.cast, self.softmax, self.arg, self.gather, self.pad_or_tile,
                  self.split, self.pack, self.expand, self.one_hot, self.shape_of, self.convolution, self.pool_windows]
        try:
            return bool(self.one(makers)())
        except (ValueError, TypeError, tf.errors.OpError):
            return False

    def unary(self):
        x = self.some(FLOATS + INTEGERS)
        if x is None:
            return False
        if x.dtype.is_floating:
            op = self.one([tf.nn.relu, tf.tanh, tf.sigmoid, tf.square, tf.negative, tf.abs, tf.nn.relu6, tf.floor,
                           lambda v: tf.sqrt(tf.abs(v)), lambda v: tf.exp(tf.minimum(v, 3)), lambda v: tf.math.log(tf.abs(v) + 1),
                           lambda v: tf.math.rsqrt(tf.square(v) + 1)])
        else:
            op = self.one([tf.square, tf.negative, tf.abs])
            x2 = x % 11
            return self.add(op(x2), uses=[x])
        return self.add(op(x), uses=[x])

    def binary(self):
        x = self.some(FLOATS + INTEGERS)
        if x is None:
            return False
        y = self.partner(x)
        ops = [tf.add, tf.subtract, tf.multiply, tf.maximum, tf.minimum, tf.math.squared_difference]
        if x.dtype.is_floating:
            ops += [lambda a, b: tf.truediv(a, tf.abs(b) + 1), lambda a, b: tf.pow(tf.abs(a) + 0.5, tf.minimum(tf.abs(b), 2))]
        else:
            ops += [lambda a, b: a // (tf.abs(b) + 1), lambda a, b: a % (tf.abs(b) + 1)]
        if self.random.rand() < 0.5:
            x, y = y, x
        return self.add(self.one(ops)(x, y), uses=[x, y])

    def comparison(self):
        x = self.some(INTEGERS)
        if x is None:
            return False
        y = self.partner(x)
        return self.add(self.one([tf.less, tf.less_equal, tf.greater, tf.greater_equal, tf.equal, tf.not_equal])(x, y), uses=[x, y])

    def select(self):
        x = self.some()
        if x is None or x.dtype == tf.bool:
            return False
        condition = self.some(["bool"])
        y = self.partner(x)
        if condition is None or self.random.rand() < 0.4:
            condition = tf1.constant(self.values("bool", [1] * x.shape.rank))
        out = tf.where(condition, x, y)
        return self.add(out, uses=[x, condition])

    def cast(self):
        x = self.some()
        if x is None:
            return False
        target = self.one(FLOATS + INTEGERS)
        if x.dtype.is_floating and target in INTEGERS:
            x2 = tf.clip_by_value(x, -1000, 1000)
            # What is nearly a whole number may be one here and not there.
            return self.add(tf.cast(tf.round(x2 * 0.01), target), uses=[x])
        return self.add(tf.cast(x, target), uses=[x])

    def reduction(self):
        x = self.some()
        if x is None or x.shape.rank == 0:
            return False
        axes = sorted(self.random.choice(x.shape.rank, self.integer(0, x.shape.rank), replace=False).tolist())
        axes = [a - x.shape.rank if self.random.rand() < 0.3 else a for a in axes]
        keep = bool(self.random.rand() < 0.5)
        if x.dtype == tf.bool:
            op = self.one([tf.reduce_all, tf.reduce_any])
        elif x.dtype.is_floating:
            op = self.one([tf.reduce_sum, tf.reduce_mean, tf.reduce_max, tf.reduce_min])
        else:
            op = self.one([tf.reduce_sum, tf.reduce_max, tf.reduce_min])
        return self.add(op(x, axis=axes if self.random.rand() < 0.9 else None, keepdims=keep), uses=[x])

    def matmul(self):
        x = self.some(FLOATS, ranks=[2, 3, 4])
        if x is None:
            return False
        transpose_a = bool(self.random.rand() < 0.25)
        transpose_b = bool(self.random.rand() < 0.25)
        inner = x.shape.as_list()[-2 if transpose_a else -1]
        if inner is None:
            return False
        shape = [inner, self.integer(1, 6)][::-1 if transpose_b else 1]
        batch = x.shape.as_list()[:-2]
        if batch and None not in batch:
            shape = (batch if self.random.rand() < 0.6 else [1] * len(batch)) + shape
        elif batch:
            shape = [1] * len(batch) + shape
        y = tf1.constant(self.values(x.dtype.name, shape), dtype=x.dtype)
        out = tf.matmul(x, y, transpose_a=transpose_a, transpose_b=transpose_b) * 0.2
        if x.shape.rank == 2 and self.random.rand() < 0.5:
            bias = tf1.constant(self.values(x.dtype.name, [out.shape.as_list()[-1]]), dtype=x.dtype)
            out = tf.nn.bias_add(out, bias)
        return self.add(out, uses=[x])

    def slice(self):
        x = self.some()
        if x is None or x.shape.rank == 0:
            return False
        parts = []
        for size in x.shape.as_list():
            kind = self.integer(0, 6)
            limit = 5 if size is None else size
            if kind == 0 and size:
                parts.append(self.integer(-size, size - 1))
            elif kind == 1:
                parts.append(slice(None, None, self.one([-1, -2, 2, 3])))
            elif kind == 2:
                low, high = sorted([self.integer(0, limit), self.integer(0, limit)])
                parts.append(slice(low, high + 1))
            elif kind == 3:
                parts.append(slice(self.integer(-limit - 1, limit), None))
            else:
                parts.append(slice(None))
        if self.random.rand() < 0.2:
            parts.insert(self.integer(0, len(parts)), tf.newaxis)
        if self.random.rand() < 0.2:
            parts = [Ellipsis] + parts[-1:]
        return self.add(x[tuple(parts)], uses=[x])

    def concat(self):
        x = self.some()
        if x is None or x.shape.rank == 0:
            return False
        axis = self.integer(0, x.shape.rank - 1)
        others = []
        for _ in range(self.integer(1, 3)):
            shape = x.shape.as_list()
            shape[axis] = self.integer(0, 3)
            if None in shape:
                others.append(x)
            else:
                others.append(tf1.constant(self.values(x.dtype.name, shape), dtype=x.dtype))
        return self.add(tf.concat(others[:1] + [x] + others[1:], axis - x.shape.rank if self.random.rand() < 0.3 else axis), uses=[x])

    def transpose(self):
        x = self.some()
        if x is None or x.shape.rank == 0:
            return False
        return self.add(tf.transpose(x, self.random.permutation(x.shape.rank).tolist()), uses=[x])

    def reshape(self):
        x = self.some()
        if x is None:
            return False
        shape = x.shape.as_list()
        if None in shape or self.random.rand() < 0.3:
            return self.add(tf.reshape(x, [-1] if self.random.rand() < 0.5 else [-1, 1]), uses=[x])
        size = int(np.prod(shape))
        factors = []
        for candidate in self.random.permutation([2, 3, 2, 5, 7, 1]):
            if size and size % candidate == 0:
                factors.append(int(candidate))
                size //= int(candidate)
        factors.append(size)
        if size and self.random.rand() < 0.5:
            factors[self.integer(0, len(factors) - 1)] = -1
        return self.add(tf.reshape(x, factors), uses=[x])

    def softmax(self):
        x = self.some(FLOATS, ranks=[1, 2, 3])
        if x is None:
            return False
        return self.add(self.one([tf.nn.softmax, tf.nn.log_softmax])(x), uses=[x])

    def arg(self):
        # Of whole numbers: there are ties, but they are the same on both sides.
        x = self.some(INTEGERS)
        if x is None or x.shape.rank == 0 or x.shape.num_elements() == 0:
            return False
        op = self.one([tf.argmax, tf.argmin])
        return self.add(op(x, axis=self.integer(-x.shape.rank, x.shape.rank - 1), output_type=self.one([tf.int32, tf.int64])), uses=[x])

    def gather(self):
        x = self.some()
        if x is None or x.shape.rank == 0:
            return False
        axis = self.integer(0, x.shape.rank - 1)
        size = x.shape.as_list()[axis]
        if not size:
            return False
        indices = tf1.constant(self.random.randint(0, size, size=self.some_shape(0, 2)), dtype=self.one([tf.int32, tf.int64]))
        return self.add(tf.gather(x, indices, axis=axis), uses=[x])

    def pad_or_tile(self):
        x = self.some(FLOATS + INTEGERS)
        if x is None or x.shape.rank == 0:
            return False
        return self.add(tf.tile(x, [self.integer(1, 2) for _ in range(x.shape.rank)]), uses=[x])

    def split(self):
        x = self.some()
        if x is None or x.shape.rank == 0:
            return False
        axis = self.integer(0, x.shape.rank - 1)
        size = x.shape.as_list()[axis]
        if not size or size < 2:
            return False
        if self.random.rand() < 0.5:
            first = self.integer(0, size)
            return self.add(*tf.split(x, [first, size - first], axis=axis), uses=[x])
        if size <= 5 and self.random.rand() < 0.5:
            return self.add(*tf.unstack(x, axis=axis), uses=[x])
        pieces = [n for n in range(2, size + 1) if size % n == 0]
        return self.add(*tf.split(x, self.one(pieces), axis=axis), uses=[x])

    def pack(self):
        x = self.some()
        if x is None:
            return False
        return self.add(tf.stack([x, x] if self.random.rand() < 0.5 else [x], axis=self.integer(0, x.shape.rank)), uses=[x])

    def expand(self):
        x = self.some()
        if x is None:
            return False
        if 1 in x.shape.as_list() and self.random.rand() < 0.6:
            ones = [i for i, size in enumerate(x.shape.as_list()) if size == 1]
            return self.add(tf.squeeze(x, self.one([ones, ones[:1]])), uses=[x])
        if x.shape.rank > 4:
            return False
        return self.add(tf.expand_dims(x, self.integer(-x.shape.rank - 1, x.shape.rank)), uses=[x])

    def one_hot(self):
        x = self.some(INTEGERS, ranks=[0, 1, 2])
        if x is None:
            return False
        return self.add(tf.one_hot(x % 7, self.integer(1, 7), axis=self.one([-1, 0]), dtype=self.one(FLOATS)), uses=[x])

    def shape_of(self):
        x = self.some()
        if x is None:
            return False
        kind = self.integer(0, 3)
        if kind == 0:
            return self.add(tf.shape(x), uses=[x])
        if kind == 1:
            return self.add(tf.reshape(x, tf.concat([tf.shape(x), [1]], 0)), uses=[x])
        if kind == 2 and x.dtype != tf.bool:
            return self.add(tf.zeros_like(x) + tf.cast(tf.size(x), x.dtype), uses=[x])
        return self.add(tf.fill(tf.shape(x), tf1.constant(self.values("float32", []))), uses=[x])

    def convolution(self):
        x = self.some(["float32"], ranks=[4])
        if x is None or None in x.shape.as_list()[1:]:
            return False
        filters = tf1.constant(self.values("float32", [self.integer(1, 3), self.integer(1, 3), x.shape.as_list()[3], self.integer(1, 4)]))
        stride = self.integer(1, 2)
        dilation = self.integer(1, 2) if stride == 1 else 1
        out = tf.nn.conv2d(x, filters, [1, stride, stride, 1], self.one(["SAME", "VALID"]), dilations=[1, dilation, dilation, 1])
        return self.add(out * 0.2, uses=[x])

    def pool_windows(self):
        x = self.some(["float32"], ranks=[4])
        if x is None or None in x.shape.as_list()[1:]:
            return False
        op = self.one([tf.nn.max_pool2d, tf.nn.avg_pool2d])
        return self.add(op(x, [self.integer(1, 3), self.integer(1, 3)], self.integer(1, 2), self.one(["SAME", "VALID"])), uses=[x])


def main(out, count, first):
    core.begin()
    for seed in range(first, first + count):
        record(seed)
    core.finish(out)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)
