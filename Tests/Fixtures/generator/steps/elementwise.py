"""Steps element by element: unary and binary functions, comparisons, choices, casts, bits, complex numbers."""
import tensorflow as tf

from .choices import COMPLEX, INTEGERS, SMALL

FLOAT_FUNCTIONS = [
    tf.nn.relu, tf.tanh, tf.sigmoid, tf.square, tf.negative, tf.abs, tf.nn.relu6, tf.nn.elu, tf.nn.selu, tf.nn.leaky_relu,
    tf.nn.softplus, tf.nn.softsign, tf.sin, tf.cos, tf.atan, tf.math.erf, tf.math.erfc, tf.asinh,
    lambda v: tf.sqrt(tf.abs(v)), lambda v: tf.exp(tf.minimum(v, 3)), lambda v: tf.math.log(tf.abs(v) + 1),
    lambda v: tf.math.rsqrt(tf.square(v) + 1), lambda v: tf.math.expm1(tf.minimum(v, 3)), lambda v: tf.math.log1p(tf.abs(v)),
    lambda v: tf.sinh(tf.tanh(v)), lambda v: tf.cosh(tf.tanh(v)), lambda v: tf.tan(tf.tanh(v)), lambda v: tf.asin(tf.tanh(v) * 0.9),
    lambda v: tf.acos(tf.tanh(v) * 0.9), lambda v: tf.atanh(tf.tanh(v) * 0.9), lambda v: tf.acosh(tf.abs(v) + 1.5),
    lambda v: tf.math.reciprocal(tf.square(v) + 1), lambda v: tf.nn.gelu(v), lambda v: tf.nn.silu(v),
    lambda v: tf.clip_by_value(v, -1, 2), lambda v: tf.math.xlogy(tf.tanh(v), tf.abs(v) + 0.5), tf.math.is_finite, tf.math.is_nan,
]
# Of what is not a whole number by the way: one that is may come out a little less on one side.
STEPS_OF_FLOATS = [tf.floor, tf.math.ceil, tf.round, tf.sign]


