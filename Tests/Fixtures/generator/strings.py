"""Ops on strings."""
import gzip
import zlib

import numpy as np
import tensorflow as tf

from .core import Const, case


def cases():
    as_string()
    to_number()
    joins()
    splits()
    ngrams()
    regular_expressions()
    each()
    substrings()
    base64()
    raw()


def text(values):
    """An array of byte strings; numpy's own string dtypes lose zero bytes at the end."""
    flat = np.array(values, dtype=object)
    result = np.empty(flat.shape, dtype=object)
    for index in np.ndindex(flat.shape):
        value = flat[index]
        result[index] = value.encode() if isinstance(value, str) else value
    return result if flat.shape else np.asarray(result[()], dtype=object)


WORDS = text(["", "a", "hello world", "  white \t\n", "ÄÖü ß", "日本語", b"\xff\xfe\x00z", "Ünïcödé ΑΣ", "\U0001f600 x"])


def as_string():
    numbers = [0.0, -0.0, 1.5, -2.25, 1e10, 123456.789, 1e-5, np.inf, -np.inf, np.nan]
    kinds = [{}, {"scientific": True}, {"shortest": True}, {"precision": 2}, {"precision": 0}, {"precision": 3, "scientific": True},
             {"precision": 4, "shortest": True}, {"width": 10}, {"width": 12, "fill": "0"}, {"width": 9, "fill": "-"},
             {"fill": "+"}, {"fill": " "}, {"fill": "#", "precision": 0}, {"width": 10, "precision": 1, "fill": "0"}, {"width": 0}]
    for dtype in (np.float32, np.float64):
        for kind in kinds:
            case("AsString", [np.array(numbers, dtype)], kind, label=f"{np.dtype(dtype).name} {kind}")
    for dtype in (np.float16, tf.bfloat16.as_numpy_dtype):
        case("AsString", [np.array([0, 1.5, -3, 100], dtype)], label=np.dtype(dtype).name)
        case("AsString", [np.array([0, 1.5, -3, 100], dtype)], {"shortest": True}, label=np.dtype(dtype).name)
    for dtype in (np.complex64, np.complex128):
        case("AsString", [np.array([1 + 2j, -0.5j], dtype)], label=np.dtype(dtype).name)
        case("AsString", [np.array([1 + 2j, -0.5j], dtype)], {"precision": 1, "width": 6}, label=np.dtype(dtype).name)
    for dtype in (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64):
        info = np.iinfo(dtype)
        values = np.array([info.min, 0, 7, info.max], dtype)
        for kind in ({}, {"width": 6}, {"width": 6, "fill": "0"}, {"width": 6, "fill": "-"}, {"fill": "+"}, {"fill": " "}):
            case("AsString", [values], kind, label=f"{np.dtype(dtype).name} {kind}")
        case("AsString", [values], {"precision": 2}, label="precision of a whole number")
        case("AsString", [values], {"scientific": True}, label="scientific whole number")
    case("AsString", [np.array([[True], [False]])], label="bool")
    case("AsString", [np.array([True, False])], {"width": 8}, label="bool in a field")
    case("AsString", [np.array([True])], {"shortest": True}, label="shortest bool")
    for kind in ({}, {"width": 5}, {"width": 5, "fill": "-"}, {"width": 5, "fill": "0"}, {"precision": 2}, {"scientific": True}):
        case("AsString", [WORDS], kind, label=f"strings {kind}")
    case("AsString", [np.float32(3)], label="scalar")
    case("AsString", [np.zeros([2, 0], np.int32)], label="empty")
    case("AsString", [np.float32(3)], {"fill": "ab"}, label="two fills")
    case("AsString", [np.float32(3)], {"fill": "x"}, label="no fill")
    case("AsString", [np.float32(3)], {"scientific": True, "shortest": True}, label="two notations")


