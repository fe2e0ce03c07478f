"""Steps with bodies: branches, loops, functions; and gradients of what is there."""
import contextlib

import tensorflow as tf

from ..core import tf1
from .choices import INTEGERS


class FlowSteps:
    def flow_steps(self):
        return [self.branch, self.branch, self.choice, self.loop, self.loop, self.growing_loop, self.array_loop, self.over_rows, self.call, self.call]

    def gradient_steps(self):
        return [self.gradient, self.gradient, self.network]

    @contextlib.contextmanager
    def version(self):
        """Control flow of either kind: Switch and Merge, or If and While with functions. A body takes that of what it is in."""
        if self.nesting:
            yield
            return
        is_new = self.chance(0.5)
        if is_new:
            tf1.enable_control_flow_v2()
        try:
            yield
        finally:
            tf1.disable_control_flow_v2()

    def body(self, tensors, most=3):
        """Some steps that start from these tensors and stay among themselves: the last value that comes out."""
        outer = self.pool, self.is_used
        self.pool, self.is_used, self.nesting = list(tensors), set(), self.nesting + 1
        try:
            for _ in range(self.integer(1, most)):
                self.grow()
            return self.pool[-1]
        finally:
            (self.pool, self.is_used), self.nesting = outer, self.nesting - 1

    def number(self, tensor):
        """A bounded float32 that depends on all elements."""
        if tensor.dtype == tf.string:
            tensor = tf.strings.length(tensor)
        if tensor.dtype.is_complex:
            tensor = tf.math.real(tensor)
        if not tensor.dtype.is_floating:
            tensor = tf.cast(tensor, tf.int32) % 7
        sines = tf.sin(tf.cast(tensor, tf.float32) * 0.1)
        return tf.reduce_sum(sines) / (tf.cast(tf.size(tensor), tf.float32) + 1.0)

    def next(self, value, result):
        """The result of a body in the shape of what a loop carries."""
        if value.dtype.is_floating:
            return value * tf.cast(0.5, value.dtype) + tf.cast(self.number(result), value.dtype)
        if result.dtype.is_integer or result.dtype == tf.bool:
            return value + tf.cast(tf.reduce_sum(tf.cast(result, tf.int32)), value.dtype)
        return value + tf.cast(tf.size(result), value.dtype)

    def predicate(self):
        x = self.some(["bool"] + INTEGERS)
        if x is None:
            return tf.constant(self.chance(0.5))
        self.is_used.add(x.ref())
        if x.dtype == tf.bool:
            return self.one([tf.reduce_any, tf.reduce_all])(x)
        return tf.equal(tf.reduce_sum(x) % 2, 0)

    def count(self):
        x = self.some(INTEGERS)
        if x is None or self.chance(0.4):
            return tf.constant(self.integer(0, 4))
        self.is_used.add(x.ref())
        return tf.cast(tf.reduce_sum(x) % 5, tf.int32)

    def branch(self):
        x, y = self.some(), self.some()
        if x is None or self.nesting > 1:
            return False
        with self.version():
            predicate = self.predicate()
            if self.chance(0.5):
                # Both of one shape, so that what follows knows it.
                if not (x.dtype.is_floating or x.dtype.name in INTEGERS):
                    return False
                return self.add(tf1.cond(predicate, lambda: self.next(x, self.body([x, y])), lambda: self.next(x, self.body([y, x]))), uses=[x, y])

            def side():
                return tf.reshape(tf.cast(self.number(self.body([y, x])), tf.float32), [1] * self.integer(0, 2))
            return self.add(tf1.cond(predicate, side, side), uses=[x, y])

    def choice(self):
        x = self.some(self.floats + INTEGERS)
        if x is None or self.nesting > 1:
            return False
        with self.version():
            sides = [lambda: self.next(x, self.body([x], 2)) for _ in range(self.integer(1, 3))]
            return self.add(tf.switch_case(self.count() - 1, sides), uses=[x])

    def loop(self):
        x = self.some(self.floats + INTEGERS)
        y = self.some()
        if x is None or self.nesting > 1:
            return False
        with self.version():
            count = self.count()
            carried = [tf.constant(0), x] + ([self.constant("int32", [2])] if self.chance(0.4) else [])

            def body(i, value, *rest):
                return [i + 1, self.next(value, self.body([y, value]))] + [tf.reverse(r, [0]) + i for r in rest]

            def goes_on(i, value, *rest):
                return tf.logical_and(i < count, tf.reduce_sum(rest[0]) < 9) if rest else i < count
            most = self.one([None, None, 2])
            out = tf1.while_loop(goes_on, body, carried, maximum_iterations=most, parallel_iterations=self.one([10, 1]))
            return self.add(*out[1:], uses=[x, y])

    def growing_loop(self):
        x = self.some(self.floats + INTEGERS + ["string"])
        if x is None or x.shape.rank == 0 or self.nesting > 1:
            return False
        with self.version():
            count = self.count()
            open_shape = tf.TensorShape([None] + x.shape.as_list()[1:])

            def body(i, value):
                return i + 1, tf.concat([value, self.one([value[:1], x[:1]])], 0)
            _, out = tf1.while_loop(lambda i, value: i < count, body, [0, x], shape_invariants=[tf.TensorShape([]), open_shape])
            return self.add(out, uses=[x])

    def array_loop(self):
        x = self.some(self.floats + INTEGERS)
        if x is None or self.nesting > 1:
            return False
        with self.version():
            count = self.count()
            array = tf.TensorArray(x.dtype, count if self.chance(0.5) else 0, dynamic_size=True)

            def body(i, value, array):
                value = self.next(value, self.body([value], 2))
                return i + 1, value, array.write(i, value)
            _, last, array = tf1.while_loop(lambda i, *_: i < count, body, [0, x, array])
            stacked = array.concat() if x.shape.rank and self.chance(0.3) else array.stack()
            return self.add(last, stacked, uses=[x])

    def over_rows(self):
        x = self.some(self.floats + INTEGERS)
        if x is None or x.shape.rank == 0 or None in x.shape.as_list()[1:] or self.nesting > 1:
            return False
        with self.version():
            kind = self.integer(0, 2)
            if kind == 0:
                return self.add(tf.map_fn(lambda row: self.next(row, self.body([row])), x), uses=[x])
            start = self.constant(x.dtype, x.shape.as_list()[1:])
            op = tf.scan if kind == 1 else self.one([tf.foldl, tf.foldr])
            return self.add(op(lambda sum, row: self.next(sum, self.body([row, sum], 2)), x, initializer=start), uses=[x])

    def call(self):
        x, y = self.some(), self.some()
        if x is None or self.nesting > 1:
            return False

        @tf.function(autograph=False)
        def function(a, b):
            return self.body([a, b]), self.body([a, y])
        return self.add(*function(x, y), uses=[x, y])

    def gradient(self):
        y = self.some(["float32", "float64"])
        xs = [t for t in self.pool if t.dtype in (tf.float32, tf.float64) and t is not y]
        if y is None or not xs or self.nesting:
            return False
        xs = [xs[i] for i in sorted(self.random.choice(len(xs), min(4, len(xs)), replace=False))]
        found = [(x, g) for x, g in zip(xs, tf1.gradients(tf.tanh(y), xs)) if g is not None]
        return self.add(*[tf.convert_to_tensor(g) for _, g in found], uses=[y] + [x for x, _ in found]) if found else False

    def network(self):
        """A small network, and what a step of training would change its weights by."""
        x = self.some(self.floats, ranks=[2])
        if x is None or self.nesting or not x.shape.as_list()[1]:
            return False
        width = self.integer(1, 5)
        weights, bias = self.constant(x.dtype, [x.shape.as_list()[1], width]), self.constant(x.dtype, [width])
        hidden = self.one([tf.tanh, tf.nn.softplus, tf.sigmoid, tf.nn.elu, tf.nn.softmax])(tf.matmul(x, weights) * tf.cast(0.2, x.dtype) + bias)
        loss = self.one([tf.nn.l2_loss, tf.reduce_mean, tf.reduce_sum, tf.math.reduce_logsumexp])(hidden)
        return self.add(loss, *tf1.gradients(loss, [weights, bias]), uses=[x])
