internal import Tensors

/// GIF images, of one frame or more (the 89a specification).
///
/// As in TensorFlow the canvas is as large as the largest frame, whatever the file says of a screen; each frame is drawn over
/// the one before it, whatever it says of disposal; and frames behind damage are left out.
///
/// It reads the colors where the file is, which must be there as long as this value.
package struct GIFFile {
    /// A frame as it is in the file.
    private struct Frame {
        var left = 0
        var top = 0
        var width = 0
        var height = 0
        var transparent: UInt8?
        /// Red, green, blue of each color; nil where there are none.
        var palette: Slice<UnsafeBufferPointer<UInt8>>?
        /// A number of a color for each pixel, the rows in order.
        var pixels: [UInt8] = []
    }

    private var frames: [Frame] = []
    private let account: RunAccount

    /// How many frames there are.
    package var frameCount: Int { frames.count }

    /// Reads the frames of a file, up to the end or to damage.
    ///
    /// - Throws: where there is none that is whole, or they are too large.
    package init(_ bytes: UnsafeBufferPointer<UInt8>, _ account: RunAccount) throws(ImageFault) {
        self.account = account
        try ImageFault.reserve(LZW.workBytes, account)
        var cursor = ByteCursor(bytes)
        guard cursor.take(6) != nil, let screen = cursor.take(7) else {
            throw ImageFault("failed to open gif file: no screen descriptor")
        }
        let palette = cursor.palette(flags: screen[screen.startIndex + 4])
        var transparent: UInt8?
        var pixelCount = 0
        while let kind = cursor.byte(), kind != UInt8(ascii: ";") {
            if kind == UInt8(ascii: "!") {
                guard let label = cursor.byte(), let content = try cursor.blocks(account) else { break }
                if label == 0xf9, content.count == 4 { transparent = content[0] & 1 == 1 ? content[3] : nil }
                continue
            }
            guard kind == UInt8(ascii: ","), let frame = try Self.frame(&cursor, palette, transparent, account) else {
                break
            }
            transparent = nil
            pixelCount += frame.pixels.count
            guard pixelCount <= ImageFault.maximumByteCount else { throw ImageFault("the frames are too large") }
            // The array of frames grows.
            try ImageFault.reserve(4 * MemoryLayout<Frame>.stride, account)
            frames.append(frame)
        }
        guard !frames.isEmpty else { throw ImageFault("gif file does not contain any whole image") }
    }

    private static func frame(
        _ cursor: inout ByteCursor, _ common: Slice<UnsafeBufferPointer<UInt8>>?, _ transparent: UInt8?,
        _ account: RunAccount
    ) throws(ImageFault) -> Frame? {
        guard let place = cursor.take(9).map(Array.init) else { return nil }
        func number(_ at: Int) -> Int { Int(place[at]) | Int(place[at + 1]) << 8 }
        var frame = Frame(left: number(0), top: number(2), width: number(4), height: number(6))
        frame.transparent = transparent
        frame.palette = cursor.palette(flags: place[8]) ?? common
        let count = frame.width * frame.height
        let used = account.usedBytes
        guard let bits = cursor.byte(), (1...8).contains(bits), let data = try cursor.blocks(account),
            // A code has three bits or more, and stands for so many bytes.
            count <= (data.count * 8 / 3 + 1) * LZW.maxCodes
        else { return nil }
        let blockBytes = account.usedBytes - used
        defer { account.give(blockBytes) }
        try ImageFault.reserve(count + LZW.maxCodes + 64, account)
        var codes = LZW(bits: Int(bits))
        guard let pixels = codes.expand(data, count: count) else { return nil }
        if account.isOver { return nil }
        guard place[8] & 0x40 != 0 else {
            frame.pixels = pixels
            return frame
        }
        // The rows in order are another array; the first one goes.
        try ImageFault.reserve(count, account)
        defer { account.give(count) }
        frame.pixels = deinterlaced(pixels, width: frame.width, height: frame.height)
        return frame
    }

    private static func deinterlaced(_ pixels: [UInt8], width: Int, height: Int) -> [UInt8] {
        var result = pixels
        var source = 0
        for (first, step) in [(0, 8), (4, 8), (2, 4), (1, 2)] {
            for row in stride(from: first, to: height, by: step) {
                result.replaceSubrange(row * width..<(row + 1) * width, with: pixels[source..<source + width])
                source += width
            }
        }
        return result
    }

    /// The frames as they look, [frames, height, width, 3].
    ///
    /// - `onlyFirst`: Whether one frame is enough. The canvas is the same then.
    package func read(onlyFirst: Bool) throws(ImageFault) -> Image {
        let width = frames.map(\.width).max() ?? 0
        let height = frames.map(\.height).max() ?? 0
        let size = height * width * 3
        let count = onlyFirst ? 1 : frames.count
        return try ImageFault.makeImage(.uint8, [count, height, width, 3], account) { memory throws(ImageFault) in
            for (index, frame) in frames.prefix(count).enumerated() {
                let canvas = UnsafeMutableRawBufferPointer(rebasing: memory[index * size..<(index + 1) * size])
                if index == 0 {
                    canvas.initializeMemory(as: UInt8.self, repeating: 0)
                } else {
                    canvas.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[(index - 1) * size..<index * size]))
                }
                try Self.draw(frame, number: index, on: canvas, height: height, width: width)
            }
        }
    }

    private static func draw(
        _ frame: Frame, number: Int, on canvas: UnsafeMutableRawBufferPointer, height: Int, width: Int
    ) throws(ImageFault) {
        guard let palette = frame.palette else { throw ImageFault("missing color map for frame \(number)") }
        for y in frame.top..<max(frame.top, min(frame.top + frame.height, height)) {
            for x in frame.left..<max(frame.left, min(frame.left + frame.width, width)) {
                let color = frame.pixels[(y - frame.top) * frame.width + x - frame.left]
                if color == frame.transparent { continue }
                let source = palette.startIndex + 3 * Int(color)
                guard source + 3 <= palette.endIndex else {
                    throw ImageFault(
                        "found color index \(color) outside of color map range \(palette.count / 3)")
                }
                for channel in 0..<3 { canvas[(y * width + x) * 3 + channel] = palette[source + channel] }
            }
        }
    }
}

