"""Steps of networks: matrix products, convolutions, pools, normalisation, images, losses."""
import tensorflow as tf

from ..core import tf1
from .choices import COMPLEX


class LayerSteps:
    def layer_steps(self):
        return [self.matmul, self.matmul, self.matmul_broadcast, self.einsum, self.matrix, self.convolution, self.convolution,
                self.deconvolution, self.pool_windows, self.normalization, self.resize, self.spaces, self.picture, self.loss]

    def matmul(self):
        x = self.some(self.floats, ranks=[2, 3, 4])
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
        y = self.constant(x.dtype, shape)
        out = tf.matmul(x, y, transpose_a=transpose_a, transpose_b=transpose_b) * 0.2
        if x.shape.rank == 2 and self.random.rand() < 0.5:
            bias = self.constant(x.dtype, [out.shape.as_list()[-1]])
            out = tf.nn.bias_add(out, bias)
        return self.add(out, uses=[x])

    def matmul_broadcast(self):
        x = self.some(self.floats + COMPLEX, ranks=[2, 3, 4])
        if x is None or None in x.shape.as_list():
            return False
        rows, columns = x.shape.as_list()[-2:]
        batch = [self.one([1, size]) for size in x.shape.as_list()[:-2]]
        batch = batch[self.integer(0, len(batch)):] if self.chance(0.5) else [self.integer(1, 3)] + batch
        if self.chance(0.3):
            y = self.constant(x.dtype, batch + [self.integer(1, 4), rows])
            return self.add(tf.matmul(y, x) * tf.cast(0.2, x.dtype), uses=[x])
        if x.dtype.is_complex:
            y = self.constant(x.dtype, batch + [self.integer(1, 4), columns])
            return self.add(tf.matmul(x, y, adjoint_b=True) * tf.cast(0.2, x.dtype), uses=[x])
        y = self.constant(x.dtype, batch + [columns, self.integer(1, 4)])
        return self.add(tf.matmul(x, y) * tf.cast(0.2, x.dtype), uses=[x])

    def einsum(self):
        x = self.some(self.floats, ranks=[1, 2, 3, 4])
        if x is None or None in x.shape.as_list():
            return False
        sizes = dict(zip("abcd", x.shape.as_list()), e=self.integer(1, 4))
        mine = "abcd"[:x.shape.rank]
        theirs = "".join(self.random.permutation([c for c in mine if self.chance(0.6)] + ["e"] * self.chance(0.6)))
        if not theirs:
            return False
        letters = sorted(set(mine + theirs))
        target = "".join(self.random.permutation([c for c in letters if self.chance(0.6)]))
        y = self.constant(x.dtype, [sizes[c] for c in theirs])
        equation = f"...{mine},{theirs}->...{target}" if self.chance(0.2) else f"{mine},{theirs}->{target}"
        if self.chance(0.15):
            return self.add(tf.einsum(f"{mine}->{target.replace('e', '')}", x), uses=[x])
        return self.add(tf.einsum(equation, x, y) * tf.cast(0.2, x.dtype), uses=[x])

    def matrix(self):
        x = self.some(["float32", "float64"], ranks=[2, 3])
        if x is None or None in x.shape.as_list() or x.shape.as_list()[-1] > 6:
            return False
        size = x.shape.as_list()[-1]
        # Well conditioned, whatever x is.
        even = tf.tanh(tf.matmul(x, x, transpose_a=True) * 0.1) + tf.eye(size, dtype=x.dtype) * (2.0 * size)
        op = self.one([tf.linalg.inv, tf.linalg.det, tf.linalg.cholesky, lambda m: tf.linalg.solve(m, m + 1), tf.linalg.trace,
                       lambda m: tf.linalg.triangular_solve(m, m * 0.3 + 1), tf.linalg.logdet, tf.linalg.matrix_transpose,
                       lambda m: tf.linalg.cross(m[..., :3], m[..., :3] + 1.5) if size >= 3 else m])
        return self.add(op(even), uses=[x])

    def image(self, dtypes):
        """A value of four axes, whose depth is known."""
        x = self.some(dtypes, ranks=[2, 3, 4, 4, 4])
        if x is None:
            return None, None
        y = x
        if x.shape.rank == 3:
            y = x[tf.newaxis] if self.chance(0.5) else x[..., tf.newaxis]
        elif x.shape.rank == 2:
            y = self.one([x[tf.newaxis, :, :, tf.newaxis], x[:, tf.newaxis, :, tf.newaxis], x[tf.newaxis, tf.newaxis]])
        return (None, None) if None in y.shape.as_list()[1:] else (x, y)

    def padding(self, most=(2, 2)):
        if self.chance(0.25):
            return [[0, 0]] + [[self.integer(0, size), self.integer(0, size)] for size in most] + [[0, 0]]
        return self.one(["SAME", "VALID"])

    def convolution(self):
        x, y = self.image(self.floats)
        if x is None:
            return False
        depth = y.shape.as_list()[3]
        height, width = self.integer(1, 3), self.integer(1, 3)
        stride = self.integer(1, 2)
        dilation = self.integer(1, 2) if stride == 1 else 1
        kind = self.integer(0, 5)
        if kind == 0:
            filters = self.constant(x.dtype, [height, width, depth, self.integer(1, 2)])
            out = tf.nn.depthwise_conv2d(y, filters, [1, stride, stride, 1], self.padding(), dilations=[dilation, dilation])
        elif kind == 1:
            filters = self.constant(x.dtype, [width, depth, self.integer(1, 4)])
            out = tf.nn.conv1d(y[:, 0], filters, stride, self.one(["SAME", "VALID"]))
        elif kind == 2:
            filters = self.constant(x.dtype, [height, 1, width, 1, self.integer(1, 3)])
            out = tf.nn.conv3d(y[..., tf.newaxis], filters, [1, stride, 1, stride, 1], self.one(["SAME", "VALID"]))
        elif kind == 3:
            filters = self.constant(x.dtype, [height, width, depth])
            # Its gradients are not supported.
            out = tf.nn.dilation2d(tf.stop_gradient(y), tf.stop_gradient(filters), [1, stride, stride, 1], self.one(["SAME", "VALID"]), "NHWC", [1, dilation, dilation, 1])
        else:
            filters = self.constant(x.dtype, [height, width, depth, self.integer(1, 4)])
            out = tf.nn.conv2d(y, filters, [1, stride, stride, 1], self.padding(), dilations=[1, dilation, dilation, 1])
        return self.add(out * tf.cast(0.2, x.dtype), uses=[x])

    def deconvolution(self):
        x, y = self.image(["float32"])
        if x is None or None in y.shape.as_list():
            return False
        batch, height, width, depth = y.shape.as_list()
        stride, outputs = self.integer(1, 2), self.integer(1, 3)
        filters = self.constant("float32", [self.integer(1, 3), self.integer(1, 3), outputs, depth])
        out = tf.nn.conv2d_transpose(y, filters, [batch, height * stride, width * stride, outputs], stride, "SAME")
        return self.add(out * 0.2, uses=[x])

    def pool_windows(self):
        x, y = self.image(self.floats)
        if x is None:
            return False
        size, stride = [self.integer(1, 3), self.integer(1, 3)], self.integer(1, 2)
        kind = self.integer(0, 4)
        if kind == 0:
            return self.add(tf.nn.max_pool2d(y, size, stride, self.padding([n - 1 for n in size])), uses=[x])
        if kind == 1 and not self.is_narrow:
            op = self.one([tf.nn.max_pool3d, tf.nn.avg_pool3d])
            return self.add(op(y[..., tf.newaxis], size + [1], stride, self.one(["SAME", "VALID"])), uses=[x])
        op = self.one([tf.nn.max_pool2d, tf.nn.avg_pool2d])
        return self.add(op(y, size, stride, self.one(["SAME", "VALID"])), uses=[x])

    def normalization(self):
        x, y = self.image(["float32"])
        if x is None:
            return False
        depth = y.shape.as_list()[3:]
        scale, offset, mean = (self.constant("float32", depth) for _ in range(3))
        variance = tf.abs(self.constant("float32", depth)) + 0.2
        kind = self.integer(0, 3)
        if kind == 0:
            return self.add(tf1.nn.fused_batch_norm(y, scale, offset, mean, variance, is_training=False)[0], uses=[x])
        if kind == 1:
            return self.add(*tf1.nn.fused_batch_norm(y, scale, offset, epsilon=0.1, is_training=True), uses=[x])
        if kind == 2:
            return self.add(tf.nn.local_response_normalization(y, self.integer(1, 3), 1.0, 0.5, 0.5), uses=[x])
        return self.add(tf.nn.batch_normalization(y, mean, variance, offset, scale, 0.01), uses=[x])

    def resize(self):
        x, y = self.image(["float32", "uint8", "int32"])
        if x is None:
            return False
        size = [self.integer(1, 7), self.integer(1, 7)]
        op = self.one([tf1.image.resize_bilinear, tf1.image.resize_nearest_neighbor, tf1.image.resize_bicubic, tf1.image.resize_area])
        if op is tf1.image.resize_area:
            return self.add(op(y, size, align_corners=self.chance(0.3)), uses=[x])
        half = self.chance(0.4)
        return self.add(op(y, size, align_corners=not half and self.chance(0.4), half_pixel_centers=half), uses=[x])

    def spaces(self):
        x, y = self.image(self.floats + ["int32"])
        if x is None:
            return False
        kind = self.integer(0, 3)
        _, height, width, depth = y.shape.as_list()
        if kind == 0:
            return height % 2 == 0 and width % 2 == 0 and self.add(tf.nn.space_to_depth(y, 2), uses=[x])
        if kind == 1:
            return depth % 4 == 0 and self.add(tf.nn.depth_to_space(y, 2), uses=[x])
        if kind == 2:
            pads = [[0, height % 2], [self.integer(0, 1) * 2, width % 2]]
            return self.add(tf.space_to_batch(y, [2, 2], pads), uses=[x])
        batch = tf.concat([y, y], 0)
        return self.add(tf.batch_to_space(batch, [1, 2], [[0, 0], [self.integer(0, 1), self.integer(0, 1)]]), uses=[x])

    def picture(self):
        x, y = self.image(["float32"])
        if x is None or 0 in y.shape.as_list()[1:]:
            return False
        kind = self.integer(0, 4)
        if kind == 0:
            three = tf.sigmoid(tf.concat([y[..., :1], y[..., :1] * 0.5, y[..., :1] + 0.7], 3))
            return self.add(self.one([tf.image.rgb_to_hsv, tf.image.hsv_to_rgb, tf.image.rgb_to_grayscale, lambda v: tf.image.adjust_hue(v, 0.2),
                                      lambda v: tf.image.adjust_saturation(v, 0.5)])(three), uses=[x])
        if kind == 1:
            boxes = tf.constant(self.random.uniform(-0.2, 1.2, size=[2, 4]), tf.float32)
            return self.add(tf.image.crop_and_resize(y, boxes, [0, 0], [3, 2], self.one(["bilinear", "nearest"])), uses=[x])
        if kind == 2:
            return self.add(tf.image.extract_patches(y, [1, 2, 2, 1], [1, 1, 2, 1], [1, 1, 1, 1], self.one(["SAME", "VALID"])), uses=[x])
        if kind == 3:
            return self.add(tf.image.adjust_contrast(y, 0.7), uses=[x])
        return self.add(self.one([tf.image.flip_left_right, tf.image.flip_up_down, tf.image.rot90])(y), uses=[x])

    def loss(self):
        x = self.some(self.floats, ranks=[2])
        if x is None or None in x.shape.as_list() or 0 in x.shape.as_list():
            return False
        rows, columns = x.shape.as_list()
        logits = tf.tanh(x)
        kind = self.integer(0, 2)
        if kind == 0:
            return self.add(tf.nn.softmax_cross_entropy_with_logits(tf.nn.softmax(self.constant(x.dtype, [rows, columns])), logits), uses=[x])
        if kind == 1:
            labels = tf.constant(self.random.randint(0, columns, size=rows), self.one([tf.int32, tf.int64]))
            return self.add(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits), uses=[x])
        return self.add(tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.sigmoid(self.constant(x.dtype, [rows, columns])), logits=logits), uses=[x])
