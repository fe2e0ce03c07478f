import Glibc
import HTTPMessages

/// A copy of a text whose padding ends at memory that cannot be read, so that a look beyond it ends the test.
// Safety: owns its memory, of which only the part before the last page is used.
final class GuardedText {
    /// The text. Its padding is readable.
    let text: UnsafeRawBufferPointer
    private let memory: UnsafeMutableRawPointer
    private let byteCount: Int

    /// - Parameters:
    ///   - bytes: The text.
    ///   - padding: The byte that the padding consists of.
    init?(_ bytes: [UInt8], padding: UInt8) {
        let page = sysconf(Int32(_SC_PAGESIZE))
        let readable = (bytes.count + HTTPRequest.bodyPadding + page - 1) / page * page
        byteCount = readable + page
        guard let memory = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            memory != MAP_FAILED, mprotect(memory + readable, page, PROT_NONE) == 0
        else { return nil }
        self.memory = memory
        let start = memory + (readable - HTTPRequest.bodyPadding - bytes.count)
        bytes.withUnsafeBytes { start.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(start), byteCount: $0.count) }
        memset(start + bytes.count, Int32(padding), HTTPRequest.bodyPadding)
        text = UnsafeRawBufferPointer(start: start, count: bytes.count)
    }

    deinit { munmap(memory, byteCount) }
}
