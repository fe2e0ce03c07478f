"""GIF and BMP files to pixels, and files of any kind."""
import itertools
import struct

import numpy as np

from .core import case, tf
from .decoding import PALETTE, file, jpeg, picture, png


def cases():
    gifs()
    bitmaps()
    any_file()


def lzw(pixels, bits):
    clear, out, buffered, count = 1 << bits, bytearray(), 0, 0

    def emit(code, width):
        nonlocal buffered, count
        buffered |= code << count
        count += width
        while count >= 8:
            out.append(buffered & 255)
            buffered >>= 8
            count -= 8

    table, width, run = {(i,): i for i in range(clear)}, bits + 1, ()
    following = clear + 2
    emit(clear, width)
    for pixel in pixels:
        if run + (pixel,) in table:
            run += (pixel,)
            continue
        emit(table[run], width)
        if following < 4096:
            table[run + (pixel,)] = following
            following += 1
            if following > 1 << width and width < 12:
                width += 1
        else:
            emit(clear, width)
            table, width, following = {(i,): i for i in range(clear)}, bits + 1, clear + 2
        run = (pixel,)
    emit(table[run], width)
    emit(clear + 1, width)
    return bytes(out) + (bytes([buffered & 255]) if count else b"")


def gif(screen, frames, palette, trailer=b";"):
    def colours(table):
        bits = max(1, (len(table) - 1).bit_length())
        return bits, np.array(table, np.uint8).tobytes().ljust(3 << bits, b"\0")

    bits, table = colours(palette) if palette is not None else (1, b"")
    out = b"GIF89a" + struct.pack("<HHBBB", *screen, (0x80 if palette is not None else 0) | (bits - 1), 0, 0) + table
    for frame in frames:
        pixels = np.array(frame["pixels"])
        if "transparent" in frame:
            out += b"!\xf9\4" + struct.pack("<BHB", 1 | frame.get("disposal", 0) << 2, 0, frame["transparent"]) + b"\0"
        local, own = colours(frame["palette"]) if "palette" in frame else (0, b"")
        flags = (0x80 | (local - 1) if local else 0) | (0x40 if frame.get("interlaced") else 0)
        out += b"," + struct.pack("<HHHHB", frame.get("left", 0), frame.get("top", 0), pixels.shape[1], frame.get("height", pixels.shape[0]), flags) + own
        if frame.get("interlaced"):
            pixels = np.concatenate([pixels[0::8], pixels[4::8], pixels[2::4], pixels[1::2]])
        code_bits = max(2, frame.get("bits", bits))
        data = frame.get("raw", lzw(pixels.flatten().tolist(), code_bits))
        out += bytes([code_bits]) + b"".join(bytes([len(data[i:i + 255])]) + data[i:i + 255] for i in range(0, len(data), 255)) + b"\0"
    return out + trailer


def gifs():
    full = np.arange(12).reshape(3, 4) % 4
    square, stripes = [[1, 1], [1, 1]], [[1, 2, 1, 1], [2, 2, 2, 2], [1, 1, 1, 1]]
    one, two = gif((4, 3), [{"pixels": full}], PALETTE), gif((4, 3), [{"pixels": full}, {"pixels": square, "left": 1, "top": 1}], PALETTE)
    files = {
        "one frame": one, "two frames": two, "a larger screen": gif((6, 5), [{"pixels": full}], PALETTE), "an offset": gif((6, 5), [{"pixels": full, "left": 1, "top": 1}], PALETTE),
        "first one small": gif((4, 3), [{"pixels": square, "left": 1, "top": 1}, {"pixels": full}], PALETTE), "transparent": gif((4, 3), [{"pixels": full}, {"pixels": stripes, "transparent": 2}], PALETTE),
        "transparent first": gif((4, 3), [{"pixels": full, "transparent": 1}, {"pixels": stripes}], PALETTE), "disposal": gif((4, 3), [{"pixels": full, "transparent": 3, "disposal": 2}, {"pixels": stripes, "transparent": 2, "disposal": 2}], PALETTE),
        "own palette": gif((4, 3), [{"pixels": full, "palette": [[i, i, i] for i in range(4)]}], PALETTE), "no palette": gif((4, 3), [{"pixels": full}], None), "interlaced": gif((2, 9), [{"pixels": np.arange(18).reshape(9, 2) % 4, "interlaced": True}], PALETTE),
        "a colour that is not there": gif((4, 3), [{"pixels": full, "bits": 3}], PALETTE[:2]), "no end": one[:-1], "truncated": one[:-8], "second one truncated": two[:-6], "too few pixels": gif((4, 3), [{"pixels": full, "height": 4}], PALETTE),
        "too many pixels": gif((4, 3), [{"pixels": full, "height": 2}], PALETTE), "junk behind": one[:-1] + b"\x99;", "no frames": gif((4, 3), [], PALETTE), "only a header": b"GIF89a", "another version": b"GIF8xx" + one[6:],
        "transparency that is not there": gif((4, 3), [{"pixels": full, "transparent": 200}], PALETTE), "beyond the edge": gif((4, 3), [{"pixels": full}, {"pixels": full, "left": 3, "top": 2}], PALETTE),
        "outside": gif((4, 3), [{"pixels": full}, {"pixels": full, "left": 300, "top": 200}], PALETTE), "second one larger": gif((4, 3), [{"pixels": [[1, 2], [2, 1]]}, {"pixels": full}], PALETTE),
        "damaged codes": gif((4, 3), [{"pixels": full, "raw": b"\x04\xff\xff\xff"}], PALETTE), "no pixels": gif((4, 3), [{"pixels": full, "raw": b""}], PALETTE),
    }
    random = np.random.RandomState(1)
    files["many codes"] = gif((60, 50), [{"pixels": random.randint(0, 256, [50, 60])}], np.arange(768).reshape(256, 3) % 256)
    files["long runs"] = gif((70, 40), [{"pixels": np.repeat(random.randint(0, 4, [40, 7]), 10, 1)}], PALETTE)
    for label, data in files.items():
        case("DecodeGif", [file(data)], label=label)
    for op in ("DecodeJpeg", "DecodePng"):
        case(op, [file(one)], label="a GIF file")
        case(op, [file(two)], label="a GIF file of two frames")
        case(op, [file(one)], {"channels": 1}, label="a GIF file, grey")
    case("DecodeGif", [file(png(3, 2, 8, 2))], label="a PNG file")
    case("DecodeGif", [file(jpeg(3, 2, 3))], label="a JPEG file")
    for expands, label in itertools.product((True, False), ("one frame", "two frames", "first one small", "second one truncated")):
        case("DecodeImage", [file(files[label])], {"expand_animations": expands}, label=f"{label} {expands}")