def to_number():
    good = ["1", " 1 ", "+1", "-7", "007", "\t12\n"]
    for dtype in (tf.float32, tf.float64, tf.int32, tf.int64, tf.uint32, tf.uint64):
        case("StringToNumber", [text([s for s in good if dtype.is_integer is False or dtype.min < 0 or "-" not in s])],
             {"out_type": dtype}, label=dtype.name)
        for word in ("", " ", "x", "1 2", "--1", "1_0", "+-1", "- 1", b"1\x00", "1e", "."):
            case("StringToNumber", [text([word])], {"out_type": dtype}, label=f"{dtype.name} {word!r}")
        case("StringToNumber", [text([])], {"out_type": dtype}, label="empty")
    for dtype in (tf.float32, tf.float64):
        case("StringToNumber", [text([["1.5", ".5", "1."], ["1e5", "-1E+5", "1e-3"]])], {"out_type": dtype}, label=dtype.name)
        case("StringToNumber", [text(["inf", "-INF", "Infinity", "+inf", "nan", "NaN", "-nan", "0x1A", "-0x10", "0x1.8p1"])],
             {"out_type": dtype}, label=dtype.name)
        case("StringToNumber", [text(["1e400", "-1e400", "1e39", "0.1", "3.14159265358979", "16777217", "1e-320"])],
             {"out_type": dtype}, label=dtype.name)
        case("StringToNumber", [text("2.5")], {"out_type": dtype}, label="scalar")
    for dtype, words in ((tf.int32, ["2147483648", "-2147483649", "1.5", "0x10"]), (tf.int64, ["9223372036854775808", "1e3"]),
                         (tf.uint32, ["-1", "4294967296"]), (tf.uint64, ["18446744073709551616", "-1"])):
        for word in words:
            case("StringToNumber", [text([word])], {"out_type": dtype}, label=f"{dtype.name} {word}")
    case("StringToNumber", [text(["2147483647", "-2147483648"])], {"out_type": tf.int32}, label="limits")
    case("StringToNumber", [text(["9223372036854775807", "-9223372036854775808"])], {"out_type": tf.int64}, label="limits")


def joins():
    a, b = text([["a", "b"], ["c", ""]]), text([["1", "2"], ["3", "ä"]])
    case("StringJoin", [[a, b]], label="two")
    case("StringJoin", [[a, b]], {"separator": ", "}, label="separator")
    case("StringJoin", [[text("x"), a, text("y")]], {"separator": "-"}, label="scalars")
    case("StringJoin", [[text("x"), text("y")]], label="only scalars")
    case("StringJoin", [[a]], {"separator": "-"}, label="one")
    case("StringJoin", [[text([]), text("x")]], label="empty")
    case("StringJoin", [[a, text(["1", "2"])]], label="other shape")
    case("StringJoin", [[text(["x"]), text(["1", "2"])]], label="no broadcast")
    cube = text([[["a", "b"], ["c", "d"], ["e", "f"]], [["g", "h"], ["i", "j"], ["k", "l"]]])
    for axes in ([0], [1], [2], [-1], [0, 1], [1, 0], [2, 0], [0, 1, 2], [2, 1, 0], [-2, 0], []):
        for keep in (False, True):
            case("ReduceJoin", [cube, np.array(axes, np.int32)], {"keep_dims": keep, "separator": "."}, label=f"{axes} {keep}")
    case("ReduceJoin", [cube, Const(np.int32(1))], label="scalar axis")
    case("ReduceJoin", [text(np.zeros([2, 0]).tolist()), np.array([1], np.int32)], label="fold of nothing")
    case("ReduceJoin", [text(np.zeros([2, 0]).tolist()), np.array([0], np.int32)], label="nothing left")
    case("ReduceJoin", [text("x"), np.array([], np.int32)], label="scalar")
    for axes in ([3], [-4], [0, 0], [0, -3]):
        case("ReduceJoin", [cube, np.array(axes, np.int32)], label=f"no axes {axes}")
    flat = text(["a", "b", "c", "d"])
    for dtype in (np.int32, np.int64):
        case("UnsortedSegmentJoin", [flat, np.array([2, 0, 2, -1], dtype), np.array(4, dtype)], {"separator": ","}, label="drops")
        case("UnsortedSegmentJoin", [a, np.array([1, 1], dtype), Const(np.array(2, dtype))], {"separator": ","}, label="rows")
        case("UnsortedSegmentJoin", [a, np.array([[1, 0], [1, 1]], dtype), np.array(3, np.int32)], label="all axes")
    case("UnsortedSegmentJoin", [text(["", "a", "", "", "b", "", "", ""]), np.array([0, 0, 0, 1, 1, 1, 2, 2], np.int32), np.int32(3)], {"separator": "/"}, label="empty strings")
    case("UnsortedSegmentJoin", [flat, np.array([0, 1, 2, 3], np.int32), np.int32(3)], label="id too large")
    case("UnsortedSegmentJoin", [flat, np.array([0, 1], np.int32), np.int32(3)], label="other length")
    case("UnsortedSegmentJoin", [flat, np.array([0, 1, 0, 1], np.int32), np.int32(-1)], label="negative number")
    case("UnsortedSegmentJoin", [flat, np.array([0, 1, 0, 1], np.int32), np.array([2], np.int32)], label="no scalar")
    case("UnsortedSegmentJoin", [text([]), np.array([], np.int32), np.int32(2)], label="empty")


