"""SavedModels whose signatures are unusual, with runs.json: what TensorFlow answers for each."""
import json
import os
import shutil
import subprocess
import sys


def write(folder):
    from .files import settle
    root = os.path.join(folder, "signatures")
    shutil.rmtree(root, ignore_errors=True)
    # TensorFlow 2's own way needs a process of its own: the other fixtures' runs in graph mode.
    subprocess.run([sys.executable, os.path.abspath(__file__), root], check=True)
    for path, _, names in os.walk(root):
        for name in names:
            if name == "fingerprint.pb":
                os.remove(os.path.join(path, name))
            elif name == "saved_model.pb":
                settle(os.path.join(path, name))


def plain(value):
    import tensorflow as tf
    if isinstance(value, tf.SparseTensor):
        return {"indices": plain(value.indices), "values": plain(value.values), "dense_shape": plain(value.dense_shape)}
    if isinstance(value, tf.RaggedTensor):
        return {"values": plain(value.flat_values), "row_splits": [plain(splits) for splits in value.nested_row_splits]}
    return value.numpy().tolist()


def functions(tf, path):
    """No signatures: a function of three traces, variables of one name, tables, an asset, nested arguments and results."""
    class Layer(tf.Module):
        def __init__(self, values):
            super().__init__()
            self.w = tf.Variable(values, name="w")

        @tf.function
        def __call__(self, x):
            return tf.matmul(x, self.w)

    class Net(tf.Module):
        def __init__(self, words):
            super().__init__()
            self.a = Layer([[1.0, 2.0], [3.0, 4.0]])
            self.b = Layer([[10.0, 0.0], [0.0, 10.0]])
            self.step = tf.Variable(3.0, name="w")
            self.table = tf.lookup.StaticHashTable(
                tf.lookup.TextFileInitializer(words, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER), -1)
            self.fixed = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a", "b"], tf.constant([1, 2], tf.int64)), -1)
            self.mutable = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -5)
            self.mutable.insert(["z"], tf.constant([26], tf.int64))
            self.shift = tf.constant([100.0, 200.0])

        @tf.function
        def __call__(self, x, scale=2.0, training=False):
            y = self.b(x) * scale + self.shift
            return {"y": y, "both": (self.a(x), -y if training else y)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="words")])
        def look(self, words):
            return self.table.lookup(words), self.fixed.lookup(words), self.mutable.lookup(words)

        @tf.function
        def nested(self, features, n):
            return features["u"] + features["v"][0] * tf.cast(n, tf.float32)

        @tf.function(input_signature=[])
        def steps(self):
            return self.step

        @tf.function(input_signature=[tf.SparseTensorSpec([None, 3], tf.float32), tf.TensorSpec([3, 2], tf.float32, name="k")])
        def sparse(self, x, k):
            return {"y": tf.sparse.sparse_dense_matmul(x, k), "x": x}

        @tf.function(input_signature=[tf.RaggedTensorSpec([None, None, None], tf.float32)])
        def ragged(self, x):
            return {"sum": tf.reduce_sum(x, axis=2).to_tensor(), "rows": tf.reduce_sum(x, axis=2)}
    import tempfile
    words = os.path.join(tempfile.mkdtemp(), "words.txt")
    open(words, "w").write("cat\ndog\n")
    net = Net(words)
    x = tf.constant([[1.0, 2.0]])
    any_rows = tf.TensorSpec([None, 2], tf.float32)
    net.__call__.get_concrete_function(any_rows, training=True)
    net(x)
    net.__call__.get_concrete_function(any_rows)
    net.__call__.get_concrete_function(any_rows, tf.TensorSpec([], tf.float32))
    features = {"u": tf.constant([1.0]), "v": [tf.constant([2.0])]}
    net.nested(features, tf.constant(3))
    tf.saved_model.save(net, path)
    rows = tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    called = net(rows)
    scaled = net(rows, tf.constant(3.0))
    found = net.look(tf.constant(["dog", "b", "z"]))
    sparse = tf.sparse.from_dense(tf.constant([[0.0, 1.5, 0.0], [2.0, 0.0, 0.0]]))
    k = tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    product = net.sparse(sparse, k)
    ragged = tf.ragged.constant([[[1.0, 2.0], [3.0]], [], [[4.0]]])
    sums = net.ragged(ragged)
    split = plain(ragged)
    sparse_json = {"sparse": {"indices": plain(sparse.indices), "values": plain(sparse.values), "shape": plain(sparse.dense_shape)}}
    rows_json = plain(sums["rows"])
    return [
        {"signature": None, "feeds": {"x": plain(rows)}, "outputs": {"y": plain(called["y"]), "both_0": plain(called["both"][0]), "both_1": plain(called["both"][1])}},
        {"signature": "__call__/2", "feeds": {"x": plain(rows), "scale": 3.0}, "outputs": {"y": plain(scaled["y"])}},
        {"signature": "look", "feeds": {"words": ["dog", "b", "z"]}, "outputs": {f"output_{i}": plain(v) for i, v in enumerate(found)}},
        {"signature": "nested", "feeds": {"features_u": [1.0], "features_v_0": [2.0], "n": 3}, "outputs": {"output_0": plain(net.nested(features, tf.constant(3)))}},
        {"signature": "steps", "feeds": {}, "outputs": {"output_0": 3.0}},
        {"signature": "sparse", "feeds": {"x": sparse_json, "k": plain(k)}, "outputs": {"y": plain(product["y"]), "x/values": plain(product["x"].values), "x/indices": plain(product["x"].indices), "x/dense_shape": plain(product["x"].dense_shape)}},
        {"signature": "ragged", "feeds": {"x": {"ragged": split}}, "outputs": {"sum": plain(sums["sum"]), "rows/values": rows_json["values"], "rows/row_splits": rows_json["row_splits"][0]}},
    ]


def sparse_and_doubled(tf, path):
    """TensorFlow 1: a sparse input and output, and two keys on one tensor."""
    tf1 = tf.compat.v1
    saved = tf1.saved_model
    with tf.Graph().as_default(), tf1.Session() as session:
        sp = tf1.sparse_placeholder(tf.float32, [None, 3], name="sp")
        k = tf1.placeholder(tf.float32, [3, 2], name="k")
        y = tf.sparse.sparse_dense_matmul(sp, k)
        back = tf.sparse.from_dense(y)
        info = saved.build_tensor_info
        signature = saved.build_signature_def(
            {"sp": info(sp), "k": info(k), "k_again": info(k)}, {"y": info(y), "y_again": info(y), "back": info(back)}, "tensorflow/serving/predict")
        builder = saved.Builder(path)
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
        builder.save()
        value = tf1.SparseTensorValue([[0, 1], [1, 0]], [1.5, 2.0], [2, 3])
        table = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
        got, sparse = session.run([y, back], {sp: value, k: table})
    feed = {"sparse": {"indices": [[0, 1], [1, 0]], "values": [1.5, 2.0], "shape": [2, 3]}}
    return [{"signature": None, "feeds": {"sp": feed, "k": table}, "outputs": {
        "y": got.tolist(), "y_again": got.tolist(), "back/values": sparse.values.tolist(), "back/indices": sparse.indices.tolist(),
        "back/dense_shape": sparse.dense_shape.tolist()}}]


def main(root):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
    import tensorflow as tf
    runs = {}
    for make in (functions, sparse_and_doubled):
        runs[make.__name__] = make(tf, os.path.join(root, make.__name__))
    with open(os.path.join(root, "runs.json"), "w") as file:
        json.dump(runs, file, sort_keys=True, indent=0)


if __name__ == "__main__":
    main(sys.argv[1])
