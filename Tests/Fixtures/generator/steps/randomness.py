"""Steps that make random numbers, with seeds."""
import tensorflow as tf

from ..core import tf1
from .choices import INTEGERS


class RandomSteps:
    def random_steps(self):
        return [self.drawn, self.stateless]

    def drawn(self):
        """What each run draws anew: graphs with it run once, at the top, where it is drawn once."""
        if self.nesting or self.chance(0.5):
            return False
        self.has_state = True
        shape, seed = self.some_shape(0, 3), self.integer(1, 99)
        x = self.some(INTEGERS + self.floats)
        if x is not None and x.shape.rank and self.chance(0.3):
            return self.add(tf.random.shuffle(x, seed=seed), uses=[x])
        if x is not None and x.dtype.is_floating and self.chance(0.2):
            return self.add(tf1.nn.dropout(x, rate=0.4, seed=seed), uses=[x])
        dtype = self.one(["float32", "float64"])
        op = self.one([tf.random.uniform, tf.random.normal, tf.random.truncated_normal])
        if self.chance(0.3):
            return self.add(tf.random.uniform(shape, -3, 9, dtype=self.one([tf.int32, tf.int64]), seed=seed))
        if self.chance(0.2):
            return self.add(tf.random.gamma(shape[:1], [0.3, 1.0, 4.5], dtype=dtype, seed=seed))
        if self.chance(0.2):
            return self.add(tf.random.poisson(shape[:1], [0.3, 2.0, 20.0], dtype=dtype, seed=seed))
        if self.chance(0.2):
            return self.add(tf1.random.multinomial(self.constant("float32", [2, 4]), 5, seed=seed))
        return self.add(op(shape, dtype=dtype, seed=seed))

    def stateless(self):
        shape, seed = self.some_shape(0, 3), [self.integer(-9, 99), self.integer(0, 99)]
        x = self.some(["int32"])
        if x is not None and self.chance(0.3):
            seed = tf.stack([tf.reduce_sum(x), 7])
        if self.chance(0.3):
            return self.add(tf.random.stateless_uniform(shape, seed, -5, 6, dtype=tf.int32))
        if self.chance(0.2):
            old = self.one([tf.raw_ops.StatelessRandomUniform, tf.raw_ops.StatelessRandomNormal, tf.raw_ops.StatelessTruncatedNormal])
            return self.add(old(shape=shape, seed=seed, dtype=tf.float32))
        if self.chance(0.2):
            return self.add(tf.random.stateless_categorical(self.constant("float32", [2, 3]), 4, seed), tf.random.stateless_poisson([3, 2], seed, [1.5, 12.0]))
        op = self.one([tf.random.stateless_uniform, tf.random.stateless_normal, tf.random.stateless_truncated_normal])
        return self.add(op(shape, seed, dtype=self.one(["float32", "float64"])))