def splits():
    lines = text(["hello world", "", " a  b ", "a,b;c", ",,", "日 本"])
    for delimiter in (" ", "", ",", ",;", "l", "xyz"):
        for skip in (True, False):
            case("StringSplit", [lines, text(delimiter)], {"skip_empty": skip}, label=f"{delimiter!r} {skip}")
    case("StringSplit", [text([]), text(" ")], label="empty")
    case("StringSplit", [text("a b"), text(" ")], label="scalar")
    case("StringSplit", [lines, text([" ", ","])], label="two delimiters")
    more = text(["a<><>b<>c", "", "<>", "x<y>", "  two  words\there  ", "one", "<><"])
    for separator in ("<>", "", " ", "<", "aa"):
        for most in (-1, 0, 1, 2, 5):
            case("StringSplitV2", [more, text(separator)], {"maxsplit": most}, label=f"{separator!r} {most}")
    case("StringSplitV2", [text([]), text("")], label="empty")
    case("StringSplitV2", [text([["a"]]), text("")], label="matrix")
    case("StringSplitV2", [more, text([""])], label="vector of separators")


def ngrams():
    data = text(["aa", "bb", "cc", "dd", "ee", "ff"])
    base = {"separator": "|", "left_pad": "L", "right_pad": "R", "pad_width": -1, "preserve_short_sequences": False}
    for dtype in (np.int32, np.int64):
        case("StringNGrams", [data, np.array([0, 4, 6], dtype)], {**base, "ngram_widths": [3]}, label="padded")
    for widths in ([1], [2], [1, 2], [3, 1], [5], [8]):
        for pad in (-1, 0, 1, 2, 9):
            for preserve in (False, True):
                case("StringNGrams", [data, np.array([0, 4, 4, 6], np.int64)],
                     {**base, "ngram_widths": widths, "pad_width": pad, "preserve_short_sequences": preserve},
                     label=f"{widths} {pad} {preserve}")
    case("StringNGrams", [text([]), np.array([0], np.int64)], {**base, "ngram_widths": [2]}, label="no rows")
    case("StringNGrams", [text([]), np.array([0, 0], np.int64)], {**base, "ngram_widths": [2]}, label="empty row")
    for splits_ in ([0, 9], [0, 4, 2, 6], [1, 6], [0, 3]):
        case("StringNGrams", [data, np.array(splits_, np.int64)], {**base, "ngram_widths": [2]}, label=f"splits {splits_}")
    case("StringNGrams", [data, np.array([0, 6], np.int64)], {**base, "ngram_widths": [0]}, label="no width")
    case("StringNGrams", [data, np.array([0, 6], np.int64)], {**base, "ngram_widths": [2], "pad_width": -2}, label="no pad width")


