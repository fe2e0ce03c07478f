"""Text to code points and back, and tensors in text."""
import numpy as np

from .core import case
from .strings import WORDS, text

MALFORMED = text([b"a\xffb", b"\xe2\x82", b"\xe2\x82x", b"\xf0\x9f\x98", b"\xf0\x9f\x98\x80", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80",
                  b"\xf4\x90\x80\x80", b"\x80\x80", b"\xe0\x80\x80", b"\x00\x01\x7f\xc2\x80\xc2\x9f", b"", b"\xef\xbf\xbd", b"\xf0\x80x", b"\xf1\x80\x80\xc3\xa4"])
ENCODED = text([b"\x00a\xd8\x3d\xde\x00\x20\xac", b"\xd8\x3d\x00a", b"\xde\x3d\x00a", b"\x00a\x00", b"", b"\xd8\x3d"])
WIDE = text([b"\x00\x00\x00a\x00\x01\xf6\x00", b"\x00\x11\x00\x00", b"\x00\x00\xd8\x00\x00\x00\x00b", b"\x00\x00\x00a\x00\x00"])


def cases():
    for op in ("UnicodeDecode", "UnicodeDecodeWithOffsets"):
        for errors in ("replace", "ignore", "strict"):
            for controls in (False, True):
                attrs = {"input_encoding": "UTF-8", "errors": errors, "replace_control_characters": controls}
                case(op, [WORDS], {**attrs, "replacement_char": 63}, label=f"{errors} {controls}")
                case(op, [MALFORMED], attrs, label=f"malformed {errors} {controls}")
                case(op, [text(["a", "日本"])], attrs, label=f"good {errors} {controls}")
        for encoding in ("UTF-16-BE", "UTF-16-LE", "US-ASCII", "ISO-8859-1", "latin1", "utf8"):
            case(op, [ENCODED], {"input_encoding": encoding}, label=encoding)
        case(op, [WIDE], {"input_encoding": "UTF-32-BE"}, label="UTF-32-BE")
        case(op, [WORDS.reshape([3, 3])], {"input_encoding": "UTF-8"}, label="matrix")
        case(op, [text("ab")], {"input_encoding": "UTF-8"}, label="scalar")
        case(op, [text([])], {"input_encoding": "UTF-8"}, label="empty")
        case(op, [WORDS], {"input_encoding": "nonsense"}, label="no encoding")
        case(op, [WORDS], {"input_encoding": "UTF-8", "replacement_char": 0x110000}, label="no replacement")
    for target in ("UTF-8", "UTF-16-BE", "UTF-32-BE"):
        case("UnicodeTranscode", [WORDS.reshape([3, 3])], {"input_encoding": "UTF-8", "output_encoding": target}, label=target)
        case("UnicodeTranscode", [ENCODED], {"input_encoding": "UTF-16-BE", "output_encoding": target}, label=f"UTF-16 to {target}")
    for errors in ("replace", "ignore", "strict"):
        case("UnicodeTranscode", [MALFORMED], {"input_encoding": "UTF-8", "output_encoding": "UTF-8", "errors": errors, "replace_control_characters": True,
                                               "replacement_char": 63}, label=errors)
    case("UnicodeTranscode", [WORDS], {"input_encoding": "nonsense", "output_encoding": "UTF-8"}, label="no encoding")
    points = np.array([97, 0x20AC, 0x1F600, 1, 0xE4], np.int32)
    bad = np.array([97, 0xD800, 0x110000, -1, 98], np.int32)
    for dtype in (np.int32, np.int64):
        for target in ("UTF-8", "UTF-16-BE", "UTF-32-BE"):
            case("UnicodeEncode", [points, np.array([0, 1, 1, 4, 5], dtype)], {"output_encoding": target}, label=target)
    for errors in ("replace", "ignore", "strict"):
        case("UnicodeEncode", [bad, np.array([0, 2, 5], np.int64)], {"output_encoding": "UTF-8", "errors": errors, "replacement_char": 63}, label=errors)
    for splits in ([0, 3], [1, 5], [0, 4, 2, 5], [0, 6]):
        case("UnicodeEncode", [points, np.array(splits, np.int64)], {"output_encoding": "UTF-8"}, label=f"splits {splits}")
    case("UnicodeEncode", [points[:0], np.array([0], np.int64)], {"output_encoding": "UTF-8"}, label="nothing")
    formats()


def formats():
    def formatted(label, template, *inputs, **attrs):
        case("StringFormat", [list(inputs)], {"template": template, "placeholder": "{}", **attrs}, label=label)

    formatted("scalars", "a {} b {} c", np.float32(1.5), np.int32(-3))
    formatted("floats", "{}", np.float32([1.5, 2, 1e10, 1e-5, 0.1, np.nan, np.inf, -np.inf, -0.0]), summarize=20)
    formatted("digits", "{}", np.float32([123456789, 1234567.9, 0.30000001, 3.14159274, 1e7, 16777216, 1 / 3]), summarize=20)
    formatted("doubles", "{}", np.float64([1 / 3, 1e100, 0.1, 123456789012, -2.5]), summarize=20)
    formatted("halves", "{}", np.float16([0.1, 1.5]))
    for dtype in (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64):
        formatted(np.dtype(dtype).name, "{}", np.array([0, 5, np.iinfo(dtype).max, np.iinfo(dtype).min], dtype), summarize=5)
    formatted("bool", "{}", np.array([True, False]))
    formatted("strings", "{} {}", text(["a\"b", b"\xff", "line\nfeed\t'\\", b"\x01\x7f", "ä"]), text("x"), summarize=9)
    for ends in (1, 2, 3, -1, 0):
        formatted(f"vector {ends}", "{}", np.arange(9), summarize=ends)
        formatted(f"matrix {ends}", "<{}>", np.arange(30).reshape([5, 6]), summarize=ends)
        formatted(f"rank 3 {ends}", "{}", np.arange(24).reshape([2, 3, 4]), summarize=ends)
    formatted("empty", "{}", np.zeros([0, 2], np.float32))
    formatted("empty rows", "{}", np.zeros([2, 0], np.float32))
    formatted("too few", "{}", np.int32(1), np.int32(2))
    formatted("too many", "{} {}", np.int32(1))
    formatted("other placeholder", "%d {} %d", np.int32(1), np.int32(2), placeholder="%d")
