"""Steps that reduce, count, sort: reductions, softmax, segments, running sums, what is largest, what is there once."""
import tensorflow as tf

from ..core import tf1
from .choices import COMPLEX, INTEGERS, SMALL


class ReductionSteps:
    def reduction_steps(self):
        return [self.reduction, self.reduction, self.reduction, self.softmax, self.arg, self.running, self.segment, self.largest_of,
                self.unique, self.where_true, self.norm]

    def reduction(self):
        x = self.some(self.floats + INTEGERS + COMPLEX + ["bool"])
        if x is None or x.shape.rank == 0:
            return False
        axes = sorted(self.random.choice(x.shape.rank, self.integer(0, x.shape.rank), replace=False).tolist())
        axes = [a - x.shape.rank if self.random.rand() < 0.3 else a for a in axes]
        keep = bool(self.random.rand() < 0.5)
        if x.dtype == tf.bool:
            op = self.one([tf.reduce_all, tf.reduce_any])
        elif x.dtype.is_floating:
            op = self.one([tf.reduce_sum, tf.reduce_mean, tf.reduce_max, tf.reduce_min])
        elif x.dtype.is_complex:
            op = self.one([tf.reduce_sum, tf.reduce_mean])
        else:
            op = self.one([tf.reduce_sum, tf.reduce_max, tf.reduce_min])
        if x.dtype.is_floating and self.chance(0.2):
            op = self.one([tf.math.reduce_variance, tf.math.reduce_logsumexp, lambda v, axis, keepdims: tf.reduce_prod(tf.tanh(v) + 0.5, axis, keepdims)])
        return self.add(op(x, axis=axes if self.random.rand() < 0.9 else None, keepdims=keep), uses=[x])

    def softmax(self):
        x = self.some(self.floats, ranks=[1, 2, 3])
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

    def running(self):
        x = self.some(self.floats + INTEGERS)
        if x is None or x.shape.rank == 0:
            return False
        arguments = {"axis": self.axis(x), "exclusive": self.chance(0.3), "reverse": self.chance(0.3)}
        kind = self.integer(0, 3)
        if kind == 0:
            return self.add(tf.math.cumprod(tf.tanh(x) if x.dtype.is_floating else x % 3, **arguments), uses=[x])
        if kind == 1 and x.dtype.is_floating:
            return self.add(tf.math.cumulative_logsumexp(tf.tanh(x), **arguments), uses=[x])
        return self.add(tf.cumsum(x, **arguments), uses=[x])

    def segment(self):
        x = self.some(self.floats + INTEGERS)
        if x is None or x.shape.rank == 0 or x.shape.as_list()[0] is None:
            return False
        size = x.shape.as_list()[0]
        dtype = self.one([tf.int32, tf.int64])
        if self.chance(0.4):
            ids = tf.constant(sorted(self.random.randint(0, 4, size=size).tolist()), dtype)
            ops = [tf.math.segment_sum, tf.math.segment_max, tf.math.segment_min, tf.math.segment_prod]
            return self.add(self.one(ops + [tf.math.segment_mean] * x.dtype.is_floating)(x, ids), uses=[x])
        ids = tf.constant(self.random.randint(-1, 4, size=size), dtype)
        if x.dtype.is_floating and size and self.chance(0.3):
            places = tf.constant(self.random.randint(0, size, size=3), dtype)
            op = self.one([tf.sparse.segment_sum, tf.sparse.segment_mean, tf.sparse.segment_sqrt_n])
            return self.add(op(x, places, tf.constant([0, self.integer(0, 1), 2])), uses=[x])
        op = self.one([tf.math.unsorted_segment_sum, tf.math.unsorted_segment_max, tf.math.unsorted_segment_min, tf.math.unsorted_segment_prod])
        return self.add(tf.clip_by_value(op(x, ids, 4), -999, 999), uses=[x])

    def largest_of(self):
        # Whole numbers: there are ties, but they are the same on both sides.
        x = self.some(INTEGERS, ranks=[1, 2, 3])
        if x is None or not x.shape.as_list()[-1]:
            return False
        kind = self.integer(0, 4)
        if kind == 0:
            return self.add(tf.sort(x, direction=self.one(["ASCENDING", "DESCENDING"])), uses=[x])
        if kind == 1:
            return self.add(tf.argsort(x, stable=True), uses=[x])
        if kind == 2:
            targets = tf.zeros(tf.shape(x)[:1], tf.int32)
            return x.shape.rank == 2 and self.add(tf.math.in_top_k(targets, tf.cast(x % 9, tf.float32), 2), uses=[x])
        if kind == 3:
            sequence = tf.sort(x % 10)
            op = self.one(["left", "right"])
            return self.add(tf.searchsorted(sequence, x, side=op), uses=[x])
        return self.add(*tf.math.top_k(x, self.integer(0, x.shape.as_list()[-1])), uses=[x])

    def unique(self):
        x = self.some(INTEGERS + SMALL + ["string"], ranks=[1])
        if x is None:
            y = self.some(INTEGERS)
            return y is not None and self.add(tf.reshape(y % 5, [-1]), uses=[y])
        kind = self.integer(0, 4)
        if kind == 0:
            return self.add(*tf.unique_with_counts(x), uses=[x])
        if kind == 1 and x.dtype.name in INTEGERS:
            return self.add(tf.math.bincount(tf.cast(x % 7, tf.int32), minlength=self.integer(0, 8)), uses=[x])
        if kind == 2 and x.dtype.name in INTEGERS:
            return self.add(tf.histogram_fixed_width(x % 13, [0, 9], nbins=4), uses=[x])
        if kind == 3 and x.dtype.name in INTEGERS:
            return self.add(*tf1.setdiff1d(x, tf.constant([1, 3, 0], x.dtype)), uses=[x])
        return self.add(*tf.unique(x), uses=[x])

    def where_true(self):
        x = self.some(INTEGERS + ["bool"])
        if x is None or x.shape.rank == 0:
            return False
        return self.add(tf.where(x if x.dtype == tf.bool else x > 2), uses=[x])

    def norm(self):
        x = self.some(self.floats)
        if x is None or x.shape.rank == 0:
            return False
        op = self.one([lambda v: tf.norm(v, ord=self.one([1, 2, "euclidean"]), axis=self.axis(v)), lambda v: tf.math.l2_normalize(v + 0.1, axis=self.axis(v), epsilon=0.1),
                       tf.nn.l2_loss, lambda v: tf.clip_by_norm(v, 2.0)])
        return self.add(op(x), uses=[x])
