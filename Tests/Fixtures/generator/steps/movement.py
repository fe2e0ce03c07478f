"""Steps that move elements: slices, joins, transposes, gathers, scatters, diagonals."""
import numpy as np
import tensorflow as tf

from ..core import tf1
from .choices import INTEGERS


class MovementSteps:
    def movement_steps(self):
        return [self.slice, self.slice, self.concat, self.transpose, self.reshape, self.gather, self.tile, self.pad, self.split,
                self.pack, self.expand, self.one_hot, self.shape_of, self.reorder, self.diagonal, self.gather_more, self.scatter,
                self.ranges]

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
                others.append(self.constant(x.dtype, shape))
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

    def tile(self):
        x = self.some()
        # TensorFlow has no kernel that tiles this dtype.
        if x is None or x.shape.rank == 0 or x.dtype == tf.uint16:
            return False
        return self.add(tf.tile(x, [self.integer(1, 2) for _ in range(x.shape.rank)]), uses=[x])

    def pad(self):
        x = self.some()
        if x is None or x.shape.rank == 0 or x.dtype == tf.string:
            return False
        mode = self.one(["CONSTANT", "CONSTANT", "REFLECT", "SYMMETRIC"])
        room = [1 if size is None else 2 if mode == "CONSTANT" else min(2, max(0, size - 1)) for size in x.shape.as_list()]
        sides = [[self.integer(0, most), self.integer(0, most)] for most in room]
        if mode == "CONSTANT" and self.chance(0.5):
            return self.add(tf.pad(x, sides, constant_values=tf.cast(self.integer(0, 3), x.dtype)), uses=[x])
        return self.add(tf.pad(x, sides, mode), uses=[x])

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
        # TensorFlow makes Tile of it in functions.
        if x is None or x.dtype == tf.uint16:
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
        return self.add(tf.one_hot(x % 7, self.integer(1, 7), axis=self.one([-1, 0]), dtype=self.one(self.floats)), uses=[x])

    def shape_of(self):
        x = self.some()
        if x is None:
            return False
        kind = self.integer(0, 3)
        if kind == 0:
            return self.add(tf.shape(x), uses=[x])
        if kind == 1:
            return self.add(tf.reshape(x, tf.concat([tf.shape(x), [1]], 0)), uses=[x])
        if kind == 2 and x.dtype not in (tf.bool, tf.string):
            return self.add(tf.zeros_like(x) + tf.cast(tf.size(x), x.dtype), uses=[x])
        return self.add(tf.fill(tf.shape(x), self.constant("float32", [])), uses=[x])

    def reorder(self):
        x = self.some()
        if x is None or x.shape.rank == 0:
            return False
        axis = self.axis(x)
        kind = self.integer(0, 3)
        if kind == 0:
            axes = sorted(self.random.choice(x.shape.rank, self.integer(0, x.shape.rank), replace=False).tolist())
            return self.add(tf.reverse(x, axes), uses=[x])
        if kind == 1:
            return self.add(tf.roll(x, [self.integer(-5, 5), self.integer(-3, 3)], [axis, self.axis(x)]), uses=[x])
        if kind == 2 and 1 < x.shape.rank < 6 and None not in x.shape.as_list()[:2]:
            rows, columns = x.shape.as_list()[:2]
            return self.add(tf.reverse_sequence(x, self.random.randint(0, columns + 1, size=rows), seq_axis=1, batch_axis=0), uses=[x])
        return self.add(tf.broadcast_to(x, tf.concat([[self.integer(1, 2)], tf.shape(x)], 0)), uses=[x])

    def diagonal(self):
        x = self.some(self.floats + INTEGERS + ["bool"], ranks=[1, 2, 3])
        if x is None:
            return False
        if x.shape.rank == 1 or self.chance(0.2):
            low = self.integer(-2, 1)
            ops = [tf.linalg.diag, lambda v: tf.linalg.diag(v, k=low, padding_value=tf.cast(1, v.dtype))]
            return self.add(self.one(ops + [tf.linalg.tensor_diag] * (x.shape.rank < 3 and x.dtype not in (tf.bfloat16, tf.bool)))(x), uses=[x])
        low = self.integer(-1, 0)
        high = self.integer(low, 1)
        ops = [lambda v: tf.linalg.band_part(v, self.integer(-1, 1), self.integer(-1, 1)), tf.linalg.diag_part,
               lambda v: tf.linalg.diag_part(v, k=(low, high), padding_value=tf.cast(2, v.dtype), align=self.one(["LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT"])),
               lambda v: tf.linalg.set_diag(v, v[..., 0, :min(v.shape.as_list()[-2:])])] if None not in x.shape.as_list() else [tf.linalg.diag_part]
        return self.add(self.one(ops)(x), uses=[x])

    def gather_more(self):
        x = self.some()
        if x is None or x.shape.rank < 2 or None in x.shape.as_list() or 0 in x.shape.as_list():
            return False
        shape = x.shape.as_list()
        kind = self.integer(0, 2)
        dtype = self.one([tf.int32, tf.int64])
        if kind == 0:
            depth = self.integer(1, x.shape.rank)
            indices = self.random.randint(0, shape[:depth], size=self.some_shape(0, 2) + [depth])
            return self.add(tf.gather_nd(x, tf.constant(indices, dtype)), uses=[x])
        if kind == 1:
            indices = self.random.randint(0, shape[1], size=[shape[0], self.integer(0, 3)])
            return self.add(tf.gather(x, tf.constant(indices, dtype), axis=1, batch_dims=1), uses=[x])
        return self.add(tf.boolean_mask(x, self.constant("bool", shape[:1])), uses=[x])

    def scatter(self):
        x = self.some(self.floats + INTEGERS)
        if x is None or x.shape.rank == 0 or None in x.shape.as_list() or x.shape.as_list()[0] == 0:
            return False
        shape = x.shape.as_list()
        dtype = self.one([tf.int32, tf.int64])
        indices = tf.constant(self.random.permutation(shape[0])[:self.integer(0, shape[0]), None], dtype)
        updates = self.constant(x.dtype, [indices.shape.as_list()[0]] + shape[1:])
        kind = self.integer(0, 5)
        if kind == 0:
            return self.add(tf.scatter_nd(tf.constant(self.random.randint(0, 4, size=[shape[0], 1]), dtype), x, tf.constant([5] + shape[1:], dtype)), uses=[x])
        if kind == 1:
            order = self.random.permutation(shape[0])
            return self.add(tf.dynamic_stitch([order.astype("int32")], [x]), uses=[x])
        if kind == 2:
            parts = tf.constant(self.random.randint(0, 3, size=shape[:1]), tf.int32)
            return self.add(*tf.dynamic_partition(x, parts, 3), uses=[x])
        op = self.one([tf.tensor_scatter_nd_update, tf.tensor_scatter_nd_add, tf.tensor_scatter_nd_sub, tf.tensor_scatter_nd_max, tf.tensor_scatter_nd_min])
        return self.add(op(x, indices, updates), uses=[x])

    def ranges(self):
        x = self.some(INTEGERS, ranks=[0])
        if x is None:
            return self.add(tf.range(self.integer(0, 7), dtype=self.one(["int32", "int64", "float32"])))
        kind = self.integer(0, 2)
        if kind == 0:
            return self.add(tf.range(x % 6), uses=[x])
        if kind == 1:
            return self.add(tf.linspace(tf.constant(-1.0), 2.0, tf.abs(x) % 5 + 1), uses=[x])
        return self.add(tf.sequence_mask(tf.stack([x % 4, x % 3]), 4), uses=[x])