/// Goes through bytes, and knows where they end.
private struct ByteCursor {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var at = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    mutating func byte() -> UInt8? {
        guard at < bytes.count else { return nil }
        defer { at += 1 }
        return bytes[at]
    }

    mutating func take(_ count: Int) -> Slice<UnsafeBufferPointer<UInt8>>? {
        guard count <= bytes.count - at else { return nil }
        defer { at += count }
        return bytes[at..<at + count]
    }

    /// The colors, where the flags say that there are some.
    mutating func palette(flags: UInt8) -> Slice<UnsafeBufferPointer<UInt8>>? {
        flags & 0x80 == 0 ? nil : take(6 << Int(flags & 7))
    }

    /// What is in blocks, of which each begins with its length, up to an empty one.
    mutating func blocks(_ account: RunAccount) throws(ImageFault) -> [UInt8]? {
        // How much there is, before it is taken.
        var ahead = self
        var total = 0
        while let count = ahead.byte(), count > 0 {
            guard ahead.take(Int(count)) != nil else { return nil }
            total += Int(count)
        }
        try ImageFault.reserve(total + 64, account)
        var result: [UInt8] = []
        result.reserveCapacity(total)
        while let count = byte() {
            if count == 0 { return result }
            guard let block = take(Int(count)) else { return nil }
            result += block
        }
        return nil
    }
}

/// The compression of GIF: codes of 3 to 12 bits for strings, each of which is an earlier one and a byte.
private struct LZW {
    /// How many codes there are at most, and how many bytes one gives.
    static let maxCodes = 4096
    /// What the tables take.
    static let workBytes = maxCodes * 9 + 128

    private let clear: Int
    private let firstBits: Int
    private var prefixes = [Int](repeating: 0, count: maxCodes)
    private var suffixes = [UInt8](repeating: 0, count: maxCodes)

    init(bits: Int) {
        clear = 1 << bits
        firstBits = bits + 1
        for code in 0..<clear { suffixes[code] = UInt8(truncatingIfNeeded: code) }
    }

    /// Expands codes to as many bytes; nil where they are damaged, or end before. No code gives more than 4096 bytes.
    mutating func expand(_ data: [UInt8], count: Int) -> [UInt8]? {
        var output: [UInt8] = []
        output.reserveCapacity(count + Self.maxCodes)
        var next = clear + 2
        var bits = firstBits
        var last: Int?
        var buffer = 0
        var buffered = 0
        for byte in data {
            buffer |= Int(byte) << buffered
            buffered += 8
            while buffered >= bits {
                let code = buffer & (1 << bits - 1)
                buffer >>= bits
                buffered -= bits
                if code == clear {
                    (next, bits, last) = (clear + 2, firstBits, nil)
                    continue
                }
                if code == clear + 1 { return output.count >= count ? output : nil }
                guard append(code, after: last, next: next, to: &output) else { return nil }
                if output.count >= count {
                    output.removeLast(output.count - count)
                    return output
                }
                if last != nil, next < Self.maxCodes { next += 1 }
                if next == 1 << bits, bits < 12 { bits += 1 }
                last = code
            }
        }
        return output.count >= count ? output : nil
    }

    /// Appends a code's string, and notes the new one: the last string and this one's first byte.
    private mutating func append(_ code: Int, after last: Int?, next: Int, to output: inout [UInt8]) -> Bool {
        guard let last else {
            guard code < clear else { return false }
            output.append(suffixes[code])
            return true
        }
        let isNew = code == next && next < Self.maxCodes
        guard code < next || isNew, code < clear || code > clear + 1 else { return false }
        if next < Self.maxCodes {
            prefixes[next] = last
            suffixes[next] = first(isNew ? last : code)
        }
        let begin = output.count
        var place = code
        while place >= clear {
            output.append(suffixes[place])
            place = prefixes[place]
        }
        output.append(suffixes[place])
        output[begin...].reverse()
        return true
    }

    private func first(_ code: Int) -> UInt8 {
        var place = code
        while place >= clear { place = prefixes[place] }
        return suffixes[place]
    }
}
