import Testing
import VectorSupport

@testable import Checkpoints

@Suite("Checksums")
struct ChecksumTests {
    private static func bytes(_ count: Int, _ random: inout SplitMix) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    }

    private static func checksum(_ bytes: ArraySlice<UInt8>) -> Checksum {
        var checksum = Checksum()
        bytes.withUnsafeBytes { checksum.extend($0) }
        return checksum
    }

    @Test("the instruction gives what tables give, for all sizes around those of its streams")
    func sizes() {
        var random = SplitMix(state: 7)
        let bytes = Self.bytes(150_000, &random)
        // Three streams of 512 bytes, and of 16 KiB.
        let sizes = [0, 1, 3, 7, 8, 9, 15, 1535, 1536, 1537, 1544, 3071, 3072, 49_151, 49_152, 49_153, 50_689, 149_999]
        for count in sizes + (0..<50).map({ _ in Int.random(in: 0..<bytes.count, using: &random) }) {
            bytes[..<count].withUnsafeBytes { #expect(crc($0) == crcByTables($0), "\(count)") }
        }
    }

    @Test("the checksums of parts, put together, are that of the whole, however it is cut")
    func parts() {
        var random = SplitMix(state: 11)
        for count in [0, 1, 2, 9, 64, 1000, 4097, 70_001] {
            let bytes = Self.bytes(count, &random)
            let whole = Self.checksum(bytes[...]).masked
            for round in 0..<20 {
                var cuts = (0..<round).map { _ in Int.random(in: 0...count, using: &random) }.sorted()
                cuts = [0] + cuts + [count]
                var joined = Checksum()
                for (start, end) in zip(cuts, cuts.dropFirst()) {
                    joined.append(Self.checksum(bytes[start..<end]), byteCount: end - start)
                }
                #expect(joined.masked == whole, "\(count) bytes, cut at \(cuts)")
            }
        }
    }
}
