"""Graphs in which shapes depend on what is fed: masks, unique values, segments, partitions, boxes, strings."""
import numpy as np
import tensorflow as tf

from .core import graph_case, tf1

raw = tf.raw_ops


def graphs():
    masks()
    vocabularies()
    partitions()
    segments()
    boxes()
    ragged()
    ranks()


def masks():
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None, 3], name="x")
        mask = tf.reduce_max(x, 1) > 0.5
        kept = tf.boolean_mask(x, mask)
        at = tf.where(mask)
        tf.identity(kept * 2.0, name="kept")
        tf.shape(kept, name="shape")
        tf.identity(at, name="at")
        tf.scatter_nd(at, tf.reduce_sum(kept, 1), tf.cast(tf.shape(x)[:1], tf.int64), name="back")
        tf.tensor_scatter_nd_update(x, at, -kept, name="changed")
        tf.identity(tf.gather_nd(x, tf.where(x > 0.5)), name="elements")
        tf.where(x > 0.5, x, -1.0, name="chosen")
    runs = [({"x:0": rows}, ["kept:0", "shape:0", "at:0", "back:0", "changed:0", "elements:0"]) for rows in (
        np.array([[0, 1, 0], [0, 0.2, 0], [0.9, 0, 0.6]], np.float32), np.zeros([2, 3], np.float32), np.zeros([0, 3], np.float32), np.ones([4, 3], np.float32))]
    graph_case("masks", graph, runs=runs)


def vocabularies():
    with tf.Graph().as_default() as graph:
        words = tf1.placeholder(tf.string, [None], name="words")
        others = tf1.placeholder(tf.string, [None], name="others")
        unique = raw.UniqueWithCounts(x=words, name="unique")
        tf.gather(unique.y, unique.idx, name="again")
        tf.concat([unique.y, others], 0, name="both")
        raw.ListDiff(x=words, y=others, name="new")
        tf.reverse(unique.y, [0], name="turned")
        tf.stack([unique.y, tf.roll(unique.y, 1, 0)], 1, name="pairs")
        best = tf.math.top_k(unique.count, tf.minimum(tf.size(unique.y), 2))
        tf.gather(unique.y, best.indices, name="best")
        tf.where(unique.count > 1, unique.y, tf.fill(tf.shape(unique.y), "?"), name="often")
    lists = [([b"a", b"long enough to be somewhere", b"a", b""], [b"a"]), ([], [b"b"]), ([b"x"] * 3, []), ([b"%d" % i for i in range(20)], [b"3", b"4"])]
    fetches = ["unique:0", "unique:1", "unique:2", "again:0", "both:0", "new:0", "new:1", "turned:0", "pairs:0", "best:0", "often:0"]
    graph_case("vocabularies", graph, runs=[({"words:0": np.array(a, object), "others:0": np.array(b, object)}, fetches) for a, b in lists])


def partitions():
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None, 2], name="x")
        to = tf1.placeholder(tf.int32, [None], name="to")
        parts = tf.dynamic_partition(x, to, 3)
        places = tf.dynamic_partition(tf.range(tf.shape(x)[0]), to, 3)
        changed = [part * float(number + 1) for number, part in enumerate(parts)]
        tf.dynamic_stitch(places, changed, name="y")
        for number, part in enumerate(parts):
            tf.reduce_sum(part, 0, name=f"sum{number}")
        tf.gather(x, tf.math.invert_permutation(tf.argsort(to, stable=True)), name="sorted")
    rows = np.arange(10, dtype=np.float32).reshape(5, 2)
    runs = [({"x:0": rows[: len(to)], "to:0": np.array(to, np.int32)}, ["y:0", "sum0:0", "sum1:0", "sum2:0", "sorted:0"]) for to in ([0, 2, 1, 2, 0], [1, 1, 1], [], [0, 3])]
    graph_case("partitions", graph, runs=runs)


