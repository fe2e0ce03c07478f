internal import Tensors

/// Hash functions of TensorFlow's: the same bytes give the same number in every release, because models are trained on them.
package enum StringHash: Hashable, Sendable {
    /// FarmHash's Fingerprint64 (farmhashna), by Google.
    case fingerprint
    /// TensorFlow's Hash64, a MurmurHash 2 (tensorflow/core/lib/hash/hash.cc).
    case murmur
    /// SipHash-2-4 under a key (Aumasson and Bernstein, 2012).
    case sip(UInt64, UInt64)

    /// The hash of some bytes.
    package func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
        let reader = HashReader(bytes)
        return switch self {
        case .fingerprint: FarmHash.hash(reader)
        case .murmur: MurmurHash.hash(reader)
        case .sip(let first, let second): SipHash.hash(reader, first, second)
        }
    }
}

extension Kernel {
    /// The hash of each of `count` strings, modulo `buckets`, as int64.
    package static func stringBuckets(count: Int, buckets: UInt64, _ hash: StringHash) -> Kernel {
        Kernel("string.hashBuckets") { frame in
            let strings = frame.input(0, as: TensorString.self)
            let output = frame.output(as: Int64.self)
            for index in 0..<count {
                if frame.isOver(after: 8 &+ strings[index].count) { return }
                output[index] = Int64(bitPattern: hash.hash(strings[index].bytes) % buckets)
            }
        }
    }

    /// The length of each of `count` strings, in bytes or in UTF-8 characters, as int32.
    package static func stringLengths(count: Int, ofCharacters: Bool) -> Kernel {
        Kernel("string.length") { frame in
            let strings = frame.input(0, as: TensorString.self)
            let output = frame.output(as: Int32.self)
            for index in 0..<count {
                var length = strings[index].count
                if frame.isOver(after: ofCharacters ? 2 &+ length : 2) { return }
                if ofCharacters { for byte in strings[index].bytes where byte & 0xC0 == 0x80 { length -= 1 } }
                output[index] = Int32(truncatingIfNeeded: length)
            }
        }
    }
}

/// Words within bytes, least significant byte first. Places are checked by the hash functions, which know the count.
private struct HashReader {
    let count: Int
    private let start: UnsafeRawPointer

    // Safety: an empty buffer has no address: any will do, since nothing of it is read. The buffer outlives the reader.
    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        count = bytes.count
        start = UnsafeRawPointer(bytes.baseAddress) ?? UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
    }

    func byte(_ place: Int) -> UInt64 { UInt64((start + place).load(as: UInt8.self)) }
    func word32(_ place: Int) -> UInt64 { UInt64(UInt32(littleEndian: (start + place).loadUnaligned(as: UInt32.self))) }
    func word64(_ place: Int) -> UInt64 { UInt64(littleEndian: (start + place).loadUnaligned(as: UInt64.self)) }

    /// The bytes from a place to the end, fewer than eight, as one number.
    func tail(_ place: Int) -> UInt64 {
        (place..<count).reversed().reduce(0) { $0 << 8 | byte($1) }
    }
}

extension UInt64 {
    fileprivate func rotatedRight(_ bits: UInt64) -> UInt64 { self >> bits | self << (64 &- bits) }
    fileprivate func rotatedLeft(_ bits: UInt64) -> UInt64 { self << bits | self >> (64 &- bits) }
}

private enum FarmHash {
    private static let k0: UInt64 = 0xc3a5_c85c_97cb_3127
    private static let k1: UInt64 = 0xb492_b66f_be98_f273
    private static let k2: UInt64 = 0x9ae1_6a3b_2f90_404f

    static func hash(_ bytes: HashReader) -> UInt64 {
        switch bytes.count {
        case 0...16: upTo16(bytes)
        case 17...32: upTo32(bytes)
        case 33...64: upTo64(bytes)
        default: long(bytes)
        }
    }

