import API
import ArgumentParser
import Serving
import Settings
import Tensors

/// A file to feed: a `.npy` array, JSON, or, for a string input, any bytes.
struct FeedFile {
    private let path: String
    private let feed: String
    /// Its contents.
    let bytes: [UInt8]

    private static let maxBytes = 1 << 30

    /// Reads the file.
    ///
    /// - Throws: `ValidationError` with the reason if it cannot be read.
    init(path: String, feed: String) throws {
        self.path = path
        self.feed = feed
        do throws(SettingsProblem) { bytes = try SmallFile.read(path, maxBytes: Self.maxBytes, waits: true) } catch {
            throw ValidationError("--feed \(feed)=@\(path): \(path) cannot be read: \(error.message)")
        }
    }

    /// Whether it is a `.npy` array, by its contents or its name.
    var isArray: Bool { bytes.starts(with: [0x93] + Array("NUMPY".utf8)) || path.hasSuffix(".npy") }

    /// The contents of the file, as JSON.
    ///
    /// - Parameter input: The model's input, if there is one.
    /// - Returns: JSON.
    /// - Throws: `ValidationError` with the next step, if the input does not accept the file.
    func json(for input: TensorDescription?) throws -> String {
        if isArray {
            do throws(NPYText.Fault) { return try NPYText.json(file: bytes) } catch {
                throw ValidationError("\(path): is not a .npy file that can be fed: \(error.reason)")
            }
        }
        if input?.dtype == .string {
            // One string, nested in as many lists as the input has dimensions.
            let rank = input?.shape.dimensions?.count ?? 0
            return String(repeating: "[", count: rank) + JSONText.bytes(bytes) + String(repeating: "]", count: rank)
        }
        let kind = Self.imageKind(of: bytes)
        let text = kind == nil ? String(validating: bytes, as: UTF8.self) : nil
        let fault = text.map { JSONText.fault(in: $0) ?? "" }
        if let text, fault == "" { return text }
        if input == nil { return JSONText.bytes(bytes) }
        throw ValidationError(misfit(kind, fault, input))
    }

    private func misfit(_ kind: String?, _ fault: String?, _ input: TensorDescription?) -> String {
        let dtype = input?.dtype?.name ?? "numbers"
        let taken = "input \(feed) takes \(dtype) \(input?.shape ?? .unknown)"
        let saved = "numpy.save(\"\(feed.prefix { $0.isLetter || $0.isNumber }).npy\", x)"
        if let kind {
            return "\(path): is a \(kind) image, but \(taken). Decode it as the model was trained, for example x = "
                + "numpy.asarray(PIL.Image.open(\"\(path)\"), numpy.\(dtype))[None], and feed what \(saved) writes"
        }
        return "\(path): is neither a .npy array nor JSON\(fault.map { " (\($0))" } ?? ""), but \(taken). Feed what "
            + "\(saved) writes, or lists of numbers as JSON"
    }

    /// The kinds of images by their first bytes.
    private static let imageKinds: [(name: String, start: [UInt8])] = [
        ("PNG", [0x89, 0x50, 0x4e, 0x47]), ("JPEG", [0xff, 0xd8, 0xff]), ("GIF", Array("GIF8".utf8)),
        ("BMP", Array("BM".utf8)), ("TIFF", [0x49, 0x49, 0x2a, 0]),
    ]

    private static func imageKind(of bytes: [UInt8]) -> String? {
        imageKinds.first { bytes.starts(with: $0.start) }?.name
    }
}
