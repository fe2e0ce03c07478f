internal import Tensors

/// BMP images: rows of 8, 24 or 32 bits a pixel, not compressed. Palettes are not looked at, as in TensorFlow.
package enum BitmapFile {
    /// Reads an image of uint8.
    ///
    /// - `channels`: 3, 4, or 0 for as many as the file has.
    package static func read(
        _ bytes: UnsafeBufferPointer<UInt8>, channels: Int, _ account: RunAccount
    ) throws(ImageFault) -> Image {
        guard bytes.count >= 32 else {
            throw ImageFault(
                "Incomplete bmp content, requires at least 32 bytes to find the header size, width, height, and bpp, "
                    + "got \(bytes.count) bytes")
        }
        let (begin, width, height) = (number(bytes, 10), number(bytes, 18), number(bytes, 22))
        let bits = Int(Int16(truncatingIfNeeded: number(bytes, 28)))
        let depth = bits / 8
        guard [1, 3, 4].contains(depth) else {
            throw ImageFault("Number of channels inherent in the image must be 1, 3 or 4, was \(depth)")
        }
        guard width > 0 else { throw ImageFault("Width must be positive") }
        guard height != 0 else { throw ImageFault("Height must be nonzero") }
        guard begin >= 0 else { throw ImageFault("header size must be nonnegative") }
        guard width * abs(height) < Int(Int32.max) / 8 else {
            throw ImageFault("Total possible pixel bytes must be less than 2^30")
        }
        let rowBytes = (depth * width + 3) / 4 * 4
        let difference = bytes.count - begin - rowBytes * abs(height)
        guard difference == 0 else {
            throw ImageFault(
                "Input size should match (header_size + row_size * abs_height) but they differ by \(difference)")
        }
        let result = channels == 0 ? depth : channels
        return try ImageFault.makeImage(.uint8, [abs(height), width, result], account) { memory in
            for y in 0..<abs(height) {
                let row = begin + (height > 0 ? height - 1 - y : y) * rowBytes
                for x in 0..<width {
                    let pixel = bytes[(row + x * depth)..<(row + (x + 1) * depth)]
                    write(pixel, to: memory, at: (y * width + x) * result, channels: result)
                }
            }
        }
    }

    private static func number(_ bytes: UnsafeBufferPointer<UInt8>, _ at: Int) -> Int {
        Int(Int32(truncatingIfNeeded: (0..<4).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }))
    }

    /// Blue comes first in the file.
    private static func write(
        _ pixel: Slice<UnsafeBufferPointer<UInt8>>, to memory: UnsafeMutableRawBufferPointer, at: Int, channels: Int
    ) {
        let first = pixel.startIndex
        for channel in 0..<channels {
            memory[at + channel] =
                switch channel {
                case 3: pixel.count == 4 ? pixel[first + 3] : 255
                default: pixel.count == 1 ? pixel[first] : pixel[first + 2 - channel]
                }
        }
    }
}