    private static func shiftMix(_ value: UInt64) -> UInt64 { value ^ value >> 47 }

    private static func mix16(_ u: UInt64, _ v: UInt64, _ multiplier: UInt64) -> UInt64 {
        let a = shiftMix((u ^ v) &* multiplier)
        return shiftMix((v ^ a) &* multiplier) &* multiplier
    }

    private static func upTo16(_ bytes: HashReader) -> UInt64 {
        let count = bytes.count
        let length = UInt64(count)
        if count >= 8 {
            let multiplier = k2 &+ length &* 2
            let a = bytes.word64(0) &+ k2
            let b = bytes.word64(count - 8)
            let c = b.rotatedRight(37) &* multiplier &+ a
            let d = (a.rotatedRight(25) &+ b) &* multiplier
            return mix16(c, d, multiplier)
        }
        if count >= 4 {
            return mix16(length &+ bytes.word32(0) << 3, bytes.word32(count - 4), k2 &+ length &* 2)
        }
        guard count > 0 else { return k2 }
        let y = bytes.byte(0) &+ bytes.byte(count >> 1) << 8
        let z = length &+ bytes.byte(count - 1) << 2
        return shiftMix(y &* k2 ^ z &* k0) &* k2
    }

    private static func upTo32(_ bytes: HashReader) -> UInt64 {
        let count = bytes.count
        let multiplier = k2 &+ UInt64(count) &* 2
        let a = bytes.word64(0) &* k1
        let b = bytes.word64(8)
        let c = bytes.word64(count - 8) &* multiplier
        let d = bytes.word64(count - 16) &* k2
        return mix16(
            (a &+ b).rotatedRight(43) &+ c.rotatedRight(30) &+ d, a &+ (b &+ k2).rotatedRight(18) &+ c, multiplier)
    }

    private static func upTo64(_ bytes: HashReader) -> UInt64 {
        let count = bytes.count
        let multiplier = k2 &+ UInt64(count) &* 2
        let a = bytes.word64(0) &* k2
        let b = bytes.word64(8)
        let c = bytes.word64(count - 8) &* multiplier
        let d = bytes.word64(count - 16) &* k2
        let y = (a &+ b).rotatedRight(43) &+ c.rotatedRight(30) &+ d
        let z = mix16(y, a &+ (b &+ k2).rotatedRight(18) &+ c, multiplier)
        let e = bytes.word64(16) &* multiplier
        let f = bytes.word64(24)
        let g = (y &+ bytes.word64(count - 32)) &* multiplier
        let h = (z &+ bytes.word64(count - 24)) &* multiplier
        return mix16(
            (e &+ f).rotatedRight(43) &+ g.rotatedRight(30) &+ h, e &+ (f &+ a).rotatedRight(18) &+ g, multiplier)
    }

    private typealias Pair = (first: UInt64, second: UInt64)

    private static func weak32(_ bytes: HashReader, _ place: Int, _ a: UInt64, _ b: UInt64) -> Pair {
        let (w, x) = (bytes.word64(place), bytes.word64(place + 8))
        let (y, z) = (bytes.word64(place + 16), bytes.word64(place + 24))
        let start = a &+ w
        let end = (b &+ start &+ z).rotatedRight(21)
        let sum = start &+ x &+ y
        return (sum &+ z, end &+ sum.rotatedRight(44) &+ start)
    }

