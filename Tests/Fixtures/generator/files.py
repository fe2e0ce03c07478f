"""Models in every format of files that TensorFlow leaves, with runs.json: what TensorFlow answers for each."""
import json
import os
import shutil
import subprocess
import sys

TF2_FOLDERS = ("saved_model_2", "saved_model_2_plain")


def write(folder):
    from .checkpoints import expect, write_expected
    from .core import tf
    root = os.path.join(folder, "files")
    shutil.rmtree(root, ignore_errors=True)
    runs = {}
    for make in (v1, v1_sliced, v1_sharded, text_meta, frozen, frozen_text, saved_model_1, saved_model_text, versions, no_meta, no_meta_text, objects):
        path = os.path.join(root, make.__name__)
        os.makedirs(path)
        with tf.Graph().as_default():
            runs[make.__name__] = make(path)
            if make is v1:
                # TensorFlow's reader knows only some dtypes of V1; what is restored, all.
                with tf.compat.v1.Session() as session:
                    tf.compat.v1.train.Saver().restore(session, tf.train.latest_checkpoint(path))
                    variables = tf.compat.v1.global_variables()
                    write_expected(path, {v.op.name: (v.dtype.base_dtype, session.run(v)) for v in variables})
        if make is v1_sharded:
            expect(path)
    # TensorFlow 2's own way needs a process of its own: the other fixtures' runs in graph mode.
    for name in TF2_FOLDERS:
        subprocess.run([sys.executable, os.path.abspath(__file__), name, os.path.join(root, name)], check=True)
        result = os.path.join(root, name, "run.json")
        runs[name] = json.load(open(result))
        os.remove(result)
    for path, _, names in os.walk(root):
        for name in names:
            if name == "fingerprint.pb":
                os.remove(os.path.join(path, name))
            elif name == "saved_model.pb":
                settle(os.path.join(path, name))
    with open(os.path.join(root, "runs.json"), "w") as file:
        json.dump(runs, file, sort_keys=True, indent=0)


def settle(path):
    """Maps in one order, so that the same bytes come out each time."""
    from tensorflow.core.protobuf import saved_model_pb2
    model = saved_model_pb2.SavedModel()
    model.ParseFromString(open(path, "rb").read())
    for meta in model.meta_graphs:
        meta.graph_def.ClearField("debug_info")
    open(path, "wb").write(model.SerializeToString(deterministic=True))


def tensor(value):
    return {"shape": list(value.shape), "data": [float(x) for x in value.reshape(-1)]}


def affine(w, b):
    """y = x w + b"""
    from .core import np, tf, tf1
    from .checkpoints import variable
    x = tf1.placeholder(tf.float32, [None, 2], name="x")
    weights, bias = variable("dense/w", np.float32(w)), variable("dense/b", np.float32(b))
    return x, tf.add(tf.matmul(x, weights), bias, name="y")


FEED = [[1, 2], [-3, 0.5]]


def answer(session, y="y:0"):
    from .core import np
    return {"feeds": {"x:0": tensor(np.float32(FEED))}, "fetches": {y: tensor(session.run(y, {"x:0": FEED}))}}


def session():
    from .core import tf1
    result = tf1.Session()
    result.run(tf1.global_variables_initializer())
    return result


def v1(path):
    """Every dtype that V1 can hold; a graph with RestoreSlice."""
    from .core import np, tf, tf1
    from .checkpoints import variable
    affine([[1, 2, 3], [4, 5, 6]], [0.5, -0.5, 0])
    rng = np.random.RandomState(1)
    for dtype in ("float64", "int32", "uint8", "int16", "int8", "int64", "complex64", "float16"):
        variable("v_" + dtype, (rng.randn(2, 3) * 50).astype(dtype))
    variable("v_bool", np.array([True, False, True]))
    variable("v_string", np.array([[b"", b"a"], [b"\xff\x00b", b"long " * 60]], object))
    variable("scalar", np.float32(-0.5))
    variable("empty", np.zeros([0, 4], np.float32))
    with session() as s:
        tf1.train.Saver(write_version=tf1.train.SaverDef.V1, save_relative_paths=True).save(s, path + "/model.ckpt", global_step=7)
        return answer(s)


