"""Writes detectors as TensorFlow 1 saves them, with recorded cases: control flow, suppression of boxes, and crops of features.

Usage: detectors.py FOLDER [MODEL...]     needs TensorFlow; models that are there already are left as they are

The networks have the parts of the published ones: images of any size in bytes, scaled in a loop over the batch; anchors; boxes that are
decoded, clipped and suppressed for each class in loops; a second stage that crops features. Benchmarks/published.sh FOLDER runs them.
"""
import models

from models import np, tf, tf1

models.MODELS.clear()


def scaled(size):
    """Images of bytes of any size, and their pixels from -1 to 1 in one size: a loop over the batch."""
    images = tf1.placeholder(tf.uint8, [None, None, None, 3], name="image_tensor")

    def one(image):
        return tf1.image.resize_images(tf.cast(image, tf.float32), [size, size])

    pixels = tf1.map_fn(one, images, dtype=tf.float32, parallel_iterations=1)
    return tf.reshape(pixels, [-1, size, size, 3]) / 127.5 - 1


def photographs(layers):
    """Feeds: smooth images, since noise would make all places alike."""

    def feeds(batch):
        coarse = layers.random.random((batch, 12, 16, 3), np.float32)
        wide = np.kron(coarse, np.ones((1, 40, 40, 1), np.float32))
        return {"image_tensor:0": (wide * 255).astype(np.uint8)}

    return feeds


def separable(layers, x, name, depth, stride=1):
    return layers.conv(layers.depthwise(x, f"{name}_depthwise", stride), name, 1, depth, 1, tf.nn.relu6, normalized=True)


def anchors(places, sizes):
    """Boxes [places * places * len(sizes), 4] as centre and size."""
    middle = (np.arange(places, dtype=np.float32) + 0.5) / places
    y, x, size = np.meshgrid(middle, middle, np.float32(sizes), indexing="ij")
    return np.stack([y, x, size, size], -1).reshape(-1, 4)


def decoded(codes, boxes):
    """Corners of boxes from what a network says of anchors, clipped to the image."""
    centre = boxes[..., :2] + codes[..., :2] / 10 * boxes[..., 2:]
    half = 0.5 * boxes[..., 2:] * tf.exp(tf.minimum(codes[..., 2:] / 5, 4.0))
    return tf.clip_by_value(tf.concat([centre - half, centre + half], -1), 0.0, 1.0)


def suppressed(boxes, scores, count, each):
    """The best boxes of each class, in one ranking: [count, 4], [count], [count], and how many there are."""
    kept_boxes, kept_scores, kept_classes = [], [], []
    for index in range(int(scores.shape[-1])):
        mask = tf.greater(scores[:, index], 0.05)
        own = tf.boolean_mask(boxes if boxes.shape.ndims == 2 else boxes[:, index], mask)
        of_class = tf.boolean_mask(scores[:, index], mask)
        kept = tf.image.non_max_suppression(own, of_class, each, 0.6)
        kept_boxes.append(tf.gather(own, kept))
        kept_scores.append(tf.gather(of_class, kept))
        kept_classes.append(tf.fill([tf.size(kept)], np.float32(index + 1)))
    all_scores = tf.concat(kept_scores, 0)
    found = tf.minimum(count, tf.size(all_scores))
    best, order = tf.nn.top_k(all_scores, found)
    rest = count - found
    padded = lambda x: tf.pad(x, [[0, rest]] + [[0, 0]] * (x.shape.ndims - 1))
    ranked = [tf.gather(tf.concat(x, 0), order) for x in (kept_boxes, kept_classes)]
    result = padded(ranked[0]), padded(best), padded(ranked[1])
    return [tf.ensure_shape(x, [count] + x.shape[1:].as_list()) for x in result] + [tf.cast(found, tf.float32)]


def named(results):
    names = ["detection_boxes", "detection_scores", "detection_classes", "num_detections"]
    for name, tensor in zip(names, results):
        tf.identity(tensor, name=name)
    return [f"{name}:0" for name in names]


def detections(boxes, scores, count=100, each=100):
    """Suppression for each image, in a loop over the batch."""
    types = [tf.float32] * 4
    return tf1.map_fn(lambda pair: suppressed(*pair, count, each), (boxes, scores), dtype=types, parallel_iterations=1)


