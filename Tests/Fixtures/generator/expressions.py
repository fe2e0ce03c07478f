"""Expressions: the same text is evaluated by Python with TensorFlow's public functions, and by the server."""
import json
import os

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context

MODULES = [tf, tf.math, tf.nn, tf.image, tf.strings, tf.io, tf.linalg]

RANDOM = np.random.RandomState(5)


def floats(*shape):
    return RANDOM.uniform(-2, 2, size=shape).round(3).astype(np.float32)


PICTURE = (RANDOM.rand(6, 5, 3) * 255).astype(np.uint8)
INPUTS = {
    "x": floats(2, 3), "y": floats(2, 3), "v": floats(3), "w": floats(3, 4), "t": floats(2, 3, 4),
    "p": np.abs(floats(2, 3)) + np.float32(0.25), "u": (floats(2, 3) / 2.1).astype(np.float32),
    "i": np.array([[3, -1, 2], [0, 5, -7]], np.int32), "j": np.array([[2, 3, -4], [1, 2, 3]], np.int32),
    "k": np.array([2, 0, 1], np.int64), "g": np.array([1, 0], np.int32), "b": np.array([[True, False, True], [False, False, True]]),
    "m": np.array([True, False]), "d": RANDOM.uniform(-2, 2, size=(2, 2)).round(3), "q": np.array([1, 2, 200], np.uint8),
    "s": np.array([b"Foo bar", b"12", b" x "], object), "n": np.array([b"1.5", b"-2", b"7"], object),
    "image": floats(1, 4, 4, 2), "kernel": floats(2, 2, 2, 3), "picture": PICTURE,
    "colour": np.abs(floats(2, 2, 3) / 2), "square": np.array([[4, 1], [1, 3]], np.float32),
    "labels": np.array([[0, 1, 0], [0.25, 0.25, 0.5]], np.float32), "z": (floats(3) + 1j * floats(3)).astype(np.complex64),
    "h": floats(2, 2).astype(np.float16),
    "boxes": np.array([[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, 2, 1, 3]], np.float32),
}
# The other families are recorded without eager execution, which Python's == on tensors needs.
with context.eager_mode():
    INPUTS["png"] = np.array(tf.io.encode_png(PICTURE).numpy(), object)

