import Foundation

/// A folder for readers that take paths, in memory if possible.
struct ScratchFolder: Sendable {
    let path: String

    init() throws {
        let shared = "/dev/shm"
        let root =
            FileManager.default.isWritableFile(atPath: shared) ? shared : FileManager.default.temporaryDirectory.path
        path = "\(root)/metaserve-fuzz-\(getpid())"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        Self.made = path
        atexit { if let path = ScratchFolder.made { try? FileManager.default.removeItem(atPath: path) } }
    }

    // Safety: written once, by the thread that makes the only reader, before any input is read.
    private nonisolated(unsafe) static var made: String?

    /// Writes a file, and returns its path.
    func write(_ bytes: UnsafeRawBufferPointer, to name: String) -> String {
        let file = "\(path)/\(name)"
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard descriptor >= 0 else { preconditionFailure("\(file) cannot be written") }
        defer { close(descriptor) }
        guard Glibc.write(descriptor, bytes.baseAddress, bytes.count) == bytes.count else {
            preconditionFailure("\(file) cannot be written")
        }
        return file
    }

    /// Writes a file, and returns its path.
    func write(_ bytes: [UInt8], to name: String) -> String { bytes.withUnsafeBytes { write($0, to: name) } }
}
