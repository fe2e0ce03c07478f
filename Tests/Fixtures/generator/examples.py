"""SavedModels that are asked about examples and files, requests for TensorFlow Serving's REST protocol, and what TensorFlow computes
of the examples that TensorFlow Serving makes of them: serving/MODEL, serving/runs.json, serving/warmup_requests."""
import base64
import json
import os
import shutil

CLASSES = ["setosa", "versicolor", "virginica"]


def write(folder):
    from .core import np, tf, tf1
    from .files import settle
    root = os.path.join(folder, "serving")
    shutil.rmtree(root, ignore_errors=True)
    runs = {"examples": [], "files": []}
    for make in (flowers, one_image, images):
        path = os.path.join(root, make.__name__)
        with tf1.Graph().as_default(), tf1.Session() as session:
            signatures = make(tf, tf1, np)
            session.run(tf1.global_variables_initializer())
            builder = tf1.saved_model.Builder(path)
            builder.add_meta_graph_and_variables(session, ["serve"], signature_def_map=signatures)
            builder.save()
            if make is flowers:
                runs["examples"] = [run(session, tf, signatures, *request) for request in REQUESTS]
        settle(os.path.join(path, "saved_model.pb"))
    with tf1.Graph().as_default(), tf1.Session() as session:
        picture = np.random.RandomState(1).randint(0, 256, (5, 4, 3)).astype(np.uint8)
        for encode, type in ((tf.io.encode_jpeg, "image/jpeg"), (tf.io.encode_png, "image/png")):
            file = session.run(encode(picture))
            decoded = session.run(tf.io.decode_image(file, channels=3))
            mean = decoded.astype(np.float32).mean((0, 1))
            runs["files"].append({"type": type, "b64": base64.b64encode(file).decode(), "mean": [float(x) for x in mean]})
    with open(os.path.join(root, "runs.json"), "w") as file:
        json.dump(runs, file, sort_keys=True, indent=0)
    write_warmup(tf, np, os.path.join(root, "warmup_requests"))


def flowers(tf, tf1, np):
    """Features of all kinds: required, with a default, and sparse."""
    utils = tf1.saved_model.signature_def_utils
    serialized = tf1.placeholder(tf.string, [None], name="examples")
    parsed = tf1.parse_example(serialized, {
        "x": tf1.FixedLenFeature([2], tf.float32),
        "bias": tf1.FixedLenFeature([], tf.float32, default_value=0.5),
        "count": tf1.FixedLenFeature([], tf.int64, default_value=3),
        "raw": tf1.FixedLenFeature([], tf.string, default_value=""),
        "tags": tf1.VarLenFeature(tf.string),
        "weights": tf1.VarLenFeature(tf.float32),
    })
    w = tf1.get_variable("w", initializer=np.float32([[1, -1, 0.5], [2, 0.25, -0.5]]))
    tags = parsed["tags"]
    tag_count = tf1.sparse_reduce_sum(
        tf.SparseTensor(tags.indices, tf.ones_like(tags.values, dtype=tf.float32), tags.dense_shape), 1, keepdims=True)
    weight = tf1.sparse_reduce_sum(parsed["weights"], 1, keepdims=True)
    size = tf.cast(tf.strings.length(parsed["raw"]), tf.float32)[:, None]
    logits = tf.matmul(parsed["x"], w) + parsed["bias"][:, None] + size * [[0.0, 3.0, 0.0]] + tag_count * [[1.0, 0.0, 0.0]]
    logits += tf.cast(parsed["count"], tf.float32)[:, None] * [[0.0, 1.0, 2.0]] + weight * [[0.0, 0.0, 1.0]]
    logits = tf.reshape(logits, [-1, 3])
    scores = tf.nn.softmax(logits, name="scores")
    classes = tf.tile(tf.constant([CLASSES]), [tf.shape(scores)[0], 1], name="classes")
    value = tf.reduce_sum(logits, 1, keepdims=True, name="value")
    info = tf1.saved_model.build_tensor_info
    return {
        "serving_default": utils.classification_signature_def(serialized, classes, scores),
        "scores": utils.classification_signature_def(serialized, None, scores),
        "classes": utils.classification_signature_def(serialized, classes, None),
        "value": utils.regression_signature_def(serialized, value),
        "flat": utils.regression_signature_def(serialized, tf.squeeze(value, 1, name="flat")),
        "wide": tf1.saved_model.build_signature_def(
            {"inputs": info(serialized)}, {"outputs": info(scores)}, "tensorflow/serving/regress"),
        "predict": utils.predict_signature_def({"examples": serialized}, {"scores": scores}),
    }


def one_image(tf, tf1, np):
    """A scalar string."""
    file = tf1.placeholder(tf.string, [], name="file")
    picture = tf.io.decode_image(file, channels=3)
    mean = tf.reduce_mean(tf.cast(picture, tf.float32), [0, 1], name="mean")
    return {"serving_default": tf1.saved_model.signature_def_utils.predict_signature_def({"image": file}, {"mean": mean})}