class ElementwiseSteps:
    def elementwise_steps(self):
        return [self.unary, self.unary, self.unary, self.binary, self.binary, self.binary, self.comparison, self.select,
                self.cast, self.cast, self.bits, self.complex_parts, self.logic, self.whole_division]

    def unary(self):
        x = self.some(self.floats + INTEGERS + COMPLEX)
        if x is None:
            return False
        if x.dtype.is_complex:
            op = self.one([tf.square, tf.negative, tf.math.conj, tf.tanh, tf.sin, tf.cos, lambda v: tf.math.reciprocal(v + 3)])
            return self.add(op(x / tf.cast(tf.abs(x) + 1, x.dtype)), uses=[x])
        if x.dtype.is_integer:
            return self.add(self.one([tf.square, tf.negative, tf.abs, tf.sign])(x % 11), uses=[x])
        if self.chance(0.1):
            return self.add(self.one(STEPS_OF_FLOATS)(x + 0.137), uses=[x])
        if not self.is_narrow and self.chance(0.1):
            op = self.one([lambda v: tf.math.rint(v + 0.137), lambda v: tf.math.lgamma(tf.abs(v) + 0.5), lambda v: tf.math.digamma(tf.abs(v) + 0.5), tf.math.bessel_i0e,
                           tf.math.bessel_i1e, lambda v: tf.math.ndtri(tf.sigmoid(v)), lambda v: tf.math.erfinv(tf.tanh(v) * 0.9)])
            return self.add(op(x), uses=[x])
        return self.add(self.one(FLOAT_FUNCTIONS)(x), uses=[x])

    def binary(self):
        x = self.some(self.floats + INTEGERS + COMPLEX)
        if x is None:
            return False
        y = self.partner(x)
        ops = [tf.add, tf.subtract, tf.multiply]
        if x.dtype.is_complex:
            ops += [lambda a, b: a / (b * tf.math.conj(b) + 1), lambda a, b: tf.math.divide_no_nan(a, b * tf.math.conj(b) + 1)]
        elif x.dtype.is_floating:
            ops += [tf.maximum, tf.minimum, tf.math.squared_difference, lambda a, b: tf.truediv(a, tf.abs(b) + 1),
                    lambda a, b: tf.pow(tf.abs(a) + 0.5, tf.minimum(tf.abs(b), 2)), lambda a, b: tf.math.divide_no_nan(a, tf.abs(b) + 1),
                    lambda a, b: tf.atan2(a, tf.abs(b) + 1), lambda a, b: tf.math.xdivy(a, tf.abs(b) + 1),
                    lambda a, b: tf.math.xlog1py(a, tf.abs(b)), lambda a, b: tf.add_n([a, a]) - b]
        else:
            ops += [tf.maximum, tf.minimum, tf.math.squared_difference, lambda a, b: tf.pow(a % 5, tf.abs(b) % 4)]
        if self.random.rand() < 0.5:
            x, y = y, x
        return self.add(self.one(ops)(x, y), uses=[x, y])

    def whole_division(self):
        x = self.some(INTEGERS)
        if x is None:
            return False
        y = self.partner(x)
        divisor = (tf.abs(y) + 1) * self.one([1, -1])
        return self.add(self.one([tf.math.floordiv, tf.math.floormod, tf.truncatediv, tf.truncatemod])(x, divisor), uses=[x, y])

    def bits(self):
        x = self.some(INTEGERS + SMALL)
        if x is None:
            return False
        y = self.partner(x)
        kind = self.integer(0, 5)
        if kind == 0:
            return self.add(tf.bitwise.invert(x), uses=[x])
        if kind == 1:
            return self.add(tf.raw_ops.PopulationCount(x=x), uses=[x])
        if kind <= 3:
            shift = tf.bitwise.bitwise_and(y, tf.constant(7, y.dtype))
            return self.add(self.one([tf.bitwise.left_shift, tf.bitwise.right_shift])(x, shift), uses=[x, y])
        return self.add(self.one([tf.bitwise.bitwise_and, tf.bitwise.bitwise_or, tf.bitwise.bitwise_xor])(x, y), uses=[x, y])

    def logic(self):
        x = self.some(["bool"])
        if x is None:
            return False
        y = self.partner(x)
        return self.add(self.one([tf.logical_and, tf.logical_or, tf.math.logical_xor, lambda a, b: tf.logical_not(a)])(x, y), uses=[x, y])

    def comparison(self):
        x = self.some(INTEGERS + SMALL[:3] + ["string", "bool"])
        if x is None:
            return False
        y = self.partner(x)
        ops = [tf.equal, tf.not_equal]
        if x.dtype.is_integer:
            ops += [tf.less, tf.less_equal, tf.greater, tf.greater_equal]
        return self.add(self.one(ops)(x, y), uses=[x, y])

    def select(self):
        x = self.some()
        if x is None:
            return False
        condition = self.some(["bool"])
        y = self.partner(x)
        if condition is None or self.random.rand() < 0.4:
            condition = self.constant("bool", [1] * x.shape.rank)
        if self.chance(0.15) and x.shape.rank and x.shape.as_list()[0]:
            # The first Select: a vector chooses rows.
            rows = self.constant("bool", x.shape.as_list()[:1])
            return self.add(tf.compat.v1.where(rows, x, x[::-1]), uses=[x])
        return self.add(tf.where(condition, x, y), uses=[x, condition])

    def cast(self):
        x = self.some(self.floats + INTEGERS + SMALL + COMPLEX + ["bool"])
        if x is None:
            return False
        target = self.one(self.floats + INTEGERS + INTEGERS + SMALL + COMPLEX + ["bool"])
        if x.dtype.is_complex and target not in COMPLEX:
            return self.add(tf.math.real(x), uses=[x])
        if x.dtype.is_floating and target in INTEGERS + SMALL + ["bool"]:
            bounded = tf.where(tf.math.is_finite(x), tf.clip_by_value(x, -1000, 1000), tf.zeros_like(x))
            bounded = tf.abs(bounded) if target.startswith("u") else bounded
            # What is nearly a whole number may be one here and not there.
            return self.add(tf.cast(tf.round(bounded * 0.01 + 0.137), target), uses=[x])
        if target in self.floats and x.dtype.is_integer:
            # A sum of large numbers is only as exact as they are.
            return self.add(tf.cast(tf.math.floormod(x, tf.constant(23, x.dtype)), target), uses=[x])
        return self.add(tf.cast(x, target), uses=[x])

    def complex_parts(self):
        x = self.some(COMPLEX)
        if x is None:
            y = self.some(["float32", "float64"])
            return y is not None and self.add(tf.complex(y, tf.tanh(y)), uses=[y])
        op = self.one([tf.math.real, tf.math.imag, tf.abs, tf.math.conj, lambda v: tf.math.angle(v * 0.1 + 3)])
        return self.add(op(x), uses=[x])