def regular_expressions():
    lines = text([["hello world", "aaa", ""], ["a1b22", "日本語", b"\xff"]])
    for pattern, rewrite in (("a", "b"), ("a*", "x"), (r"(\w)(\w)", r"\2\1"), ("[0-9]+", "<\\0>"), ("", "-"), ("^", ">"), ("o|l", ""),
                             (".", "_"), ("(?i)HELLO", "bye"), ("日", "月"), (r"\s+", " "), ("(a)", r"\2"), ("a", "\\")):
        for whole in (True, False):
            case("RegexReplace", [lines, text(pattern), text(rewrite)], {"replace_global": whole}, label=f"{pattern} {rewrite} {whole}")
            case("StaticRegexReplace", [lines], {"pattern": pattern, "rewrite": rewrite, "replace_global": whole},
                 label=f"{pattern} {rewrite} {whole}")
        case("RegexFullMatch", [lines, Const(text(pattern))], label=pattern)
        case("StaticRegexFullMatch", [lines], {"pattern": pattern}, label=pattern)
    for pattern in ("a+", ".*", "hello.*", "[a-z0-9]+", "...", "(?s).*", r"\C*"):
        case("RegexFullMatch", [lines, text(pattern)], label=pattern)
        case("StaticRegexFullMatch", [text("aaa")], {"pattern": pattern}, label=pattern)
    for pattern in ("(", "a{2,1}", "[z-a]", "*", r"(?=a)", r"\1"):
        case("RegexReplace", [lines, text(pattern), text("")], label=f"no pattern {pattern}")
        case("RegexFullMatch", [lines, text(pattern)], label=f"no pattern {pattern}")
        case("StaticRegexFullMatch", [lines], {"pattern": pattern}, label=f"no pattern {pattern}")
        case("StaticRegexReplace", [lines], {"pattern": pattern, "rewrite": ""}, label=f"no pattern {pattern}")
    case("RegexReplace", [lines, text(["a"]), text("b")], label="vector of patterns")
    case("RegexReplace", [lines, text("a"), text(["b"])], label="vector of rewrites")
    case("RegexFullMatch", [lines, text(["a"])], label="vector of patterns")
    case("RegexReplace", [text([]), text("a"), text("b")], label="empty")
    case("RegexFullMatch", [text([]), text("a")], label="empty")


def each():
    for op in ("StringStrip", "StringLower", "StringUpper", "StringLength"):
        case(op, [WORDS], label="words")
        case(op, [WORDS.reshape([3, 3])], label="matrix")
        case(op, [text(" Ab ")], label="scalar")
        case(op, [text([])], label="empty")
    case("StringStrip", [text([" \x0b\x0ca b\r\n", "   ", "\u00a0x\u00a0"])], label="white space")
    letters = text(["ÀÉÎ ΑΣ ΣΑ ΑΣΑ Σ İI ẞ Ǆ Ⅷ Ⓐ", "àéî ß ŉ ﬁ ΰ ǆ ı i ÿ", "ԱԲ աբև ᾳ ᾼ", "Ж ж Ѐ", b"A\xffz", b"\xe2\x82x", "ab ZX 09"])
    for op in ("StringLower", "StringUpper"):
        case(op, [letters], {"encoding": "utf-8"}, label="utf-8")
        case(op, [letters], {"encoding": ""}, label="ascii")
        case(op, [letters], {"encoding": "latin1"}, label="other encoding")
    case("StringLength", [WORDS], {"unit": "UTF8_CHAR"}, label="characters")
    case("StringLength", [WORDS], {"unit": "BYTE"}, label="bytes")


def substrings():
    words = text(["hello", "ünïcödé", "日本語文", "abcdefgh"])
    for unit in ("BYTE", "UTF8_CHAR"):
        for dtype in (np.int32, np.int64):
            for pos, length in ((0, 3), (1, 2), (4, 9), (-2, 1), (-3, 2), (-4, 100), (2, 0), (-1, 0)):
                case("Substr", [words, np.array(pos, dtype), np.array(length, dtype)], {"unit": unit}, label=f"{pos} {length} {unit}")
        case("Substr", [words, np.array([0, 1, 2, 3], np.int32), np.array([4, 3, 2, 1], np.int32)], {"unit": unit}, label="each its own")
        case("Substr", [words[:, None], np.array([[0, 1]], np.int32), np.array([[2, 3]], np.int32)], {"unit": unit}, label="broadcast")
        case("Substr", [text("hello"), np.array([0, 1], np.int32), np.array([2, 3], np.int32)], {"unit": unit}, label="scalar string")
        case("Substr", [words.reshape([2, 2]), np.array([0, 1], np.int32), np.array([2, 3], np.int32)], {"unit": unit}, label="columns")
        case("Substr", [words, np.int32(1), np.int32(-1)], {"unit": unit}, label="negative length")
        case("Substr", [words, np.int32(-2), np.int32(-1)], {"unit": unit}, label="negative both")
        for pos in (20, -20):
            case("Substr", [words, np.int32(pos), np.int32(1)], {"unit": unit}, label="out of range")
        case("Substr", [text([]), np.int32(0), np.int32(1)], {"unit": unit}, label="empty")
        case("Substr", [text([""]), np.int32(0), np.int32(1)], {"unit": unit}, label="of nothing")
    case("Substr", [words, np.array([1, 2, 3, 4], np.int32), np.int32(1)], label="two shapes")
    case("Substr", [words, np.array([1, 2, 3], np.int32), np.array([1, 2, 3], np.int32)], label="no broadcast")


