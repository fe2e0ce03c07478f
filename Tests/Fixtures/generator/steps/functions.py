"""Steps of rarer functions: special functions, fake quantisation, decompositions, recurrent cells, suppression of boxes."""
import numpy as np
import tensorflow as tf

from .choices import INTEGERS

raw = tf.raw_ops
SPECIAL = [
    lambda v: tf.math.igamma(tf.abs(v) + 0.5, tf.abs(v) + 1), lambda v: tf.math.igammac(tf.abs(v) + 0.5, tf.abs(v) + 1),
    lambda v: tf.math.betainc(tf.abs(v) + 0.5, tf.abs(v) + 1.5, tf.sigmoid(v)), lambda v: tf.math.zeta(tf.abs(v) + 1.5, tf.abs(v) + 1),
    lambda v: tf.math.polygamma(tf.ones_like(v), tf.abs(v) + 0.5), lambda v: tf.math.special.spence(tf.abs(v)), tf.math.special.dawsn,
    lambda v: tf.math.special.expint(tf.abs(v) + 0.5), tf.math.special.fresnel_sin, tf.math.special.fresnel_cos,
    tf.math.bessel_i0, tf.math.bessel_i1, tf.math.special.bessel_j0, tf.math.special.bessel_j1,
    lambda v: tf.math.special.bessel_k0(tf.abs(v) + 0.2), lambda v: tf.math.special.bessel_k1e(tf.abs(v) + 0.2),
    lambda v: tf.math.special.bessel_y0(tf.abs(v) + 0.2), lambda v: tf.math.special.bessel_y1(tf.abs(v) + 0.2),
    lambda v: tf.math.multiply_no_nan(v, tf.tanh(v)), lambda v: tf.math.nextafter(v, v + 1), tf.math.is_inf, lambda v: raw.Inv(x=tf.abs(v) + 1),
    lambda v: raw.OnesLike(x=v), lambda v: raw.CheckNumerics(tensor=tf.tanh(v), message="m"), lambda v: raw.Snapshot(input=v),
    lambda v: tf.ensure_shape(v, [None] * v.shape.rank), lambda v: raw.ClipByValue(t=v, clip_value_min=tf.cast(-1, v.dtype), clip_value_max=tf.cast(1.5, v.dtype)),
    lambda v: raw.EuclideanNorm(input=v, axis=list(range(v.shape.rank)), keep_dims=False),
]


