internal import CImages
internal import Glibc
package import Memory
package import Tensors

/// Why an image cannot be read or written.
package struct ImageFault: Error, Hashable, Sendable {
    /// What is wrong.
    package let reason: String
    /// Why memory was refused, where that is what is wrong.
    package let refusal: MemoryRefusal?

    package init(_ reason: String) {
        self.reason = reason
        refusal = nil
    }

    /// Memory was refused.
    package init(_ refusal: MemoryRefusal) {
        reason = refusal.description
        self.refusal = refusal
    }

    /// The maximum number of bytes of an image that is read.
    package static let maximumByteCount = 1 << 29

    /// Calls a function of the library, which writes a text when it fails.
    fileprivate static func check(_ call: (UnsafeMutablePointer<CChar>) -> Int32) throws(ImageFault) {
        let reason = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CIMAGES_MESSAGE_BYTES)) { text in
            // Safety: the library writes at most so many bytes, the last of them zero.
            text.initialize(repeating: 0)
            guard let start = text.baseAddress, call(start) != 0 else { return String?.none }
            return String(cString: start)
        }
        if let reason { throw ImageFault(reason) }
    }
}

/// The elements of an image, uint8, uint16 or float32, [height, width, channels].
package typealias Image = Tensor

extension ImageFault {
    /// Counts memory that is about to be taken.
    package static func reserve(_ byteCount: Int, _ account: RunAccount) throws(ImageFault) {
        if let refusal = account.take(byteCount) { throw ImageFault(refusal) }
    }

    /// A tensor that a body fills.
    ///
    /// - Throws: where the image would be larger than is allowed, or than memory; and what the body throws.
    package static func makeImage(
        _ dtype: DataType, _ dimensions: [Int], _ account: RunAccount,
        _ fill: (UnsafeMutableRawBufferPointer) throws(ImageFault) -> Void
    ) throws(ImageFault) -> Image {
        guard let shape = Shape(dimensions), let bytes = shape.byteCount(of: dtype), bytes <= maximumByteCount else {
            throw ImageFault("an image of the dimensions \(dimensions) is too large")
        }
        try reserve(bytes + TensorStorage.alignment, account)
        guard let image = Tensor(dtype: dtype, shape: shape, initializing: { _ in })
        else { throw ImageFault("an image of the dimensions \(dimensions) is too large") }
        // Safety: nobody else has the tensor yet.
        try fill(UnsafeMutableRawBufferPointer(start: image.storage.baseAddress, count: bytes))
        return image
    }
}

/// What the library takes memory through.
// Safety: the library calls back during a call only, and on the thread that calls it.
private final class LibraryAccount {
    private let account: RunAccount
    private var refusal: MemoryRefusal?

    init(_ account: RunAccount) { self.account = account }

    /// Calls a function of the library, which takes memory and writes a text when it fails.
    func check(
        _ call: (UnsafePointer<cimages_account>, UnsafeMutablePointer<CChar>) -> Int32
    ) throws(ImageFault) {
        var functions = cimages_account(
            take: { context, byteCount in
                guard let context else { return 0 }
                let own = Unmanaged<LibraryAccount>.fromOpaque(context).takeUnretainedValue()
                return own.take(Int(byteCount)) ? 1 : 0
            },
            is_over: { context in
                guard let context else { return 0 }
                return Unmanaged<LibraryAccount>.fromOpaque(context).takeUnretainedValue().account.isOver ? 1 : 0
            }, context: Unmanaged.passUnretained(self).toOpaque())
        defer { withExtendedLifetime(self) {} }
        do { try ImageFault.check { call(&functions, $0) } } catch {
            if let refusal { throw ImageFault(refusal) }
            throw error
        }
    }

    private func take(_ byteCount: Int) -> Bool {
        guard byteCount > 0 else {
            account.give(-byteCount)
            return true
        }
        refusal = account.take(byteCount)
        return refusal == nil
    }
}

/// How a JPEG image is read.
package struct JPEGReading: Sendable, Hashable {
    /// As many as the file has if 0; else 1 or 3.
    package var channels = 0
    /// 1, 2, 4 or 8: by how much the image is made smaller.
    package var ratio = 1
    package var fancyUpsampling = true
    /// Whether the end of the data is taken for the end of the image.
    package var recoversTruncated = false
    /// How much of the rows must be there.
    package var acceptableFraction: Float = 1
    /// Whether the cosine transform is the accurate one.
    package var isAccurate = false
    /// Top, left, height, width of what is read.
    package var window: [Int32]?

    package init() {}

    private var reading: cimages_jpeg_reading {
        let window = window?.count == 4 ? window : nil
        return cimages_jpeg_reading(
            channels: Int32(truncatingIfNeeded: channels), ratio: Int32(truncatingIfNeeded: ratio),
            fancy_upsampling: fancyUpsampling ? 1 : 0, recovers_truncated: recoversTruncated ? 1 : 0,
            acceptable_fraction: acceptableFraction, is_accurate: isAccurate ? 1 : 0,
            is_cropped: window == nil ? 0 : 1, crop_y: window?[0] ?? 0, crop_x: window?[1] ?? 0,
            crop_height: window?[2] ?? 0, crop_width: window?[3] ?? 0)
    }

    /// Reads an image.
    package func read(_ bytes: UnsafeBufferPointer<UInt8>, _ account: RunAccount) throws(ImageFault) -> Image {
        var size = cimages_size()
        var reading = reading
        try ImageFault.reserve(Self.headerBytes, account)
        try ImageFault.check { cimages_jpeg_size(bytes.baseAddress, bytes.count, &reading, &size, $0) }
        try ImageFault.reserve(Int(size.work_bytes), account)
        let dimensions = [Int(size.height), Int(size.width), Int(size.channels)]
        let library = LibraryAccount(account)
        return try ImageFault.makeImage(.uint8, dimensions, account) { memory throws(ImageFault) in
            let output = memory.bindMemory(to: UInt8.self).baseAddress
            // Safety: the memory has as many bytes as the size tells.
            try library.check {
                cimages_jpeg_read(bytes.baseAddress, bytes.count, &reading, &size, output, $0, $1)
            }
        }
    }

    /// What the library takes to read a header.
    private static let headerBytes = 32 << 10

    /// Height, width and channels of the image in a file.
    package static func shape(
        _ bytes: UnsafeBufferPointer<UInt8>, _ account: RunAccount
    ) throws(ImageFault) -> [Int] {
        var size = cimages_size()
        try ImageFault.reserve(headerBytes, account)
        try ImageFault.check { cimages_jpeg_shape(bytes.baseAddress, bytes.count, &size, $0) }
        return [Int(size.height), Int(size.width), Int(size.channels)]
    }
}

