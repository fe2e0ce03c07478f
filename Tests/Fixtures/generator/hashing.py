"""Hashes of strings and of other data."""
import numpy as np
import tensorflow as tf

from .core import Const, case
from .strings import WORDS, text


def cases():
    # Every path of the hash functions: their steps depend on the length.
    lengths = text([bytes((7 * i + n) % 256 for i in range(n)) for n in list(range(70)) + [95, 96, 127, 128, 129, 191, 192, 193, 256, 1000]])
    for op, attrs in (("StringToHashBucket", {}), ("StringToHashBucketFast", {}), ("StringToHashBucketStrong", {"key": [123, -456]})):
        for buckets in (1, 10, 1 << 40, (1 << 63) - 1):
            case(op, [lengths], {**attrs, "num_buckets": buckets}, label=f"{buckets} buckets")
        case(op, [WORDS.reshape([3, 3])], {**attrs, "num_buckets": 1000}, label="words")
        case(op, [text("x")], {**attrs, "num_buckets": 1000}, label="scalar")
        case(op, [text([])], {**attrs, "num_buckets": 1000}, label="empty")
        case(op, [text("x")], {**attrs, "num_buckets": 0}, label="no buckets")
    case("StringToHashBucketStrong", [WORDS], {"num_buckets": 9, "key": [1]}, label="short key")
    case("StringToHashBucketStrong", [WORDS], {"num_buckets": 9, "key": [0, 0]}, label="zero key")
    method = text("farmhash64")
    case("Fingerprint", [lengths, method], label="strings")
    case("Fingerprint", [WORDS.reshape([3, 3]), Const(method)], label="rows of strings")
    for dtype in (np.float32, np.float64, np.int32, np.int64, np.uint8, np.int8, np.int16, np.bool_):
        case("Fingerprint", [np.arange(24).reshape([4, 3, 2]).astype(dtype), method], label=np.dtype(dtype).name)
    case("Fingerprint", [np.zeros([3, 0], np.float32), method], label="empty rows")
    case("Fingerprint", [np.zeros([0, 3], np.float32), method], label="no rows")
    case("Fingerprint", [np.float32(1), method], label="scalar")
    case("Fingerprint", [np.zeros([3], np.float32), text("md5")], label="other method")
    case("Fingerprint", [np.zeros([3], np.float32), text(["farmhash64"])], label="vector of methods")
