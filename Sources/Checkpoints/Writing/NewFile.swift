internal import Files
internal import Glibc

/// A file that is written under a temporary name beside its place, and gets its name when it is complete and on the disk.
///
/// Whoever looks at the place sees the old file, or the whole new one. A file that is not finished is deleted.
package struct NewFile: ~Copyable {
    /// The place.
    package let path: String
    private let temporary: String
    private var descriptor: Int32
    /// The number of bytes written so far.
    package private(set) var byteCount = 0
    private var isFinished = false

    /// The end of temporary names; a process that was killed leaves such a file.
    private static let ending = ".metaserve-"

    /// Whether a name is that of a file which a killed process has not finished.
    package static func isRest(_ name: String) -> Bool {
        guard let place = name.ranges(of: ending).last else { return false }
        let number = name[place.upperBound...]
        return !number.isEmpty && number.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// Opens the file under its temporary name.
    ///
    /// - Throws: ``CheckpointError`` of kind `io` if the folder cannot be written.
    package init(path: String) throws(CheckpointError) {
        self.path = path
        temporary = "\(path)\(Self.ending)\(getpid())"
        // O_EXCL does not follow a link that somebody has put there.
        unlink(temporary)
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Self.failure(path, "cannot be written", errno) }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
        if !isFinished { unlink(temporary) }
    }

    /// Adds bytes.
    ///
    /// - Throws: ``CheckpointError`` of kind `io`: the disk is full, for example.
    package mutating func write(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
        guard let base = bytes.baseAddress else { return }
        var done = 0
        while done < bytes.count {
            // Safety: at most the bytes that are left are read.
            let count = Glibc.write(descriptor, base + done, bytes.count - done)
            guard count >= 0 else {
                if errno == EINTR { continue }
                throw Self.failure(path, "cannot be written at byte \(byteCount + done)", errno)
            }
            done += count
        }
        byteCount += done
    }

    /// Adds bytes.
    package mutating func write(_ bytes: [UInt8]) throws(CheckpointError) {
        try bytes.withUnsafeBufferPointer { bytes throws(CheckpointError) in try write(UnsafeRawBufferPointer(bytes)) }
    }

    /// Waits until the bytes are on the disk, and gives the file its name.
    ///
    /// - Throws: ``CheckpointError`` of kind `io`; the place is as it was before.
    package mutating func finish() throws(CheckpointError) {
        guard fsync(descriptor) == 0 else { throw Self.failure(path, "cannot be brought to the disk", errno) }
        guard rename(temporary, path) == 0 else { throw Self.failure(path, "cannot get its name", errno) }
        isFinished = true
        try Self.synchronize(folder: PathText.folder(of: path))
    }

    /// Waits until the names in a folder are on the disk.
    ///
    /// - Throws: ``CheckpointError`` of kind `io`.
    package static func synchronize(folder: String) throws(CheckpointError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(folder, "cannot be opened", errno) }
        defer { close(descriptor) }
        // Some file systems have no such operation for folders.
        guard fsync(descriptor) == 0 || errno == EINVAL else {
            throw failure(folder, "cannot be brought to the disk", errno)
        }
    }

    private static func failure(_ path: String, _ what: String, _ code: Int32) -> CheckpointError {
        CheckpointError(.io, file: path, "\(what): \(String(cString: strerror(code)))")
    }
}