/// How a JPEG image is written.
package struct JPEGWriting: Sendable, Hashable {
    package var quality = 95
    package var isProgressive = false
    package var optimizesSize = false
    package var downsamplesChroma = true
    package var isPerCentimetre = false
    package var density = (x: 300, y: 300)
    package var xmp: [UInt8] = []

    package init() {}

    /// The file of an image of 1 or 3 channels.
    package func write(
        _ pixels: UnsafePointer<UInt8>, height: Int, width: Int, channels: Int, _ account: RunAccount
    ) throws(ImageFault) -> ImageBytes {
        var size = cimages_size(height: Int64(height), width: Int64(width), channels: Int64(channels), work_bytes: 0)
        var file = cimages_file()
        let library = LibraryAccount(account)
        var writing = cimages_jpeg_writing(
            quality: Int32(clamping: quality), is_progressive: isProgressive ? 1 : 0,
            optimizes_size: optimizesSize ? 1 : 0, downsamples_chroma: downsamplesChroma ? 1 : 0,
            density_unit: isPerCentimetre ? 2 : 1, x_density: Int32(truncatingIfNeeded: density.x),
            y_density: Int32(truncatingIfNeeded: density.y), xmp: nil, xmp_count: xmp.count)
        let workBytes = Int(cimages_jpeg_write_bytes(&size, &writing))
        try ImageFault.reserve(workBytes, account)
        defer { account.give(workBytes) }
        try xmp.withUnsafeBufferPointer { xmp throws(ImageFault) in
            writing.xmp = xmp.baseAddress
            try library.check { cimages_jpeg_write(pixels, &size, &writing, &file, $0, $1) }
        }
        return ImageBytes(file, account)
    }

    package static func == (left: JPEGWriting, right: JPEGWriting) -> Bool { left.fields == right.fields }

    package func hash(into hasher: inout Hasher) { hasher.combine(fields) }

    private var fields: [[Int]] {
        [
            [quality, isProgressive ? 1 : 0, optimizesSize ? 1 : 0, downsamplesChroma ? 1 : 0], xmp.map(Int.init),
            [isPerCentimetre ? 1 : 0, density.x, density.y],
        ]
    }
}

/// A file that the library wrote.
// Safety: after success the library's memory is this object's, and has as many bytes as the file.
package final class ImageBytes {
    private let file: cimages_file
    private let account: RunAccount

    fileprivate init(_ file: cimages_file, _ account: RunAccount) {
        self.file = file
        self.account = account
    }

    /// The bytes, which are there as long as this object.
    package var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: file.bytes, count: file.count) }

    deinit {
        cimages_free(file.bytes)
        account.give(file.capacity)
    }
}

/// PNG images.
package enum PNGFile {
    /// Reads an image of uint8 or uint16.
    ///
    /// - `channels`: 0 for as many as the file has.
    package static func read(
        _ bytes: UnsafeBufferPointer<UInt8>, channels: Int, _ dtype: DataType, _ account: RunAccount
    ) throws(ImageFault) -> Image {
        var size = cimages_size()
        let bits = Int32(dtype.stride * 8)
        let wanted = Int32(truncatingIfNeeded: channels)
        let library = LibraryAccount(account)
        try library.check { cimages_png_size(bytes.baseAddress, bytes.count, wanted, bits, &size, $0, $1) }
        let dimensions = [Int(size.height), Int(size.width), Int(size.channels)]
        return try ImageFault.makeImage(dtype, dimensions, account) { memory throws(ImageFault) in
            // Safety: the memory has as many bytes as the size tells.
            try library.check {
                cimages_png_read(
                    bytes.baseAddress, bytes.count, wanted, bits, &size, memory.baseAddress, $0, $1)
            }
        }
    }

    /// The file of an image of 1 to 4 channels of uint8 or uint16.
    package static func write(
        _ pixels: UnsafeRawPointer, _ dtype: DataType, height: Int, width: Int, channels: Int, compression: Int,
        _ account: RunAccount
    ) throws(ImageFault) -> ImageBytes {
        guard (1...4).contains(channels) else { throw ImageFault("an image of \(channels) channels") }
        var size = cimages_size(height: Int64(height), width: Int64(width), channels: Int64(channels), work_bytes: 0)
        var file = cimages_file()
        try LibraryAccount(account).check {
            cimages_png_write(pixels, &size, Int32(dtype.stride * 8), Int32(clamping: compression), &file, $0, $1)
        }
        return ImageBytes(file, account)
    }
}
