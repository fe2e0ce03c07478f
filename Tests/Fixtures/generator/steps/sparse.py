"""Steps with sparse and ragged tensors, made of dense ones."""
import tensorflow as tf

from ..core import tf1
from .choices import INTEGERS


class SparseSteps:
    def sparse_steps(self):
        return [self.sparse, self.sparse, self.sparse, self.ragged]

    def sparse(self):
        x = self.some(["float32", "float64"] + INTEGERS, ranks=[2, 3])
        if x is None or None in x.shape.as_list():
            return False
        shape = x.shape.as_list()
        s = tf.sparse.from_dense(tf.where(self.constant("bool", shape), x, tf.zeros_like(x)))
        options = [
            lambda: tf.sparse.to_dense(tf.sparse.transpose(s)), lambda: tf.sparse.reduce_sum(s, self.axis(x), keepdims=self.chance(0.5)),
            lambda: tf.sparse.to_dense(tf.sparse.concat(0, [s, s])), lambda: tf.sparse.to_dense(tf.sparse.slice(s, [0] * len(shape), [1] + shape[1:])),
            lambda: tf.sparse.to_dense(tf.sparse.reshape(s, [-1])), lambda: tf.sparse.to_dense(tf.sparse.add(s, s)), lambda: tf.sparse.add(s, x),
            lambda: tf.sparse.to_dense(tf.sparse.split(s, 2, 1)[1]), lambda: tf.sparse.to_dense(tf.sparse.maximum(s, tf.sparse.from_dense(x))),
            lambda: tf.sparse.to_dense(s * x), lambda: s.indices, lambda: s.values, lambda: tf.sparse.reduce_max(s, self.axis(x)),
        ]
        if len(shape) == 2:
            options += [lambda: tf.sparse.sparse_dense_matmul(s, self.constant(x.dtype, [shape[1], 2])),
                        lambda: tf.sparse.fill_empty_rows(s, tf.constant(3, x.dtype))[1], lambda: tf.sparse.sparse_dense_matmul(s, x, adjoint_a=True)]
        if x.dtype.is_floating:
            options += [lambda: tf.sparse.to_dense(tf.sparse.softmax(s))] * 2
        return self.add(self.one(options)(), uses=[x])

    def ragged(self):
        x = self.some(["float32", "string"] + INTEGERS, ranks=[1, 2])
        if x is None or None in x.shape.as_list() or not x.shape.as_list()[0]:
            return False
        rows = x.shape.as_list()[0]
        r = tf.RaggedTensor.from_value_rowids(x, sorted(self.random.randint(0, 4, size=rows).tolist()), 4)
        options = [lambda: r.to_tensor(), lambda: tf.gather(r, [2, 0]).to_tensor(), lambda: r.row_lengths(), lambda: tf.concat([r, r], 1).to_tensor(),
                   lambda: tf.ragged.range([2, 0, 3]).to_tensor() + self.integer(0, 3), lambda: r[1:].flat_values]
        if x.dtype != tf.string:
            options += [lambda: tf.reduce_sum(r, 1), lambda: (r + tf.cast(1, x.dtype)).to_tensor(default_value=tf.cast(7, x.dtype))]
        return self.add(self.one(options)(), uses=[x])