TEXTS = """
2 + 3 * 4
7 // 2 - -7 % 3
x * 2
2 - x
x + y * 0.5
x / y
i / j
i // j
i % j
i ** 2
-x ** 2
2 ** v
d * 2 + 1
h * 2.5
~b | b & (x > 0)
b ^ (x > y)
i & j | 1
i ^ 3
~i
x @ w
x == y
x != 0
i <= j
v >= [0, 1, 0.5]
x[0]
x[:, 1]
x[..., -1]
t[:, 1:, ::2]
t[1, :, None, 0]
x[:, ::-1]
v[g[0]]
v[g[1]:g[0] + 1]
[v[0], 2.0, v[1]] * v
s[0] + 'x'
x.shape[0] * 2
add(x, 1)
tf.subtract(1.0, x)
math.multiply(x, y)
divide(i, 2)
math.floordiv(i, 2)
math.floormod(i, 4)
pow(p, y)
maximum(x, 0.5)
minimum(i, 1)
squared_difference(x, y)
divide_no_nan(x, [0, 1, 2])
multiply_no_nan(x, [0, 1, 2])
xlogy([0, 1, 2], p)
xdivy([0, 1, 2], p)
atan2(x, y)
negative(i)
abs(x)
abs(z)
sign(x)
square(i)
reciprocal(p)
add_n([x, y, x])
clip_by_value(x, -0.5, 0.5)
tf.bitwise.bitwise_and(i, j)
tf.bitwise.bitwise_or(i, j)
tf.bitwise.bitwise_xor(i, 5)
tf.bitwise.left_shift(q, 1)
tf.bitwise.right_shift(q, 1)
tf.bitwise.invert(i)
sqrt(p)
rsqrt(p)
exp(x)
expm1(x)
log(p)
log1p(p)
sin(x)
cos(x)
tan(u)
asin(u)
acos(u)
atan(x)
sinh(x)
cosh(x)
asinh(x)
acosh(p + 1)
atanh(u)
erf(x)
erfc(x)
lgamma(p)
digamma(p)
floor(x)
ceil(x)
round(x)
rint(x)
cast(x, tf.int32)
cast(q, 'float32')
cast(x, tf.float64) * d[0, 0]
identity(i)
stop_gradient(x)
constant([1, 2, 3])
constant(2, shape=[2, 2])
constant([1, 2], dtype=tf.float64)
real(z)
imag(z)
conj(z)
equal(i, 2)
not_equal(x, y)
less(x, y)
less_equal(i, 2)
greater(x, 0)
greater_equal(i, j)
logical_and(b, x > 0)
logical_or(b, x > 0)
logical_not(b)
logical_xor(b, x > 0)
is_nan(x / 0 * 0)
is_inf(x / 0)
is_finite(x)
where(b)
where(b, x, 0)
where(x > 0, 1, y)
in_top_k([2, 0], x, 2)
reduce_sum(x)
reduce_sum(i, axis=1)
reduce_mean(t, axis=[0, 2], keepdims=True)
reduce_prod(x, -1)
reduce_max(x, axis=0)
reduce_min(i)
reduce_any(b, axis=1)
reduce_all(b, 0)
reduce_euclidean_norm(x, axis=1)
reduce_variance(x, axis=1)
reduce_std(t, axis=[1, 2], keepdims=True)
reduce_logsumexp(x, axis=1)
reduce_logsumexp(x)
count_nonzero(i, axis=1)
count_nonzero(b)
argmax(x)
argmax(x, axis=-1, output_type=tf.int32)
argmin(i, 1)
cumsum(x, axis=1, exclusive=True)
cumsum(i, reverse=True)
cumprod(x, 1)
cumulative_logsumexp(x, axis=1)
segment_sum(x, [0, 1])
segment_mean(x, [0, 0])
segment_max(x, [0, 0])
segment_min(x, [0, 1])
segment_prod(i, [0, 0])
unsorted_segment_sum(x, g, 3)
unsorted_segment_max(x, g, 2)
unsorted_segment_min(x, g, num_segments=2)
unsorted_segment_prod(i, [1, 1], 2)
moments(x, axes=[0])[0]
moments(t, [1, 2], keepdims=True)[1]
shape(t)
shape(x, out_type=tf.int64)
size(t)
rank(t)
reshape(x, [3, -1])
reshape(x, [size(x)])
ensure_shape(x, [None, 3])
transpose(x)
transpose(t, perm=[2, 0, 1])
expand_dims(x, -1)
squeeze(expand_dims(x, 0))
squeeze(x[None, :, None], axis=[0, 2])
tile(x, [1, 2])
broadcast_to(v, [2, 3])
fill([2, 2], 7)
zeros([2, 1])
zeros([2], dtype=tf.int32)
ones([1, 3], tf.float64)
ones_like(i)
ones_like(x, dtype=tf.int32)
zeros_like(x)
range(5)
range(1, 9, 3)
range(0, 1, 0.25)
linspace(0.0, 1.0, 5)
reverse(x, axis=[1])
roll(x, shift=1, axis=1)
roll(x, [1, 2], [0, 1])
pad(x, [[1, 0], [0, 2]])
pad(x, [[1, 0], [0, 2]], constant_values=9)
pad(x, [[0, 0], [1, 1]], 'REFLECT')
slice(t, [0, 1, 0], [2, 1, -1])
one_hot(k, 4)
one_hot(i, depth=3, axis=0)
one_hot(k, 3, on_value=5, off_value=-1)
one_hot(k, 3, dtype=tf.int32)
concat([x, y], 1)
concat([x, [[1, 2, 3]]], axis=0)
stack([x, y], axis=1)
stack([1, 2])
unstack(x)[1]
unstack(x, axis=1)[0]
split(w, 2, axis=1)[1]
split(w, [1, 3], 1)[0]
repeat(x, 2, axis=1)
gather(x, [2, 0], axis=1)
gather(v, k)
gather(x, [[0], [2]], axis=1, batch_dims=1)
gather_nd(x, [[0, 1], [1, 2]])
nn.embedding_lookup(w, k)
boolean_mask(x, m)
boolean_mask(v, [True, False, True])
scatter_nd([[1], [3]], [5, 6], [4])
top_k(x, k=2).values
top_k(x, 2).indices
top_k(softmax(x), k=2)[1]
sort(x)
sort(x, axis=0, direction='DESCENDING')
sort(i)
argsort(x)
argsort(i, axis=0, direction='DESCENDING')
unique([3, 1, 3]).y
unique(k, out_idx=tf.int64).idx
unique_with_counts([3, 1, 3]).count
invert_permutation([2, 0, 1])
relu(x)
relu6(x * 5)
elu(x)
selu(x)
sigmoid(x)
tanh(x)
softplus(x)
softsign(x)
leaky_relu(x)
leaky_relu(x, alpha=0.5)
gelu(x)
gelu(x, approximate=True)
silu(x)
swish(x, 2.0)
log_sigmoid(x)
softmax(x)
tf.nn.softmax(t, axis=1)
nn.log_softmax(x, axis=0)
softmax_cross_entropy_with_logits(labels, x)
softmax_cross_entropy_with_logits(labels=labels[None], logits=x[None])
sparse_softmax_cross_entropy_with_logits(g, x)
sparse_softmax_cross_entropy_with_logits(labels=g[None], logits=x[None])
sigmoid_cross_entropy_with_logits(labels=labels, logits=x)
l2_loss(x)
matmul(x, w)
matmul(x, y, transpose_b=True)
matmul(t, t, transpose_a=True)
linalg.matvec(x, v)
tensordot(x, w, 1)
tensordot(t, x, [[0, 1], [0, 1]])
einsum('ij,jk->ik', x, w)
einsum('ij->ji', x)
norm(x)
norm(x, axis=1, keepdims=True)
norm(x, ord=1, axis=0)
norm(x, 3, axis=1)
l2_normalize(x, axis=1)
linalg.inv(square_)
linalg.det(square_)
linalg.cholesky(square_)
linalg.solve(square_, x)
linalg.tensor_diag(v)
linalg.tensor_diag_part(square_)
linalg.cross(x, y)
conv2d(image, kernel, strides=1, padding='SAME')
conv2d(image, kernel, [1, 2, 2, 1], 'VALID')
depthwise_conv2d(image, kernel, [1, 1, 1, 1], 'VALID')
max_pool(image, 2, 2, 'VALID')
max_pool2d(image, ksize=[2, 2], strides=[1, 1], padding='SAME')
avg_pool(image, 2, strides=2, padding='SAME')
bias_add(x, v)
batch_normalization(x, v, p[0], v, p[1], 0.001)
batch_normalization(x, mean=v, variance=p[0], offset=None, scale=None, variance_epsilon=0.001)
space_to_depth(image, 2)
depth_to_space(image[..., :1] * [1, 2, 3, 4], 2)
nn.local_response_normalization(image, depth_radius=1)
decode_png(png)
decode_png(png, channels=1)
decode_image(png, channels=3)
resize(picture, [3, 4])
resize(image, [2, 7], method='bicubic')
resize(picture, [9, 9], 'nearest')
resize(picture, [3, 2], method='area')
resize(cast(picture, tf.float32) / 127.5 - 1, [4, 4])[None]
convert_image_dtype(picture, tf.float32)
per_image_standardization(picture)
rgb_to_grayscale(picture)
rgb_to_grayscale(colour)
flip_left_right(picture)
flip_up_down(picture)
crop_and_resize(image, [[0, 0, 1, 1], [0.25, 0.1, 0.5, 0.9]], [0, 0], [2, 2])
non_max_suppression(boxes, [0.9, 0.8, 0.7], 2)
non_max_suppression(boxes, [0.1, 0.8, 0.7], max_output_size=3, iou_threshold=0.9)
rgb_to_hsv(colour)
hsv_to_rgb(colour)
strings.join([s, '!'])
strings.join([s, n, 'z'], separator='-')
lower(s)
upper(s)
strip(s)
strings.length(s)
substr(s, 0, 2)
regex_replace(s, '[a-o]+', '<\\\\0>')
regex_full_match(s, '\\d+')
as_string(i)
as_string(x, precision=2)
to_number(n)
to_number(n[1], out_type=tf.int32)
to_hash_bucket_fast(s, 10)
reduce_join(s, separator=',')
decode_base64('Zm9v')
encode_base64(s)
decode_raw(s[1], tf.uint8)
searchsorted([[1, 2, 3]], [[2, 5]])
searchsorted([[1, 2, 3]], [[2, 5]], side='right')
"""