@models.model(1)
def faster_rcnn(layers):
    y = layers.conv(scaled(512), "root", 7, 64, 2, normalized=True)
    y = tf.nn.max_pool2d(y, 3, 2, "SAME")
    for block, depth in enumerate([64, 128, 256]):
        for unit in range(3):
            stride = 2 if block > 0 and unit == 0 else 1
            with tf1.variable_scope(f"block{block}_unit{unit}"):
                shortcut = layers.conv(y, "shortcut", 1, 4 * depth, stride, None, normalized=True) if unit == 0 else y
                y = layers.conv(y, "conv1", 1, depth, normalized=True)
                y = layers.conv(y, "conv2", 3, depth, stride, normalized=True)
                y = tf.nn.relu(shortcut + 0.3 * layers.conv(y, "conv3", 1, 4 * depth, 1, None, normalized=True))
    places, sizes, proposals, classes = 32, [0.1, 0.2, 0.4, 0.8], 100, 20
    with tf1.variable_scope("proposals"):
        seen = layers.conv(y, "seen", 3, 256)
        likely = tf.reshape(layers.conv(seen, "likely", 1, len(sizes), 1, tf.sigmoid), [-1, places * places * len(sizes)])
        codes = tf.reshape(layers.conv(seen, "codes", 1, 4 * len(sizes), 1, None), [-1, places * places * len(sizes), 4])
    boxes = decoded(codes, tf.constant(anchors(places, sizes)))

    def propose(pair):
        kept = tf.image.non_max_suppression(pair[0], pair[1], proposals, 0.7)
        rest = tf.pad(tf.gather(pair[0], kept), [[0, proposals - tf.size(kept)], [0, 0]])
        return tf.ensure_shape(rest, [proposals, 4])

    chosen = tf.stop_gradient(tf1.map_fn(propose, (boxes, likely), dtype=tf.float32, parallel_iterations=1))
    flat = tf.reshape(chosen, [-1, 4])
    images = tf.range(tf.size(flat) // 4) // proposals
    with tf1.variable_scope("second"):
        crops = tf.nn.max_pool2d(tf.image.crop_and_resize(y, flat, images, [14, 14]), 2, 2, "SAME")
        for unit in range(2):
            with tf1.variable_scope(f"unit{unit}"):
                inner = layers.conv(crops, "conv1", 1, 256, normalized=True)
                inner = layers.conv(inner, "conv2", 3, 256, normalized=True)
                crops = tf.nn.relu(crops + 0.3 * layers.conv(inner, "conv3", 1, 1024, 1, None, normalized=True))
        features = tf.reduce_mean(crops, [1, 2])
        probabilities = tf.nn.softmax(8 * layers.dense(features, "classes", classes + 1))
        refined = tf.reshape(layers.dense(features, "boxes", classes * 4), [-1, classes, 4])
    centred = tf.concat([(flat[:, :2] + flat[:, 2:]) / 2, flat[:, 2:] - flat[:, :2]], -1)[:, None, :]
    final = tf.reshape(decoded(refined, centred), [-1, proposals, classes, 4])
    return photographs(layers), named(detections(final, tf.reshape(probabilities[:, 1:], [-1, proposals, classes])))


@models.model(1)
def ssd_mobilenet(layers):
    y = layers.conv(scaled(300), "root", 3, 32, 2, tf.nn.relu6, normalized=True)
    taken = []
    units = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + 5 * [(512, 1)] + [(1024, 2), (1024, 1)]
    for index, (depth, stride) in enumerate(units):
        y = separable(layers, y, f"unit{index}", depth, stride)
        if index in (10, 12):
            taken.append(y)
    for index, depth in enumerate([512, 256, 256]):
        y = layers.conv(y, f"extra{index}_reduce", 1, depth // 2, 1, tf.nn.relu6, normalized=True)
        y = layers.conv(y, f"extra{index}", 3, depth, 2, tf.nn.relu6, normalized=True)
        taken.append(y)
    classes, shapes, codes, logits, boxes = 40, 3, [], [], []
    for index, features in enumerate(taken):
        places = int(features.shape[1])
        boxes.append(anchors(places, [0.1 + 0.2 * index, 0.15 + 0.2 * index, 0.2 + 0.2 * index]))
        codes.append(tf.reshape(layers.conv(features, f"codes{index}", 3, 4 * shapes, 1, None), [-1, places * places * shapes, 4]))
        raw = layers.conv(features, f"classes{index}", 1, (classes + 1) * shapes, 1, None)
        logits.append(tf.reshape(raw, [-1, places * places * shapes, classes + 1]))
    scores = tf.sigmoid(tf.concat(logits, 1) * 2 - 2)[:, :, 1:]
    found = decoded(tf.concat(codes, 1), tf.constant(np.concatenate(boxes)))
    return photographs(layers), named(detections(found, scores, each=30))


@models.model(1)
def yolo(layers):
    y, routes = layers.conv(scaled(416), "root", 3, 32, normalized=True), []
    leaky = lambda x: tf.nn.leaky_relu(x, 0.1)
    for block, (depth, count) in enumerate([(64, 1), (128, 1), (256, 2), (512, 2), (512, 1)]):
        y = layers.conv(y, f"down{block}", 3, depth, 2, leaky, normalized=True)
        for unit in range(count):
            inner = layers.conv(y, f"block{block}_{unit}_reduce", 1, depth // 2, 1, leaky, normalized=True)
            y = y + 0.3 * layers.conv(inner, f"block{block}_{unit}", 3, depth, 1, leaky, normalized=True)
        routes.append(y)
    classes, shapes, boxes, scores = 20, 3, [], []
    for index, features in enumerate([routes[4], routes[3]]):
        if index > 0:
            above = layers.conv(routes[4], "up", 1, 128, 1, leaky, normalized=True)
            places = int(features.shape[1])
            features = tf.concat([tf1.image.resize_nearest_neighbor(above, [places, places]), features], -1)
        places = int(features.shape[1])
        raw = layers.conv(layers.conv(features, f"head{index}", 3, 256, 1, leaky, normalized=True), f"out{index}", 1, shapes * (classes + 5), 1, None)
        raw = tf.reshape(raw, [-1, places * places * shapes, classes + 5])
        where = tf.constant(anchors(places, [0.1 + 0.4 * (1 - index), 0.2 + 0.4 * (1 - index), 0.3 + 0.4 * (1 - index)]))
        boxes.append(decoded(raw[..., :4], where))
        scores.append(tf.sigmoid(raw[..., 4:5]) * tf.sigmoid(raw[..., 5:]))
    result = tf.image.combined_non_max_suppression(
        tf.concat(boxes, 1)[:, :, None, :], tf.concat(scores, 1), 20, 100, 0.5, 0.3)
    return photographs(layers), named([result[0], result[1], result[2], tf.cast(result[3], tf.float32)])


if __name__ == "__main__":
    models.main(__doc__)
