"""Decoders of connectionist temporal classification."""
import numpy as np

from .core import case


def scores(shape, dtype=np.float32, scale=2.0):
    return (np.random.standard_normal(shape) * scale).astype(dtype)


def cases():
    for dtype in (np.float32, np.float64):
        for merge in (False, True):
            x = scores([7, 3, 4], dtype)
            lengths = np.array([7, 4, 0], np.int32)
            case("CTCGreedyDecoder", [x, lengths], {"merge_repeated": merge}, label=f"merge {merge}")
            case("CTCGreedyDecoder", [x, lengths], {"merge_repeated": merge, "blank_index": 0}, label=f"merge {merge}, blank 0")
            # TensorFlow adds probabilities in single precision, also for float64.
            for width, paths in ((1, 1), (4, 1), (4, 3), (30, 5)):
                case("CTCBeamSearchDecoder", [x[:, :2], lengths[:2]], {"beam_width": width, "top_paths": paths, "merge_repeated": merge},
                     label=f"merge {merge}, {paths} of {width}", rtol=1e-5 if dtype == np.float32 else 1e-7)
    # The same few classes again and again: blanks between equal labels matter.
    x = np.tile(np.float32([[[3, 0, 2]], [[3, 0, 2.5]], [[0, 0, 4]]]), [4, 1, 1])
    for merge in (False, True):
        case("CTCGreedyDecoder", [x, np.array([12], np.int32)], {"merge_repeated": merge}, label="repeated")
        case("CTCBeamSearchDecoder", [x, np.array([12], np.int32)], {"beam_width": 8, "top_paths": 3, "merge_repeated": merge}, label="repeated", rtol=1e-5)
    x = scores([5, 1, 3])
    case("CTCGreedyDecoder", [np.zeros([3, 1, 4], np.float32), np.array([3], np.int32)], label="equal scores")
    case("CTCBeamSearchDecoder", [scores([12, 2, 6]), np.array([12, 9], np.int32)], {"beam_width": 20, "top_paths": 2}, label="longer", rtol=1e-5)
    case("CTCGreedyDecoder", [x, np.array([6], np.int32)], label="too long")
    case("CTCGreedyDecoder", [x, np.array([5, 5], np.int32)], label="two lengths")
    case("CTCGreedyDecoder", [x[0], np.array([5], np.int32)], label="matrix")
    case("CTCGreedyDecoder", [x, np.array([[5]], np.int32)], label="matrix of lengths")
    case("CTCBeamSearchDecoder", [x, np.array([6], np.int32)], {"beam_width": 5, "top_paths": 1}, label="too long")
    case("CTCBeamSearchDecoder", [x, np.array([5], np.int32)], {"beam_width": 1, "top_paths": 2}, label="more paths than the width")
    case("CTCBeamSearchDecoder", [x, np.array([0], np.int32)], {"beam_width": 3, "top_paths": 2}, label="more paths than there are")