    private static func long(_ bytes: HashReader) -> UInt64 {
        let count = bytes.count
        let seed: UInt64 = 81
        var x = seed
        var y = seed &* k1 &+ 113
        var z = shiftMix(y &* k2 &+ 113) &* k2
        var v: Pair = (0, 0)
        var w: Pair = (0, 0)
        x = x &* k2 &+ bytes.word64(0)
        let end = (count - 1) / 64 * 64
        let last = count - 64
        var place = 0
        repeat {
            x = (x &+ y &+ v.first &+ bytes.word64(place + 8)).rotatedRight(37) &* k1
            y = (y &+ v.second &+ bytes.word64(place + 48)).rotatedRight(42) &* k1
            x ^= w.second
            y = y &+ v.first &+ bytes.word64(place + 40)
            z = (z &+ w.first).rotatedRight(33) &* k1
            v = weak32(bytes, place, v.second &* k1, x &+ w.first)
            w = weak32(bytes, place + 32, z &+ w.second, y &+ bytes.word64(place + 16))
            swap(&z, &x)
            place += 64
        } while place != end
        let multiplier = k1 &+ (z & 0xff) << 1
        place = last
        w.first = w.first &+ UInt64((count - 1) & 63)
        v.first = v.first &+ w.first
        w.first = w.first &+ v.first
        x = (x &+ y &+ v.first &+ bytes.word64(place + 8)).rotatedRight(37) &* multiplier
        y = (y &+ v.second &+ bytes.word64(place + 48)).rotatedRight(42) &* multiplier
        x ^= w.second &* 9
        y = y &+ v.first &* 9 &+ bytes.word64(place + 40)
        z = (z &+ w.first).rotatedRight(33) &* multiplier
        v = weak32(bytes, place, v.second &* multiplier, x &+ w.first)
        w = weak32(bytes, place + 32, z &+ w.second, y &+ bytes.word64(place + 16))
        swap(&z, &x)
        return mix16(
            mix16(v.first, w.first, multiplier) &+ shiftMix(y) &* k0 &+ z,
            mix16(v.second, w.second, multiplier) &+ x, multiplier)
    }
}

private enum MurmurHash {
    static func hash(_ bytes: HashReader) -> UInt64 {
        let multiplier: UInt64 = 0xc6a4_a793_5bd1_e995
        var hash: UInt64 = 0xDECA_FCAF_FE ^ UInt64(bytes.count) &* multiplier
        var place = 0
        while bytes.count - place >= 8 {
            var word = bytes.word64(place) &* multiplier
            word ^= word >> 47
            hash = (hash ^ word &* multiplier) &* multiplier
            place += 8
        }
        if place < bytes.count { hash = (hash ^ bytes.tail(place)) &* multiplier }
        hash = (hash ^ hash >> 47) &* multiplier
        return hash ^ hash >> 47
    }
}

private enum SipHash {
    private struct State {
        var v0: UInt64, v1: UInt64, v2: UInt64, v3: UInt64

        mutating func round() {
            v0 = v0 &+ v1
            v1 = v1.rotatedLeft(13) ^ v0
            v0 = v0.rotatedLeft(32)
            v2 = v2 &+ v3
            v3 = v3.rotatedLeft(16) ^ v2
            v0 = v0 &+ v3
            v3 = v3.rotatedLeft(21) ^ v0
            v2 = v2 &+ v1
            v1 = v1.rotatedLeft(17) ^ v2
            v2 = v2.rotatedLeft(32)
        }

        mutating func add(_ word: UInt64) {
            v3 ^= word
            round()
            round()
            v0 ^= word
        }
    }

    static func hash(_ bytes: HashReader, _ first: UInt64, _ second: UInt64) -> UInt64 {
        var state = State(
            v0: first ^ 0x736f_6d65_7073_6575, v1: second ^ 0x646f_7261_6e64_6f6d, v2: first ^ 0x6c79_6765_6e65_7261,
            v3: second ^ 0x7465_6462_7974_6573)
        var place = 0
        while bytes.count - place >= 8 {
            state.add(bytes.word64(place))
            place += 8
        }
        state.add(UInt64(truncatingIfNeeded: bytes.count) << 56 | bytes.tail(place))
        state.v2 ^= 0xff
        for _ in 0..<4 { state.round() }
        return state.v0 ^ state.v1 ^ state.v2 ^ state.v3
    }
}