class FunctionSteps:
    def function_steps(self):
        return [self.special, self.special, self.quantised, self.decomposition, self.cell, self.boxes, self.buckets, self.old_forms]

    def special(self):
        x = self.some(["float32", "float64"])
        if x is None:
            return False
        # Where functions of large numbers lose all digits is no question of who is right.
        return self.add(self.one(SPECIAL)(tf.clip_by_value(x, -8, 8)), uses=[x])

    def quantised(self):
        x = self.some(["float32"])
        if x is None or not x.shape.rank or 0 in x.shape.as_list():
            return False
        # The grid is chosen so that no value of interest lies between two of its points.
        bits = self.integer(3, 8)
        kind = self.integer(0, 4)
        y = tf.round(tf.clip_by_value(tf.where(tf.math.is_finite(x), x, tf.zeros_like(x)), -4, 4) * 2.0 + 0.137) * 0.5
        if kind == 0:
            return self.add(tf.quantization.fake_quant_with_min_max_args(y, -3, 3.1, bits, self.chance(0.5)), uses=[x])
        if kind == 1:
            return self.add(tf.quantization.fake_quant_with_min_max_vars(y, -2.9, 3.2, bits), uses=[x])
        if kind == 2:
            return self.add(tf.quantization.quantize_and_dequantize_v2(y, -3.3, 3.1, range_given=True, num_bits=bits), uses=[x])
        if kind == 3 and x.shape.rank == 2 and x.shape.as_list()[1]:
            width = x.shape.as_list()[1]
            return self.add(tf.quantization.fake_quant_with_min_max_vars_per_channel(y, [-3.1] * width, [2.7] * width, bits), uses=[x])
        codes = tf.quantization.quantize(y, -4.1, 4.2, tf.quint8)
        return self.add(tf.quantization.dequantize(codes.output, codes.output_min, codes.output_max), uses=[x])

    def decomposition(self):
        x = self.some(["float32", "float64"], ranks=[2, 3])
        if x is None or None in x.shape.as_list() or not 0 < x.shape.as_list()[-1] <= 5:
            return False
        size = x.shape.as_list()[-1]
        # Well conditioned, and no two eigenvalues are close.
        even = tf.tanh(tf.matmul(x, x, transpose_a=True) * 0.1) + tf.linalg.diag(tf.constant([9, 17, 26, 36, 47][:size], x.dtype))
        kind = self.integer(0, 5)
        if kind == 0:
            return self.add(*tf.linalg.lu(even), uses=[x])
        if kind == 1:
            q, r = tf.linalg.qr(even)
            return self.add(tf.matmul(q, r), tf.abs(r), uses=[x])
        if kind == 2:
            return self.add(tf.linalg.svd(even, compute_uv=False), uses=[x])
        if kind == 3:
            return self.add(tf.linalg.eigvalsh(even), uses=[x])
        if kind == 4:
            return self.add(tf.linalg.lstsq(even, even + 1, fast=self.chance(0.5)), uses=[x])
        return self.add(*tf.linalg.slogdet(even), uses=[x])

    def cell(self):
        x = self.some(["float32"], ranks=[2])
        if x is None or None in x.shape.as_list() or 0 in x.shape.as_list():
            return False
        (rows, columns), units = x.shape.as_list(), self.integer(1, 3)

        def some(*shape):
            return self.constant("float32", shape) * 0.3
        if self.chance(0.3):
            out = raw.GRUBlockCell(x=x, h_prev=some(rows, units), w_ru=some(columns + units, 2 * units), w_c=some(columns + units, units),
                                   b_ru=some(2 * units), b_c=some(units))
            return self.add(*out, uses=[x])
        weights = {"w": some(columns + units, 4 * units), "wci": some(units), "wcf": some(units), "wco": some(units), "b": some(4 * units),
                   "use_peephole": self.chance(0.5), "forget_bias": 1.0, "cell_clip": self.one([-1.0, 3.0])}
        if self.chance(0.5):
            return self.add(*raw.LSTMBlockCell(x=x, cs_prev=some(rows, units), h_prev=some(rows, units), **weights), uses=[x])
        out = raw.BlockLSTM(seq_len_max=tf.constant(2, tf.int64), x=tf.stack([x, x * 0.5]), cs_prev=some(rows, units), h_prev=some(rows, units), **weights)
        return self.add(*out, uses=[x])

    def boxes(self):
        count = self.integer(1, 6)
        corners = self.random.uniform(0, 1, size=[count, 2]).astype("float32")
        boxes = tf.constant(np.concatenate([corners, corners + 0.4], 1))
        scores = tf.constant(self.random.permutation(count).astype("float32") / 7)
        kind = self.integer(0, 2)
        if kind == 0:
            return self.add(tf.image.non_max_suppression(boxes, scores, self.integer(1, 5), 0.3))
        if kind == 1:
            return self.add(*tf.image.non_max_suppression_padded(boxes, scores, 4, 0.3, pad_to_max_output_size=True))
        return self.add(*tf.image.non_max_suppression_with_scores(boxes, scores, 4, 0.5, soft_nms_sigma=0.5))

    def buckets(self):
        x = self.some(INTEGERS)
        if x is None:
            return False
        kind = self.integer(0, 3)
        if kind == 0:
            return self.add(raw.Bucketize(input=x, boundaries=[-2.0, 1.0, 5.0]), uses=[x])
        if kind == 1:
            return self.add(tf.bitcast(x, tf.uint8 if self.chance(0.5) else {tf.int32: tf.uint32, tf.int64: tf.uint64}[x.dtype]), uses=[x])
        if kind == 2 and x.shape.rank and (x.shape.as_list()[-1] or 0) > 0:
            return self.add(raw.NthElement(input=x, n=self.integer(0, x.shape.as_list()[-1] - 1), reverse=self.chance(0.5)), uses=[x])
        if x.shape.rank == 2:
            return self.add(*raw.UniqueV2(x=x % 3, axis=[self.integer(0, 1)]), uses=[x])
        return self.add(tf.math.count_nonzero(x), uses=[x])

    def old_forms(self):
        """What older programs have in place of newer ops."""
        x = self.some(self.floats + INTEGERS, ranks=[1, 2, 3])
        if x is None or None in x.shape.as_list():
            return False
        shape = x.shape.as_list()
        options = [lambda: raw.Add(x=x, y=x), lambda: raw.Concat(concat_dim=0, values=[x, x]), lambda: raw.Gather(params=x, indices=tf.zeros([2], tf.int32)),
                   lambda: raw.Reverse(tensor=x, dims=[self.chance(0.5) for _ in shape]), lambda: raw.PreventGradient(input=x),
                   lambda: raw.Div(x=x, y=tf.abs(x) + tf.cast(1, x.dtype)), lambda: raw.PlaceholderWithDefault(input=x, shape=shape)]
        if x.dtype.is_floating and x.shape.rank == 2:
            options += [lambda: raw.BatchMatMul(x=x, y=x, adj_y=True), lambda: raw.BatchMatMulV3(x=x, y=x, Tout=x.dtype, adj_x=True),
                        lambda: raw.BiasAddV1(value=x, bias=self.constant(x.dtype, shape[1:])), lambda: raw.SparseMatMul(a=x, b=x, transpose_b=True)]
        if len(shape) > 1 and x.dtype not in (tf.float16, tf.bfloat16):
            options += [lambda: raw.MatrixDiag(diagonal=x), lambda: raw.MatrixDiagPart(input=x), lambda: raw.MatrixSetDiag(input=x, diagonal=x[..., 0, :min(shape[-2:])])]
        return self.add(self.one(options)(), uses=[x])