def v1_sliced(path):
    """A partitioned variable, which TensorFlow restores but does not list."""
    from .core import np, tf, tf1
    with tf1.variable_scope("root", partitioner=tf1.fixed_size_partitioner(3)):
        part = tf1.get_variable("part", initializer=tf.constant(np.arange(40, dtype=np.float32).reshape(10, 4)), use_resource=False)
    tf.identity(tf.convert_to_tensor(part), name="whole")
    with session() as s:
        tf1.train.Saver(write_version=tf1.train.SaverDef.V1, save_relative_paths=True).save(s, path + "/model.ckpt", global_step=7)
        return {"feeds": {}, "fetches": {"whole:0": tensor(s.run("whole:0"))}}


def v1_sharded(path):
    from .core import np, tf, tf1
    from .checkpoints import variable
    servers = [tf1.train.Server({"ps": ["localhost:23453", "localhost:23454"]}, job_name="ps", task_index=i) for i in range(2)]
    x = tf1.placeholder(tf.float32, [None, 2], name="x")
    for number in range(4):
        with tf.device(f"/job:ps/task:{number % 2}"):
            variable(f"v{number}", np.full([2, 2], number + 1, np.float32))
    with tf.device("/job:ps/task:0"):
        tf.matmul(x, tf1.global_variables()[0] + tf1.global_variables()[3], name="y")
    saver = tf1.train.Saver(sharded=True, write_version=tf1.train.SaverDef.V1, save_relative_paths=True)
    with tf1.Session(servers[0].target) as s:
        s.run(tf1.global_variables_initializer())
        saver.save(s, path + "/model.ckpt", global_step=7)
        return answer(s)


def save(path, s, step=7, **kwargs):
    from .core import tf1
    tf1.train.Saver(save_relative_paths=True, max_to_keep=None).save(s, path + "/model", global_step=step, **kwargs)


def text_meta(path):
    from .core import np, tf, tf1
    affine([[1, 2], [3, 4]], [1, -1])
    tf.constant(b'quoted "DT_FLOAT" and \xff\n', name="text")
    with session() as s:
        save(path, s, write_meta_graph=False)
        result = answer(s)
        saver = tf1.train.Saver()
        tf1.train.export_meta_graph(path + "/model-7.meta", as_text=True, saver_def=saver.as_saver_def())
    return result


def frozen_definition():
    from .core import tf1
    with session() as s:
        definition = tf1.graph_util.convert_variables_to_constants(s, s.graph_def, ["y"])
        return definition, answer(s)


def frozen(path):
    affine([[1, 2], [3, 4]], [2, -2])
    definition, result = frozen_definition()
    open(path + "/frozen.pb", "wb").write(definition.SerializeToString(deterministic=True))
    return result


def frozen_text(path):
    from google.protobuf import text_format
    affine([[1, 2], [3, 4]], [3, -3])
    definition, result = frozen_definition()
    open(path + "/model.pbtxt", "w").write("# made by hand\n" + text_format.MessageToString(definition))
    return result


def export(path, s, x, y, as_text=False, tags=("serve",), **kwargs):
    from .core import tf1
    builder = tf1.saved_model.Builder(path)
    signature = tf1.saved_model.predict_signature_def({"in": x}, {"out": y})
    builder.add_meta_graph_and_variables(s, list(tags), {"serving_default": signature}, clear_devices=True, **kwargs)
    builder.save(as_text)


def words_file():
    """Its path becomes a part of the fixtures, so it is not one of somebody's machine."""
    os.makedirs("/tmp/made", exist_ok=True)
    open("/tmp/made/words.txt", "w").write("a\nb\nc\n")
    return "/tmp/made/words.txt"


def saved_model_1(path):
    """With an asset: the file of a table's keys."""
    from .core import tf, tf1
    os.rmdir(path)
    x, y = affine([[1, 2], [3, 4]], [4, -4])
    vocabulary = words_file()
    file = tf.constant(vocabulary, name="words_file")
    tf1.add_to_collection(tf1.GraphKeys.ASSET_FILEPATHS, file)
    table = tf.lookup.StaticHashTable(
        tf.lookup.TextFileInitializer(file, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER), -1)
    words = tf1.placeholder(tf.string, [None], name="words")
    tf.identity(table.lookup(words), name="numbers")
    with session() as s:
        s.run(tf1.tables_initializer())
        export(path, s, x, y, main_op=tf1.tables_initializer(), assets_collection=[file])
        result = answer(s)
    os.remove(vocabulary)
    return result


def saved_model_text(path):
    """As text, and with a tag that nobody serves."""
    os.rmdir(path)
    x, y = affine([[1, 2], [3, 4]], [5, -5])
    with session() as s:
        export(path, s, x, y, as_text=True, tags=("train",))
        return answer(s)