def images(tf, tf1, np):
    """A list of strings, and an input that need not be fed."""
    file = tf1.placeholder(tf.string, [None], name="file")
    factor = tf1.placeholder_with_default(tf.constant(1.0), [], name="factor")
    rows = tf.map_fn(
        lambda one: tf.reduce_mean(tf.cast(tf.io.decode_image(one, channels=3), tf.float32), [0, 1]), file,
        fn_output_signature=tf.float32)
    mean = tf.reshape(rows * factor, [-1, 3], name="mean")
    return {"serving_default": tf1.saved_model.signature_def_utils.predict_signature_def(
        {"image": file, "factor": factor}, {"mean": mean})}


# The verb, and the body as a client sends it.
REQUESTS = [
    ("classify", {"examples": [{"x": [1.0, 2.0]}]}),
    ("classify", {"examples": [
        {"x": [1.0, 2.0]},
        {"x": [0.5, -1.5], "tags": ["a", "b"], "weights": [1.5, 2.25], "raw": {"b64": "/78="}, "count": 1, "bias": 2.5}]}),
    ("classify", {"signature_name": "scores", "examples": [{"x": [0.25, 1e3], "weights": [], "tags": "one"}]}),
    ("classify", {"signature_name": "classes", "examples": [{"x": [1.5, 2.5], "other": ["not", "asked", "for"]}]}),
    ("classify", {"context": {"count": [7], "bias": -1.5}, "examples": [{"x": [1.0, 2.0]}, {"x": [0.5, 1.5], "count": True}]}),
    ("regress", {"signature_name": "value", "examples": [{"x": [1.0, 2.0]}, {"x": [-3.0, 0.5], "raw": "é\u0000"}]}),
    ("regress", {"signature_name": "flat", "examples": [{"x": [1.0, 2.0], "count": -5, "raw": ["text"]}], "more": 1}),
    ("regress", {"signature_name": "flat", "context": {}, "examples": [{"x": [1.5, -0.0]}] * 20}),
]


def run(session, tf, signatures, verb, body):
    """TensorFlow Serving makes examples of the body, and appends each to the context (serving/util.cc)."""
    context = example(tf, body.get("context", {}))
    serialized = [context + example(tf, features) for features in body["examples"]]
    signature = signatures[body.get("signature_name", "serving_default")]
    outputs = {key: session.run(info.name, {signature.inputs["inputs"].name: serialized})
               for key, info in signature.outputs.items()}
    if verb == "regress":
        results = [float(x) for x in outputs["outputs"].reshape(-1)]
    else:
        labels = outputs.get("classes")
        scores = outputs.get("scores")
        results = [[["" if labels is None else labels[i][c].decode(), 0.0 if scores is None else float(scores[i][c])]
                    for c in range(3)] for i in range(len(serialized))]
    return {"verb": verb, "body": body, "results": results}


def example(tf, features):
    return tf.train.Example(features=tf.train.Features(feature={
        name: feature(tf, values if isinstance(values, list) else [values]) for name, values in features.items()
    })).SerializeToString(deterministic=True)


def feature(tf, values):
    """As TensorFlow Serving does (json_tensor.cc): a number with a point is a float, any other, and a boolean, an int64."""
    if not values:
        return tf.train.Feature()
    if all(isinstance(x, (bool, int)) for x in values):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[int(x) for x in values]))
    if all(isinstance(x, float) for x in values):
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    data = [base64.b64decode(x["b64"]) if isinstance(x, dict) else x.encode() for x in values]
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=data))


def message(*fields):
    """A message in the wire format, of fields that are bytes: TensorFlow does not have TensorFlow Serving's messages."""
    result = b""
    for number, content in fields:
        size = len(content)
        length = b""
        while size > 127:
            length += bytes([size & 127 | 128])
            size >>= 7
        result += bytes([number << 3 | 2]) + length + bytes([size]) + content
    return result


def write_warmup(tf, np, path):
    """A TFRecord file of PredictionLog messages (tensorflow_serving/apis), one of each kind that is replayed."""
    def spec(signature):
        return (1, message((1, b"flowers"), (3, signature)))

    examples = [example(tf, {"x": [1.0, 2.0]}), example(tf, {"x": [0.5, 1.5], "count": 1})]
    plain = (2, message((1, message(*((1, e) for e in examples)))))
    shared = (2, message((2, message(*((1, e) for e in examples), (2, example(tf, {"count": 7}))))))
    tensor = tf.make_tensor_proto(np.array(examples * 2, dtype=object), dtype=tf.string)
    inputs = (2, message((1, b"examples"), (2, tensor.SerializeToString(deterministic=True))))
    tasks = [(1, message(spec(s), (2, b"tensorflow/serving/" + m))) for s, m in ((b"scores", b"classify"), (b"flat", b"regress"))]
    logs = [
        message((2, message((1, message(spec(b""), plain))))),
        message((3, message((1, message(spec(b"value"), shared))))),
        message((6, message((1, message(spec(b"predict"), inputs, (3, b"scores")))))),
        message((4, message((1, message(*tasks, plain))))),
    ]
    with tf.io.TFRecordWriter(path) as writer:
        for log in logs:
            writer.write(log)
