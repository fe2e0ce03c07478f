"""JPEG and PNG files to pixels, and back."""
import itertools
import struct
import zlib

import numpy as np

from .core import case, tf, tf1

PALETTE = [[10, 20, 30], [200, 0, 0], [0, 200, 0], [0, 0, 200]]


def cases():
    jpegs()
    damaged_jpegs()
    windows()
    pngs()
    encodings()


def run(function, *inputs):
    with tf.Graph().as_default(), tf1.Session() as session:
        return session.run(function(*inputs))


def file(data):
    return np.array(data, object)


def picture(height, width, channels, dtype=np.uint8):
    """Colours that change slowly, an edge, and some noise."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(channels), indexing="ij")
    values = 128 + 90 * np.sin(x / 5 + c) * np.cos(y / 7 - c) + 60 * (x > y) - 30 + np.random.randint(-6, 7, y.shape)
    values = np.clip(values, 0, 255)
    return (values * 257 if dtype == np.uint16 else values).astype(dtype)


def jpeg(height, width, channels, **attrs):
    return run(lambda: tf.io.encode_jpeg(picture(height, width, channels), **attrs))


def jpegs():
    files = {
        "grey": jpeg(13, 18, 1), "rgb": jpeg(19, 17, 3), "whole chroma": jpeg(19, 17, 3, chroma_downsampling=False), "progressive": jpeg(19, 17, 3, progressive=True),
        "coarse": jpeg(16, 24, 3, quality=20), "one pixel": jpeg(1, 1, 3), "xmp": jpeg(5, 9, 3, xmp_metadata="<x/>"),
    }
    for (label, data), channels in itertools.product(files.items(), (0, 1, 3)):
        case("DecodeJpeg", [file(data)], {"channels": channels}, label=f"{label} {channels}")
    for label in ("grey", "rgb", "progressive", "coarse"):
        for attrs in [{"ratio": 2}, {"ratio": 4}, {"ratio": 8}, {"fancy_upscaling": False}, {"dct_method": "INTEGER_FAST"}, {"dct_method": "INTEGER_ACCURATE"}, {"ratio": 2, "dct_method": "INTEGER_ACCURATE", "fancy_upscaling": False}]:
            case("DecodeJpeg", [file(files[label])], attrs, label=f"{label} {attrs}")
    for label, data in files.items():
        case("ExtractJpegShape", [file(data)], {"output_type": tf.int64}, label=label)
    for attrs in ({"channels": 2}, {"channels": 4}, {"channels": 5}, {"ratio": 3}, {"ratio": 0}, {"dct_method": "FLOAT"}):
        case("DecodeJpeg", [file(files["grey"])], attrs, label=f"{attrs}")
    for op in ("DecodeJpeg", "ExtractJpegShape"):
        for label, data in {"empty": b"", "not an image": b"hello, world", "the beginning": b"\xff\xd8\xff", "half a header": files["rgb"][:60]}.items():
            case(op, [file(data)], label=label)
        case(op, [np.array([files["grey"]], object)], label="a vector")
        case(op, [file(files["grey"])], label="whole")


def damaged_jpegs():
    files = {"rgb": jpeg(36, 16, 3, quality=50), "grey": jpeg(32, 12, 1), "progressive": jpeg(18, 12, 3, quality=70, progressive=True)}
    for (label, data), part in itertools.product(files.items(), (0.75, 0.97)):
        cut = data[: int(len(data) * part)]
        for attrs in ({}, {"try_recover_truncated": True}, {"acceptable_fraction": 0.2}, {"acceptable_fraction": 0.9}):
            case("DecodeJpeg", [file(cut)], attrs, label=f"{label} {part} {attrs}")
    for label, data in files.items():
        case("DecodeJpeg", [file(data[:-2])], label=f"{label} without an end")
        case("DecodeJpeg", [file(data + b"more")], label=f"{label} with more behind")
        for at in np.random.RandomState(3).randint(2, len(data), 10):
            case("DecodeJpeg", [file(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1:])], label=f"{label} damaged at {at}")


def windows():
    for (label, data), window in itertools.product({"rgb": jpeg(37, 45, 3, quality=50), "grey": jpeg(37, 45, 1, quality=50), "progressive": jpeg(37, 45, 3, quality=50, progressive=True)}.items(), ([0, 0, 37, 45], [5, 7, 20, 30], [16, 16, 8, 8], [36, 44, 1, 1], [0, 20, 37, 1], [11, 3, 9, 42])):
        case("DecodeAndCropJpeg", [file(data), np.array(window, np.int32)], label=f"{label} {window}")
    data = jpeg(37, 45, 3)
    for attrs in ({"ratio": 2}, {"channels": 1}, {"fancy_upscaling": False}, {"dct_method": "INTEGER_ACCURATE"}):
        case("DecodeAndCropJpeg", [file(data), np.array([3, 5, 11, 13], np.int32)], attrs, label=f"{attrs}")
    for window in ([0, 0, 38, 45], [-1, 0, 5, 5], [0, 0, 0, 5], [0, 0, 5, 0], [0, 0, 5], [[0, 0, 5, 5]]):
        case("DecodeAndCropJpeg", [file(data), np.array(window, np.int32)], label=f"{window}")
    case("DecodeAndCropJpeg", [file(png(2, 2, 8, 0)), np.array([0, 0, 1, 1], np.int32)], label="a PNG file")


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(height, width, depth, colour, transparency=None, interlaced=False, palette=None, end=True):
    """A PNG file of random numbers; the rows have no filter but the left one."""
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    random = np.random.RandomState(depth * 8 + colour)
    most = len(palette) if palette is not None else 1 << depth
    pixels = random.randint(0, most, [height, width, samples])

    def rows(part):
        data = b""
        for row in part:
            bits = "".join(format(int(v), f"0{depth}b") for v in row.flatten())
            packed = [int(bits[i:i + 8].ljust(8, "0"), 2) for i in range(0, len(bits), 8)]
            step = max(1, depth * samples // 8)
            data += b"\1" + bytes((v - (packed[i - step] if i >= step else 0)) & 255 for i, v in enumerate(packed))
        return data

    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)] if interlaced else [(0, 0, 1, 1)]
    data = b"".join(rows(pixels[y::dy, x::dx]) for y, x, dy, dx in passes if pixels[y::dy, x::dx].size)
    out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))
    if palette is not None:
        out += chunk(b"PLTE", np.array(palette, np.uint8).tobytes())
    if transparency is not None:
        out += chunk(b"tRNS", transparency)
    out += chunk(b"IDAT", zlib.compress(data, 9))
    return out + chunk(b"IEND", b"") if end else out


def pngs():
    files = {f"colour {c} depth {d}": png(5, 7, d, c) for c, d in [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (4, 8), (4, 16), (6, 8), (6, 16)]}
    files |= {f"palette depth {d}": png(5, 7, d, 3, palette=PALETTE[:min(4, 1 << d)]) for d in (1, 2, 4, 8)}
    files["transparent palette"] = png(5, 7, 2, 3, palette=PALETTE, transparency=b"\x00\x80\xff")
    files["transparent grey"] = png(5, 7, 2, 0, transparency=struct.pack(">H", 2))
    files["transparent rgb"] = png(5, 7, 8, 2, transparency=struct.pack(">HHH", 1, 2, 3))
    files["interlaced"] = png(9, 11, 8, 2, interlaced=True)
    files["interlaced bits"] = png(9, 11, 1, 0, interlaced=True)
    for (label, data), channels, dtype in itertools.product(files.items(), (0, 1, 3, 4), (tf.uint8, tf.uint16)):
        case("DecodePng", [file(data)], {"channels": channels, "dtype": dtype}, label=f"{label} {channels} {dtype.name}")
    whole = files["colour 2 depth 8"]
    for label, data in {
        "truncated": whole[:-40], "no end": png(5, 7, 8, 2, end=False), "damaged": whole[:60] + b"\x00" + whole[61:], "empty": b"", "the beginning": whole[:8], "the header": whole[:33],
        "a huge image": whole[:16] + struct.pack(">II", 2**30, 2**30) + whole[24:], "too large for its data": b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 20000, 20000, 8, 2, 0, 0, 0)) + whole[33:],
        "no palette": png(5, 7, 2, 3),
    }.items():
        case("DecodePng", [file(data)], label=label)
    case("DecodePng", [file(whole)], {"channels": 2}, label="two channels")
    case("DecodePng", [np.array([whole], object)], label="a vector")


def encodings():
    for label, attrs in {
        "as it is": {}, "coarse": {"quality": 10}, "best": {"quality": 100}, "progressive": {"progressive": True}, "optimized": {"optimize_size": True}, "whole chroma": {"chroma_downsampling": False},
        "density": {"density_unit": "cm", "x_density": 11, "y_density": 22}, "xmp": {"xmp_metadata": "<x:xmpmeta/>"}, "format": {"format": "rgb"}, "wrong format": {"format": "grayscale"}, "quality": {"quality": 101},
    }.items():
        case("EncodeJpeg", [picture(20, 13, 3)], attrs, label=label)
    case("EncodeJpeg", [picture(20, 13, 1)], label="grey")
    case("EncodeJpeg", [picture(20, 13, 1)], {"format": "rgb"}, label="grey as rgb")
    for shape in ([4, 4, 2], [4, 4, 4], [0, 4, 3], [4, 4], [1, 4, 4, 3]):
        case("EncodeJpeg", [np.zeros(shape, np.uint8)], label=f"{shape}")
    for quality in (0, 50, 100, 101, -1):
        case("EncodeJpegVariableQuality", [picture(9, 13, 3), np.int32(quality)], label=f"{quality}")
    for channels, dtype in itertools.product((1, 2, 3, 4), (np.uint8, np.uint16)):
        case("EncodePng", [picture(7, 6, channels, dtype)], label=f"{channels} {np.dtype(dtype).name}")
    for compression in (-1, 0, 1, 9, 10, -2):
        case("EncodePng", [picture(16, 16, 3)], {"compression": compression}, label=f"compression {compression}")
    case("EncodePng", [np.stack([picture(3, 4, 3), picture(3, 4, 3)])], label="two images")
    for shape in ([4, 4, 5], [0, 4, 3], [4, 4]):
        case("EncodePng", [np.zeros(shape, np.uint8)], label=f"{shape}")