def namespace():
    names = {}
    for module in reversed(MODULES):
        names.update({name: getattr(module, name) for name in dir(module) if not name.startswith("_")})
    names.update({"tf": tf, "math": tf.math, "nn": tf.nn, "strings": tf.strings, "linalg": tf.linalg})
    # These inputs have names that are functions' too; the server tells them apart by the parenthesis.
    names.update({name + "_" if name == "square" else name: tf.constant(value.tolist() if value.dtype == object else value) for name, value in INPUTS.items()})
    return names


def encoded(value):
    array = np.asarray(value)
    flat = np.ravel(array)
    if array.dtype.kind in "OSU":
        return {"dtype": "string", "shape": list(array.shape), "values": [bytes(v).decode("latin-1") for v in flat]}
    if array.dtype.kind == "c":
        flat = np.ravel(np.stack([flat.real, flat.imag], -1))
    # Integers and booleans are numbers; no value is beyond what a double holds.
    values = [f"{v:.9g}" if array.dtype.kind in "fc" else str(int(v)) for v in flat]
    return {"dtype": array.dtype.name, "shape": list(array.shape), "values": values}


def write(folder):
    with context.eager_mode():
        cases = evaluated()
    inputs = {name + "_" if name == "square" else name: encoded(value) for name, value in INPUTS.items()}
    os.makedirs(os.path.join(folder, "expressions"), exist_ok=True)
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    with open(os.path.join(folder, "expressions", "functions.json"), "w") as file:
        file.write(f'{{"inputs":{json.dumps(inputs, separators=(",", ":"))},\n"cases":[\n{lines}\n]}}\n')


def evaluated():
    names = namespace()
    cases = []
    for text in TEXTS.strip().split("\n"):
        try:
            value = tf.convert_to_tensor(eval(text, {"__builtins__": {"True": True}}, names))
        except Exception as error:
            raise ValueError(text) from error
        cases.append({"text": text, **encoded(value.numpy())})
    return cases