def base64():
    data = text([b"", b"a", b"ab", b"abc", b"abcd", bytes(range(256)), "日本"])
    for pad in (False, True):
        case("EncodeBase64", [data], {"pad": pad}, label=f"pad {pad}")
        case("EncodeBase64", [text([[b"\xff\xfe"]])], {"pad": pad}, label="matrix")
        case("EncodeBase64", [text([])], {"pad": pad}, label="empty")
    case("DecodeBase64", [text([["", "YQ", "YQ=="], ["YWI", "YWI=", "YWJj"]])], label="good")
    case("DecodeBase64", [text(["_-_-", "YR", "YWJjYQ=="])], label="web")
    for word in ("YQ=", "Y", "YQ=a", "+/+/", "====", "=", "a===", "YWJj=", "YW Jj", "YWJjYQ=", b"\xff\xff"):
        case("DecodeBase64", [text([word])], label=f"bad {word!r}")


def raw():
    data = text([bytes(range(16)), bytes(range(240, 256))])
    kinds = (tf.float16, tf.bfloat16, tf.float32, tf.float64, tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint16,
             tf.complex64, tf.complex128)
    for dtype in kinds:
        for little in (True, False):
            case("DecodeRaw", [data], {"out_type": dtype, "little_endian": little}, label=f"{dtype.name} {little}")
    for dtype in (tf.float32, tf.float64, tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint16):
        for little in (True, False):
            case("DecodePaddedRaw", [data, np.int32(24)], {"out_type": dtype, "little_endian": little}, label=f"{dtype.name} {little}")
            case("DecodePaddedRaw", [data, Const(np.int32(8))], {"out_type": dtype, "little_endian": little}, label=f"cut {dtype.name} {little}")
    case("DecodeRaw", [text([b"\x00\x01", b"\x01\x00"])], {"out_type": tf.bool}, label="bool")
    case("DecodeRaw", [text(b"\x01\x00\x02\x00")], {"out_type": tf.int16}, label="scalar")
    case("DecodeRaw", [text([])], {"out_type": tf.int16}, label="empty")
    case("DecodeRaw", [text([b"", b""])], {"out_type": tf.int16}, label="empty strings")
    case("DecodeRaw", [text([b"ab", b"abcd"])], {"out_type": tf.int16}, label="two lengths")
    case("DecodeRaw", [text([b"abc"])], {"out_type": tf.int16}, label="half a number")
    case("DecodePaddedRaw", [text([b"abc", b"", b"abcdefgh"]), np.int32(4)], {"out_type": tf.int16}, label="lengths")
    case("DecodePaddedRaw", [text([b"abc"]), np.int32(3)], {"out_type": tf.int16}, label="half a number")
    case("DecodePaddedRaw", [text([b"abc"]), np.int32(0)], {"out_type": tf.int16}, label="length 0")
    case("DecodePaddedRaw", [text([b"abc"]), np.int32(-2)], {"out_type": tf.int16}, label="negative length")
    case("DecodePaddedRaw", [text([]), np.int32(4)], {"out_type": tf.int16}, label="empty")
    plain = [b"hello" * 20, b"", bytes(range(256)) * 4]
    case("DecodeCompressed", [text(plain)], label="not compressed")
    case("DecodeCompressed", [text([zlib.compress(p) for p in plain])], {"compression_type": "ZLIB"}, label="zlib")
    case("DecodeCompressed", [text([[gzip.compress(p, mtime=0)] for p in plain])], {"compression_type": "GZIP"}, label="gzip")
    case("DecodeCompressed", [text([b"no zlib"])], {"compression_type": "ZLIB"}, label="damaged")
    case("DecodeCompressed", [text([zlib.compress(plain[0])])], {"compression_type": "GZIP"}, label="the other one")
    case("DecodeCompressed", [text([zlib.compress(plain[2])[:-9]])], {"compression_type": "ZLIB"}, label="cut")
    case("DecodeCompressed", [text(plain)], {"compression_type": "LZ4"}, label="unknown")
    case("DecodeCompressed", [text([])], {"compression_type": "ZLIB"}, label="empty")