def bitmap(height, width, bits, top_down=False, begin=54):
    samples = bits // 8
    row = np.zeros([height, (width * samples + 3) // 4 * 4], np.uint8)
    row[:, :width * samples] = picture(height, width, samples).reshape([height, -1])
    header = b"BM" + struct.pack("<IHHI", begin + row.size, 0, 0, begin) + struct.pack("<IiiHHIIiiII", 40, width, -height if top_down else height, 1, bits, 0, row.size, 0, 0, 0, 0)
    return header.ljust(begin, b"\0") + row.tobytes()


def bitmaps():
    for bits, channels, top_down in itertools.product((8, 24, 32), (0, 3, 4), (False, True)):
        case("DecodeBmp", [file(bitmap(3, 5, bits, top_down))], {"channels": channels}, label=f"{bits} bits {channels} {top_down}")
    whole = bitmap(3, 5, 24)
    for label, data in {
        "longer header": bitmap(2, 3, 24, begin=138), "truncated": whole[:-1], "more behind": whole + b"1", "short": whole[:30], "no width": whole[:18] + b"\0\0\0\0" + whole[22:], "16 bits": whole[:28] + b"\x10\0" + whole[30:],
        "huge": whole[:18] + struct.pack("<ii", 2**31 - 1, 2**31 - 1) + whole[26:], "smallest height": whole[:22] + struct.pack("<i", -2**31) + whole[26:], "negative header": whole[:10] + struct.pack("<i", -5) + whole[14:],
    }.items():
        case("DecodeBmp", [file(data)], label=label)
    case("DecodeBmp", [file(whole)], {"channels": 1}, label="one channel")
    for label, data in {"a PNG file": png(2, 2, 8, 0), "a JPEG file": jpeg(2, 2, 1), "a GIF file": gif((4, 3), [{"pixels": [[1]]}], PALETTE), "no file": b"BA"}.items():
        case("DecodeBmp", [file(data)], label=label)
    for op in ("DecodePng", "DecodeJpeg", "DecodeGif"):
        case(op, [file(whole)], label="a BMP file")


def any_file():
    files = {"JPEG": jpeg(6, 5, 3), "PNG": png(3, 4, 8, 2), "PNG of 16 bits": png(3, 4, 16, 6), "GIF": gif((4, 3), [{"pixels": [[1, 2], [3, 0]]}], PALETTE), "BMP": bitmap(3, 5, 24)}
    for (label, data), dtype, channels in itertools.product(files.items(), (tf.uint8, tf.uint16, tf.float32), (0, 1, 3)):
        case("DecodeImage", [file(data)], {"dtype": dtype, "channels": channels}, label=f"{label} {dtype.name} {channels}")
    case("DecodeImage", [file(b"nothing")], label="not an image")
    case("DecodePng", [file(files["JPEG"])], label="a JPEG file")
    case("DecodeJpeg", [file(files["PNG"])], label="a PNG file")
