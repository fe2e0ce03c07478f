/// A file that is read only where bytes are requested.
final class PeekedFile {
    let byteCount: Int
    private let file: OpenFile
    private var window: [UInt8] = []
    private var windowStart = 0

    private static let windowBytes = 4096

    /// - Throws: ``CheckpointError``, as ``OpenFile/init(path:)`` does.
    init(path: String) throws(CheckpointError) {
        file = try OpenFile(path: path)
        byteCount = file.byteCount
    }

    /// The byte at a position; nil past the end, or if the file cannot be read.
    func byte(at position: Int) -> UInt8? {
        guard (0..<byteCount).contains(position) else { return nil }
        if !(windowStart..<windowStart + window.count).contains(position) {
            window = bytes(at: position, count: min(Self.windowBytes, byteCount - position)) ?? []
            windowStart = position
        }
        let index = position - windowStart
        return window.indices.contains(index) ? window[index] : nil
    }

    /// The bytes at a position; nil if the file has fewer, or cannot be read.
    func bytes(at position: Int, count: Int) -> [UInt8]? {
        guard position >= 0, count >= 0, position <= byteCount, count <= byteCount - position else { return nil }
        var bytes = [UInt8](repeating: 0, count: count)
        let isRead = bytes.withUnsafeMutableBytes { memory in (try? file.read(into: memory, at: position)) != nil }
        return isRead ? bytes : nil
    }
}
