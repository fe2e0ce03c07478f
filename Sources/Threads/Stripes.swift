internal import CThreads
internal import Glibc

/// The division of shared numbers into stripes, so that threads that change them at the same time seldom use the same cache line.
///
/// A line that several processors change in turn costs each of them about as much as a hundred additions.
enum Stripes {
    /// The number of stripes, a power of two.
    static let count: Int = {
        let processors = min(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))), maxCount / 2)
        return max(minCount, 1 << (Int.bitWidth - (2 * processors - 1).leadingZeroBitCount))
    }()

    /// The bytes of a cache line.
    static let lineBytes = 64

    private static let minCount = 8
    private static let maxCount = 64

    /// A number of the calling thread, which stays the same.
    @inline(__always)
    static var ofThread: Int { Int(cthreads_number()) }
}