def segments():
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None, 2], name="x")
        ids = tf1.placeholder(tf.int32, [None], name="ids")
        count = tf.reduce_max(ids) + 1
        for fold in ("sum", "mean", "prod", "max", "min"):
            getattr(tf.math, "segment_" + fold)(x, ids, name="fold_" + fold)
        tf.math.unsorted_segment_sum(x, ids, count + 1, name="unsorted")
        tf.math.unsorted_segment_mean(x, ids, count, name="means")
        tf.exp(tf.math.segment_sum(x, ids) * 0.1, name="after")
        raw.SparseSegmentMean(data=x, indices=tf.range(tf.size(ids)), segment_ids=ids, name="sparse")
        tf.math.bincount(ids, minlength=3, name="counts")
        tf.cumsum(x, 0, name="sums")
    rows = np.arange(10, dtype=np.float32).reshape(5, 2)
    fetches = ["fold_sum:0", "fold_mean:0", "fold_prod:0", "fold_max:0", "fold_min:0", "unsorted:0", _last(graph, "means").name, "after:0", "sparse:0", "sums:0"]
    graph_case("segments", graph, runs=[({"x:0": rows[: len(ids)], "ids:0": np.array(ids, np.int32)}, fetches) for ids in ([0, 0, 1, 3, 3], [0], [2, 2, 2], [1, 0])])


def boxes():
    with tf.Graph().as_default() as graph:
        corners = tf1.placeholder(tf.float32, [None, 4], name="boxes")
        scores = tf1.placeholder(tf.float32, [None], name="scores")
        chosen = tf.image.non_max_suppression(corners, scores, 3, 0.5)
        tf.identity(chosen, name="chosen")
        tf.gather(corners, chosen, name="best")
        padded, count = tf.image.non_max_suppression_padded(corners, scores, 4, pad_to_max_output_size=True)
        tf.identity(padded, name="padded")
        tf.identity(count, name="count")
        all_boxes = tf.reshape(corners, [1, -1, 1, 4])
        tf.image.combined_non_max_suppression(all_boxes, tf.reshape(scores, [1, -1, 1]), 2, 3, name="combined")
    combined = _named(graph, "CombinedNonMaxSuppression")[:-1]
    fetches = ["chosen:0", "best:0", "padded:0", "count:0"] + [combined + str(output) for output in range(4)]
    rows = np.array([[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, 10, 1, 11], [0, 0, 0.5, 0.5]], np.float32)
    points = np.array([0.9, 0.75, 0.95, 0.5], np.float32)
    graph_case("boxes", graph, runs=[({"boxes:0": rows[:n], "scores:0": points[:n]}, fetches) for n in (4, 1, 0)])


def ragged():
    with tf.Graph().as_default() as graph:
        lengths = tf1.placeholder(tf.int64, [None], name="lengths")
        splits = tf.concat([[0], tf.cumsum(lengths)], 0)
        values = tf.range(tf.reduce_sum(lengths))
        rows = tf.RaggedTensor.from_row_splits(values, splits, validate=False)
        rows.to_tensor(-1, name="dense")
        tf.identity(rows.to_sparse().indices, name="indices")
        tf.identity(tf.gather(rows, tf.range(rows.nrows())[::-1]).values, name="turned")
        tf.sequence_mask(lengths, name="mask")
    graph_case("ragged rows", graph, runs=[({"lengths:0": np.array(n, np.int64)}, [dense, "indices:0", "turned:0"]) for n in ([2, 0, 3], [1], [0, 0]) for dense in [_named(graph, "RaggedTensorToTensor")]])


def _named(graph, op):
    return next(o.outputs[0].name for o in graph.get_operations() if o.type == op)


def ranks():
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None, None], name="x")
        k = tf1.placeholder(tf.int32, [], name="k")
        best = tf.math.top_k(x, k)
        tf.reduce_mean(best.values, 1, name="mean")
        tf.gather(x, best.indices, batch_dims=1, name="again")
        tf.sort(x, name="sorted")
        tf.argsort(x, direction="DESCENDING", stable=True, name="order")
        tf.searchsorted(tf.sort(x), x, name="places")
        tf.linalg.band_part(x, k, 0, name="band")
        tf.linalg.diag(x, k=k, name="diagonals")
        tf.reverse_sequence(x, tf.fill([tf.shape(x)[0]], k), seq_axis=1, name="turned")
        tf.broadcast_to(x, [k, tf.shape(x)[0], tf.shape(x)[1]], name="copies")
    rows = np.array([[3, 1, 2], [5, 5, 4]], np.float32)
    fetches = ["mean:0", "again:0", "turned:0", "copies:0", "band:0"] + [t.name for t in (_last(graph, "sorted"), _last(graph, "order"), _last(graph, "diagonals"))]
    graph_case("ranks", graph, runs=[({"x:0": rows, "k:0": np.int32(k)}, fetches) for k in (1, 2, 0, 3, 9)])


def _last(graph, prefix):
    return [o for o in graph.get_operations() if o.name == prefix or o.name.startswith(prefix + "/")][-1].outputs[0]
