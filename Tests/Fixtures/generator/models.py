"""Feeds of the committed models, with TensorFlow's answers: models.json."""
import json
import os

from .core import np, tf1, tf


def write(folder):
    models = os.path.join(folder, "..", "..", "models")
    cases = []
    for name, prefix, feeds, fetches in _requests():
        with tf.Graph().as_default(), tf1.Session() as session:
            path = os.path.join(models, name, prefix)
            tf1.train.import_meta_graph(path + ".meta").restore(session, path)
            answer = session.run(fetches, feeds)
        cases.append({"model": name, "prefix": prefix, "feeds": {k: _tensor(v) for k, v in feeds.items()},
                      "fetches": {k: _tensor(v) for k, v in zip(fetches, answer)}})
    with open(os.path.join(folder, "models.json"), "w") as file:
        json.dump(cases, file, indent=0)


def _requests():
    for w1, w2 in ((13, 17), (4, 8), ([1, 2, 3], 0.5), ([[1], [2]], [3, 4])):
        yield "tutorial", "model-1000", {"w1:0": np.float32(w1), "w2:0": np.float32(w2)}, ["op_to_restore:0"]
    from sklearn.datasets import load_digits
    x = (load_digits().data[:6] / 16).astype(np.float32)
    for prefix in ("model-300", "model-3000"):
        yield "digits", prefix, {"x:0": x, "keep_prob:0": np.float32(1)}, ["logits:0", "probs:0", "class:0"]


def _tensor(value):
    value = np.asarray(value)
    return {"dtype": value.dtype.name, "shape": list(value.shape), "data": value.reshape(-1).tolist()}