def versions(path):
    from .core import tf
    for number in (2, 10):
        with tf.Graph().as_default():
            x, y = affine([[1, 2], [3, 4]], [number, -number])
            with session() as s:
                export(f"{path}/{number}", s, x, y)
                result = answer(s)
    os.makedirs(path + "/11")
    open(path + "/11/README", "w").write("not yet\n")
    return result


def no_meta(path):
    """model-2 has no meta graph: that of model-1 fits, that of model-3, of other variables, does not."""
    from .core import np, tf
    from .checkpoints import variable
    with tf.Graph().as_default():
        affine([[1, 2], [3, 4]], [6, -6])
        with session() as s:
            save(path, s, step=1)
            save(path, s, step=2, write_meta_graph=False)
            result = answer(s)
    with tf.Graph().as_default():
        variable("other", np.float32(1))
        with session() as s:
            save(path, s, step=3)
    for name in os.listdir(path):
        if name.startswith("model-3.") and not name.endswith(".meta"):
            os.remove(path + "/" + name)
    os.remove(path + "/model-1.index")
    os.remove(path + "/model-1.data-00000-of-00001")
    open(path + "/checkpoint", "w").write('model_checkpoint_path: "model-2"\n')
    return result


def no_meta_text(path):
    """As an Estimator leaves it: the graph as text."""
    from .core import tf1
    affine([[1, 2], [3, 4]], [7, -7])
    with session() as s:
        save(path, s, write_meta_graph=False)
        result = answer(s)
        tf1.train.write_graph(s.graph_def, path, "graph.pbtxt")
    return result


def objects(path):
    """An object-based checkpoint beside a graph whose variables have the full names."""
    from .core import tf, tf1
    x, y = affine([[1, 2], [3, 4]], [8, -8])
    with session() as s:
        weights, bias = tf1.global_variables()
        layer = tf.Module()
        layer.kernel, layer.bias = weights, bias
        tf1.train.Checkpoint(layer=layer).save(path + "/ckpt", session=s)
        result = answer(s)
        tf1.train.export_meta_graph(path + "/graph.meta")
    open(path + "/checkpoint", "w").write('model_checkpoint_path: "ckpt-1"\n')
    return result


def saved_model_2(tf, np, path):
    """Two variables of one name, a table from a file, a mutable table, all behind functions."""
    class Net(tf.Module):
        def __init__(self, words):
            super().__init__()
            self.w = tf.Variable(np.float32([[1, 2], [3, 4]]), name="v")
            self.b = tf.Variable(np.float32([9, -9]), name="v")
            self.table = tf.lookup.StaticHashTable(
                tf.lookup.TextFileInitializer(words, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER), -1)
            self.mutable = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
            self.mutable.insert(tf.constant(["k"]), tf.constant([5], tf.int64))

        @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])
        def predict(self, x):
            return {"out": tf.matmul(x, self.w) + self.b}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="words")])
        def look_up(self, words):
            return {"number": self.table.lookup(words), "other": self.mutable.lookup(words)}
    words = words_file()
    net = Net(words)
    tf.saved_model.save(net, path, {"serving_default": net.predict, "look_up": net.look_up})
    os.remove(words)
    return net.predict(tf.constant(FEED))["out"].numpy()


def saved_model_2_plain(tf, np, path):
    """No function between the signature and the ops: what `x` is, is what a graph without calls can answer."""
    class Net(tf.Module):
        def __init__(self):
            super().__init__()
            self.list = [tf.Variable(np.float32(i)) for i in range(12)]

        @tf.function(input_signature=[tf.TensorSpec([], tf.float32, name="x")])
        def predict(self, x):
            return {"out": x + tf.add_n([v * 2.0 for v in self.list])}
    net = Net()
    tf.saved_model.save(net, path, net.predict)
    return net.predict(tf.constant(1.0))["out"].numpy()


def main(name, path):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
    import numpy as np
    import tensorflow as tf
    value = globals()[name](tf, np, path)
    feed = np.float32(FEED) if name == "saved_model_2" else np.float32(1)
    from tensorflow.core.protobuf import saved_model_pb2
    model = saved_model_pb2.SavedModel()
    model.ParseFromString(open(path + "/saved_model.pb", "rb").read())
    signature = model.meta_graphs[0].signature_def["serving_default"]
    run = {"feeds": {signature.inputs["x"].name: tensor(feed)}, "fetches": {signature.outputs["out"].name: tensor(value)}}
    with open(path + "/run.json", "w") as file:
        json.dump(run, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
