extension CheckpointState {
    /// A prefix that a Saver keeps.
    package struct Kept: Hashable, Sendable {
        /// The prefix, absolute or relative to the folder.
        package let path: String
        /// When it was saved, in seconds since 1970.
        package let time: Double

        package init(path: String, time: Double) {
            self.path = path
            self.time = time
        }
    }

    /// Writes the `checkpoint` file of a folder.
    ///
    /// - Parameters:
    ///   - kept: The prefixes that are kept, the oldest first; the last one is the newest.
    ///   - lastPreserved: When the last prefix was saved that is kept for good; nil for none.
    ///   - folder: The folder.
    /// - Throws: ``CheckpointError`` of kind `io`.
    package static func write(_ kept: [Kept], lastPreserved: Double?, in folder: String) throws(CheckpointError) {
        guard let newest = kept.last else { return }
        var text = "model_checkpoint_path: \(quoted(newest.path))\n"
        for item in kept { text += "all_model_checkpoint_paths: \(quoted(item.path))\n" }
        for item in kept { text += "all_model_checkpoint_timestamps: \(item.time)\n" }
        if let lastPreserved { text += "last_preserved_timestamp: \(lastPreserved)\n" }
        var file = try NewFile(path: folder + "/checkpoint")
        try file.write(Array(text.utf8))
        try file.finish()
    }

    /// A string in protobuf's text format.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): result += "\\" + String(UnicodeScalar(byte))
            case 0x20..<0x7f: result += String(UnicodeScalar(byte))
            default:
                let octal = String(byte, radix: 8)
                result += "\\" + String(repeating: "0", count: 3 - octal.count) + octal
            }
        }
        return result + "\""
    }
}
