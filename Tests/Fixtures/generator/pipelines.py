"""Checkpoints of graphs whose inputs come out of input pipelines, each with TensorFlow's answers in runs.json.

runs.json: {"feeds": {tensor: {"dtype", "shape"}}, "run": {"feeds": {tensor: {"dtype", "shape", "data"}}, "probs": data}}.
"""
import json
import os
import shutil

from .checkpoints import save
from .core import np, tf, tf1

ROWS = np.float32([[1, 0, 2, 0], [0, 1, 0, -1]])


def write(folder):
    root = os.path.join(folder, "pipelines")
    shutil.rmtree(root, ignore_errors=True)
    for make in (initializable, one_shot, reinitializable, feedable, features, optional_default, chosen, dequeue, batch,
                 shuffle_batch, padded, examples, records, priority):
        path = os.path.join(root, make.__name__)
        os.makedirs(path)
        with tf.Graph().as_default():
            tf1.set_random_seed(1)
            inputs, feeds = make()
            save(path)
            record(path, inputs, feeds)


def record(path, inputs, feeds):
    """What TensorFlow says of the inputs, and what it answers."""
    described = {t.name: {"dtype": t.dtype.base_dtype.name, "shape": t.shape.as_list() if t.shape.rank is not None else None}
                 for t in inputs}
    with tf1.Session() as session:
        tf1.train.Saver().restore(session, os.path.join(path, "model-7"))
        probs = session.run("probs:0", feeds)
    rows = {tensor.name: flat(tensor, value) for tensor, value in feeds.items()}
    with open(os.path.join(path, "runs.json"), "w") as file:
        json.dump({"feeds": described, "run": {"feeds": rows, "probs": probs.ravel().tolist()}}, file, sort_keys=True)
        file.write("\n")


def flat(tensor, value):
    """Strings as hexadecimal digits."""
    array = np.asarray(value)
    data = [s.hex() for s in array.ravel()] if tensor.dtype == tf.string else array.ravel().tolist()
    return {"dtype": tensor.dtype.base_dtype.name, "shape": list(array.shape), "data": data}


def network(x, labels=None):
    """A layer, its softmax; and a loss where there are labels."""
    w = tf1.get_variable("w", initializer=tf.constant(np.arange(12, dtype=np.float32).reshape(4, 3) / 10 - 0.5))
    logits = tf.matmul(x, w, name="logits")
    tf.nn.softmax(logits, name="probs")
    if labels is not None:
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits), name="loss")
        tf1.train.GradientDescentOptimizer(0.1).minimize(loss)


def dataset(batch=2):
    return tf1.data.Dataset.from_tensor_slices((ROWS, np.int64([0, 1]))).repeat().batch(batch)


def initializable():
    """A placeholder feeds the dataset; dropout's share is beside it."""
    names = tf1.placeholder(tf.float32, [None, 4], name="data")
    keep = tf1.placeholder(tf.float32, name="keep_prob")
    data = tf1.data.Dataset.from_tensor_slices((tf.reshape(names, [-1, 4]), np.int64([0, 1]))).batch(2)
    x, y = tf1.data.make_initializable_iterator(data).get_next()
    network(tf1.nn.dropout(x, keep_prob=keep), y)
    return [x], {x: ROWS, keep: 1.0}


def one_shot():
    x, y = tf1.data.make_one_shot_iterator(dataset()).get_next()
    network(x, y)
    return [x], {x: ROWS}


def reinitializable():
    data = dataset()
    iterator = tf1.data.Iterator.from_structure(tf1.data.get_output_types(data), tf1.data.get_output_shapes(data))
    iterator.make_initializer(data, name="train")
    iterator.make_initializer(dataset(1), name="test")
    x, y = iterator.get_next()
    network(x, y)
    return [x], {x: ROWS}


def feedable():
    """The handle says which dataset is read; nobody feeds it to predict."""
    handle = tf1.placeholder(tf.string, [], name="handle")
    data = dataset()
    iterator = tf1.data.Iterator.from_string_handle(handle, tf1.data.get_output_types(data), tf1.data.get_output_shapes(data))
    tf1.data.make_one_shot_iterator(data).string_handle(name="train_handle")
    x, y = iterator.get_next()
    network(x, y)
    return [x], {x: ROWS}


def features():
    """As tf.estimator leaves a model_dir: a dictionary of features, of which one is embedded, and a global step."""
    tf1.train.get_or_create_global_step()
    data = tf1.data.Dataset.from_tensor_slices(({"age": np.float32([[1], [2]]), "job": np.int64([3, 0])}, np.int64([0, 1])))
    given, y = tf1.data.make_one_shot_iterator(data.repeat().shuffle(8).batch(2)).get_next()
    table = tf1.get_variable("dnn/embedding", initializer=tf.constant(np.arange(12, dtype=np.float32).reshape(4, 3) / 7))
    network(tf.concat([given["age"], tf.nn.embedding_lookup(table, given["job"])], 1), y)
    return [given["age"], given["job"]], {given["age"]: np.float32([[1], [-1]]), given["job"]: np.int64([2, 1])}


