"""Small checkpoints as TensorFlow writes them, each with expected.json: what TensorFlow reads from it."""
import json
import os
import shutil

from .core import np, tf, tf1


def write(folder):
    root = os.path.join(folder, "checkpoints")
    shutil.rmtree(root, ignore_errors=True)
    for make in (kinds, partitioned, sharded, renamed, subset, resources, object_based, absolute):
        path = os.path.join(root, make.__name__)
        os.makedirs(path)
        with tf.Graph().as_default():
            make(path)
        expect(path)


def expect(path):
    """What tf.train.load_checkpoint reads of the newest prefix."""
    newest = tf.train.latest_checkpoint(path) or os.path.join(path, "model-7")
    reader = tf.train.load_checkpoint(newest)
    dtypes, shapes = reader.get_variable_to_dtype_map(), reader.get_variable_to_shape_map()
    write_expected(path, {name: (dtypes[name], reader.get_tensor(name)) for name in shapes})


def write_expected(path, values):
    """expected.json: by name the dtype, the shape and the bytes as hexadecimal digits."""
    tensors = {}
    for name, (dtype, value) in values.items():
        value = np.asarray(value)
        flat = value.reshape(-1)
        if value.dtype.kind in "OS":
            data = [bytes(s).hex() for s in flat]
        else:
            data = flat.tobytes().hex()
        tensors[name] = {"dtype": dtype.name, "shape": list(value.shape), "data": data}
    with open(os.path.join(path, "expected.json"), "w") as file:
        json.dump(tensors, file, sort_keys=True, indent=0)


def save(path, saver=None, name="model", step=7):
    with tf1.Session() as session:
        session.run(tf1.global_variables_initializer())
        (saver or tf1.train.Saver(save_relative_paths=True)).save(session, os.path.join(path, name), global_step=step)


def variable(name, value, **kwargs):
    return tf1.get_variable(name, initializer=tf.constant(value), use_resource=False, **kwargs)


def kinds(path):
    """Every dtype of fixed width, strings, scalars, empty tensors; not aligned, as TensorFlow packs them."""
    rng = np.random.RandomState(1)
    for dtype in ("float32", "float64", "int32", "uint8", "int16", "int8", "int64", "uint16", "uint32", "uint64", "float16",
                  "complex64", "complex128"):
        variable("v_" + dtype, (rng.randn(2, 3) * 50).astype(dtype))
    variable("v_bool", np.array([True, False, True]))
    tf1.get_variable("v_bfloat16", initializer=tf.cast(tf.constant([1.5, -2.25, 3e30]), tf.bfloat16), use_resource=False)
    variable("v_string", np.array([[b"", b"a"], [b"\xff\x00b", b"long " * 60]], object))
    variable("scalar", np.float32(-0.5))
    variable("empty", np.zeros([0, 4], np.float32))
    variable("scope/deep/weights", rng.randn(3, 2).astype("float32"))
    variable("global_step", np.int64(7))
    save(path)


def partitioned(path):
    with tf1.variable_scope("root", partitioner=tf1.fixed_size_partitioner(3)):
        part = tf1.get_variable("part", initializer=tf.constant(np.arange(40, dtype=np.float32).reshape(10, 4)), use_resource=False)
    tf.identity(tf.convert_to_tensor(part), name="whole")
    save(path)


def sharded(path):
    """Shards follow tasks: two servers in this process stand for two machines."""
    servers = [tf1.train.Server({"ps": ["localhost:23451", "localhost:23452"]}, job_name="ps", task_index=i) for i in range(2)]
    for number in range(4):
        with tf.device(f"/job:ps/task:{number % 2}"):
            variable(f"v{number}", np.full([2, 2], number, np.float32))
    saver = tf1.train.Saver(sharded=True, save_relative_paths=True)
    with tf1.Session(servers[0].target) as session:
        session.run(tf1.global_variables_initializer())
        saver.save(session, os.path.join(path, "model"), global_step=7)


def renamed(path):
    a, b = variable("a", np.float32([1, 2])), variable("b", np.float32([3, 4]))
    tf.add(a, b * 10, name="sum")
    tf1.train.Saver(name="other")
    save(path, tf1.train.Saver({"AA": a, "b/renamed": b}, save_relative_paths=True))


def subset(path):
    a, b = variable("a", np.float32([1, 2])), variable("b", np.float32([3, 4]))
    tf.identity(a * 2, name="twice_a")
    tf.identity(b * 2, name="twice_b")
    save(path, tf1.train.Saver([a], save_relative_paths=True))


def resources(path):
    v = tf1.get_variable("v", initializer=tf.constant(np.float32([[1, 2], [3, 4]])), use_resource=True)
    x = tf1.placeholder(tf.float32, [None, 2], name="x")
    tf.matmul(x, v, name="y")
    save(path)


def object_based(path):
    class Net(tf.Module):
        def __init__(self):
            super().__init__()
            self.w = tf.Variable(np.float32([1, 2, 3]))
            self.c = tf.Variable(np.int64(5))
    with tf1.Session() as session:
        net = Net()
        session.run(tf1.global_variables_initializer())
        tf1.train.Checkpoint(net=net).save(os.path.join(path, "ckpt"), session=session)
    state = os.path.join(path, "checkpoint")
    text = open(state).read().splitlines()
    open(state, "w").write("\n".join(line for line in text if "timestamp" not in line) + "\n")


def absolute(path):
    """A folder that was moved: its checkpoint file names a path that is not there."""
    variable("v", np.float32([1, 2]))
    save(path)
    open(os.path.join(path, "checkpoint"), "w").write(
        'model_checkpoint_path: "/home/somebody/training/model-7"\nall_model_checkpoint_paths: "/home/somebody/training/model-7"\n')
