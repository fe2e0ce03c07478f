"""The names of a checkpoint's files."""
import numpy as np

from .core import case


def cases():
    for name, shard, count in (("a/b", 0, 1), ("", 7, 12), ("x", 123456, 999999), ("neg", -3, 1)):
        case("ShardedFilename", [np.array(name.encode(), object), np.int32(shard), np.int32(count)], label=f"{shard} of {count}")
    case("ShardedFilename", [np.array([b"x"], object), np.int32(0), np.int32(1)], label="refused: rank")
