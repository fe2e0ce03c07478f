/// The contents of a `checkpoint` file: TensorFlow's `CheckpointState`, in protobuf's text format.
///
/// Unlike TensorFlow, it skips unknown fields.
public struct CheckpointState: Hashable, Sendable {
    /// The newest prefix, as written; absolute, or relative to the file's folder.
    public private(set) var modelCheckpointPath: String?
    /// All prefixes that the Saver keeps, the oldest first.
    public private(set) var allModelCheckpointPaths: [String] = []

    /// The maximum size of a file. A larger one is not a list of checkpoints.
    static let largestFileBytes = 16 << 20
    private static let deepestNesting = 64

    /// Parses the text.
    ///
    /// - Parameters:
    ///   - text: The file's bytes.
    ///   - file: Its name, for messages.
    /// - Throws: ``CheckpointError`` with line and column.
    public init(parsing text: [UInt8], file: String) throws(CheckpointError) {
        var parser = Parser(scanner: TextScanner(text))
        do throws(TextScanner.Failure) {
            while let field = try parser.readField() {
                switch field.name {
                case "model_checkpoint_path": if let last = field.strings.last { modelCheckpointPath = last }
                case "all_model_checkpoint_paths": allModelCheckpointPaths += field.strings
                default: break
                }
            }
        } catch { throw CheckpointError(.malformed, file: file, error.reason) }
    }

    /// Reads the file.
    ///
    /// - Throws: ``CheckpointError`` if it is missing, too large, or not text format.
    public init(contentsOf path: String) throws(CheckpointError) {
        let file = try FileContents(path: path)
        guard file.bytes.count <= Self.largestFileBytes else {
            throw CheckpointError(
                .malformed, file: path,
                "has \(file.bytes.count) bytes; a checkpoint file has at most \(Self.largestFileBytes)")
        }
        try self.init(parsing: Array(file.bytes), file: path)
    }

    private struct Field {
        let name: String
        /// The string values. Others are skipped.
        var strings: [String] = []
    }

    private struct Parser {
        var scanner: TextScanner

        /// The next field; nil at the end.
        mutating func readField() throws(TextScanner.Failure) -> Field? {
            var token = try scanner.next()
            while token == .symbol(UInt8(ascii: ",")) || token == .symbol(UInt8(ascii: ";")) {
                token = try scanner.next()
            }
            if token == .end { return nil }
            guard case .name(let name) = token else {
                throw TextScanner.Failure(reason: "\(scanner.place): expected a field's name")
            }
            var field = Field(name: name)
            switch try scanner.next() {
            case .symbol(UInt8(ascii: ":")): try readValue(try scanner.next(), into: &field)
            case .symbol(UInt8(ascii: "{")): try skipMessage(until: UInt8(ascii: "}"))
            case .symbol(UInt8(ascii: "<")): try skipMessage(until: UInt8(ascii: ">"))
            default: throw TextScanner.Failure(reason: "\(scanner.place): expected \":\" after \(name)")
            }
            return field
        }

        private mutating func readValue(_ token: TextScanner.Token, into field: inout Field) throws(TextScanner.Failure)
        {
            switch token {
            case .string(let bytes):
                guard let text = String(validating: bytes, as: UTF8.self) else {
                    throw TextScanner.Failure(reason: "\(scanner.place): the string of \(field.name) is not UTF-8")
                }
                field.strings.append(text)
            case .number, .name: break
            case .symbol(UInt8(ascii: "-")): _ = try scanner.next()
            case .symbol(UInt8(ascii: "{")): try skipMessage(until: UInt8(ascii: "}"))
            case .symbol(UInt8(ascii: "<")): try skipMessage(until: UInt8(ascii: ">"))
            case .symbol(UInt8(ascii: "[")): try readList(into: &field)
            default: throw TextScanner.Failure(reason: "\(scanner.place): expected a value for \(field.name)")
            }
        }

        private mutating func readList(into field: inout Field) throws(TextScanner.Failure) {
            var token = try scanner.next()
            while token != .symbol(UInt8(ascii: "]")) {
                guard token != .symbol(UInt8(ascii: "[")) else {
                    throw TextScanner.Failure(reason: "\(scanner.place): a list inside of a list")
                }
                try readValue(token, into: &field)
                token = try scanner.next()
                if token == .symbol(UInt8(ascii: ",")) { token = try scanner.next() }
            }
        }

        /// Skips a nested message up to its closing bracket.
        private mutating func skipMessage(until closing: UInt8) throws(TextScanner.Failure) {
            var open = [closing]
            while let expected = open.last {
                switch try scanner.next() {
                case .symbol(expected): open.removeLast()
                case .symbol(UInt8(ascii: "{")): open.append(UInt8(ascii: "}"))
                case .symbol(UInt8(ascii: "<")): open.append(UInt8(ascii: ">"))
                case .symbol(UInt8(ascii: "[")): open.append(UInt8(ascii: "]"))
                case .symbol(UInt8(ascii: "}")), .symbol(UInt8(ascii: ">")), .symbol(UInt8(ascii: "]")), .end:
                    throw TextScanner.Failure(reason: "\(scanner.place): a bracket is not closed")
                default: break
                }
                guard open.count <= deepestNesting else {
                    throw TextScanner.Failure(reason: "\(scanner.place): nested deeper than \(deepestNesting)")
                }
            }
        }
    }
}