def optional_default():
    """The author gave the input a name: the pipeline is what it is when nobody feeds it."""
    batch, y = tf1.data.make_one_shot_iterator(dataset()).get_next()
    x = tf1.placeholder_with_default(batch, [None, 4], name="x")
    network(x, y)
    return [x], {x: ROWS}


def chosen():
    """Two pipelines, of which a placeholder chooses one: what is chosen is the input. With `Switch` and `Merge`, as TensorFlow 1."""
    tf1.disable_control_flow_v2()
    train, test = dataset(), dataset(1)
    is_training = tf1.placeholder(tf.bool, [], name="is_training")
    (a, la), (b, lb) = (tf1.data.make_one_shot_iterator(d).get_next() for d in (train, test))
    x, y = tf1.cond(is_training, lambda: [a, la], lambda: [b, lb])
    tf1.enable_control_flow_v2()
    network(x, y)
    return [x], {x: ROWS}


def dequeue():
    """A queue that placeholders fill."""
    fill = tf1.placeholder(tf.float32, [None, 4], name="fill")
    queue = tf1.FIFOQueue(8, [tf.float32], [[4]])
    queue.enqueue_many([fill], name="enqueue")
    x = queue.dequeue_up_to(2, name="take")
    network(x)
    return [x], {x: ROWS}


def batch():
    example, label = tf1.train.slice_input_producer([tf.constant(ROWS), tf.constant(np.int64([0, 1]))], shuffle=False)
    x, y = tf1.train.batch([example, label], 2, name="batch")
    network(x, y)
    return [x], {x: ROWS}


def shuffle_batch():
    """As of 2016: files, a reader, a parser, a queue that shuffles."""
    queue = tf1.train.string_input_producer(["train.tfrecords"])
    _, serialized = tf1.TFRecordReader().read(queue)
    parsed = tf1.parse_single_example(serialized, {"image_raw": tf1.FixedLenFeature([], tf.string),
                                                   "label": tf1.FixedLenFeature([], tf.int64)})
    image = tf.cast(tf.reshape(tf1.decode_raw(parsed["image_raw"], tf.uint8), [4]), tf.float32) * (1 / 255)
    x, y = tf1.train.shuffle_batch([image, parsed["label"]], 2, capacity=8, min_after_dequeue=2)
    keep = tf1.placeholder(tf.float32, name="keep_prob")
    network(tf1.nn.dropout(x, keep_prob=keep), y)
    return [x], {x: ROWS, keep: 1.0}


def padded():
    """A queue of sequences of any length."""
    queue = tf1.PaddingFIFOQueue(8, [tf.float32, tf.int64], [[None, 4], []])
    queue.enqueue([tf.constant(ROWS), tf.constant(np.int64(1))])
    sequence, y = queue.dequeue_many(2)
    network(tf.reduce_sum(sequence, 1), y)
    return [sequence], {sequence: np.stack([ROWS, ROWS[::-1] * 2])}


def examples():
    """Serialized examples come out of the queue, and are parsed behind it."""
    _, serialized = tf1.TFRecordReader().read(tf1.train.string_input_producer(["train.tfrecords"]))
    batch = tf1.train.batch([serialized], 2, name="batch")
    parsed = tf1.parse_example(batch, {"x": tf1.FixedLenFeature([4], tf.float32)})
    network(parsed["x"])
    return [batch], {batch: np.array([example(row) for row in ROWS], object)}


def records():
    """Without a queue behind it, the reader gives the data."""
    _, line = tf1.TextLineReader().read(tf1.train.string_input_producer(["iris.csv"]))
    network(tf.expand_dims(tf.stack(tf1.decode_csv(line, [[0.0]] * 4)), 0))
    return [line], {line: np.array(b"1,0,2,0", object)[()]}


def priority():
    """A queue whose elements have a priority first."""
    queue = tf1.PriorityQueue(8, [tf.float32], [[4]])
    queue.enqueue([tf.constant(np.int64(1)), tf.constant(ROWS[0])])
    _, x = queue.dequeue_many(2)
    network(x)
    return [x], {x: ROWS}


def example(row):
    return tf.train.Example(features=tf.train.Features(feature={
        "x": tf.train.Feature(float_list=tf.train.FloatList(value=row))})).SerializeToString(deterministic=True)
