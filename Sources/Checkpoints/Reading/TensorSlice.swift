internal import TensorFlowProtos
internal import Tensors

/// A box in a tensor: the start and the length in each dimension.
struct TensorSlice: Hashable, Sendable {
    /// The part of one dimension. No length means the whole dimension.
    struct Extent: Hashable, Sendable {
        var start: Int
        var length: Int?
    }

    var extents: [Extent]

    init(_ extents: [Extent]) { self.extents = extents }

    init(decoding message: TensorSliceProto) {
        extents = message.extent.map { extent in
            switch extent.hasLength_p {
            case .length(let length)?: Extent(start: Int(extent.start), length: Int(length))
            case nil: Extent(start: 0, length: nil)
            }
        }
    }

    /// The whole tensor.
    static func whole(rank: Int) -> TensorSlice {
        TensorSlice(Array(repeating: Extent(start: 0, length: nil), count: rank))
    }

    /// The ranges in a tensor of that shape; nil if the box is not within it.
    func ranges(in shape: Shape) -> [Range<Int>]? {
        guard extents.count == shape.rank else { return nil }
        var result: [Range<Int>] = []
        for (extent, size) in zip(extents, shape.dimensions) {
            let length = extent.length ?? size
            guard extent.start >= 0, length >= 0, extent.start <= size, length <= size - extent.start else {
                return nil
            }
            result.append(extent.start..<extent.start + length)
        }
        return result
    }

    /// The key of the slice's own entry in a bundle (saved_tensor_slice_util.cc, ordered_code.cc).
    func key(of name: String) -> [UInt8] {
        var key =
            OrderedCode.number(0) + OrderedCode.string(Array(name.utf8)) + OrderedCode.number(UInt64(extents.count))
        for extent in extents {
            key += OrderedCode.signedNumber(Int64(extent.length == nil ? 0 : extent.start))
            key += OrderedCode.signedNumber(Int64(extent.length ?? -1))
        }
        return key
    }
}

/// Encodings whose bytes sort like the encoded values.
enum OrderedCode {
    /// The number of bytes, then the number in big-endian order; no bytes for 0.
    static func number(_ value: UInt64) -> [UInt8] {
        let bytes = withUnsafeBytes(of: value.bigEndian) { Array($0.drop { $0 == 0 }) }
        return [UInt8(bytes.count)] + bytes
    }

    /// The bytes with 00 and ff escaped, then a terminator.
    static func string(_ value: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        for byte in value {
            result.append(byte)
            if byte == 0 { result.append(0xff) } else if byte == 0xff { result.append(0) }
        }
        return result + [0, 1]
    }

    /// `n` bytes for numbers in [-2^(7n-1), 2^(7n-1)): the sign-extended number, with a header of `n` ones XORed into its front.
    static func signedNumber(_ value: Int64) -> [UInt8] {
        let magnitude = value < 0 ? ~value : value
        var count = 1
        while count < 10, magnitude >> Int64(count * 7 - 1) != 0 { count += 1 }
        let big = withUnsafeBytes(of: value.bigEndian) { Array($0) }
        let sign: UInt8 = value < 0 ? 0xff : 0
        var bytes = Array(([sign, sign] + big).suffix(count))
        let header: [UInt8] =
            count <= 8 ? [UInt8(truncatingIfNeeded: 0xff00 >> count)] : [0xff, count == 9 ? 0x80 : 0xc0]
        for (index, byte) in header.enumerated() { bytes[index] ^= byte }
        return bytes
    }
}
