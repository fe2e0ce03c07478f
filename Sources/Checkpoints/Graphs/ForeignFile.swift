internal import Files

/// A file of an unsupported kind, with the next step.
package struct ForeignFile: Hashable, Sendable, CustomStringConvertible {
    /// With an article: "a Keras model in HDF5".
    package let title: String
    /// The steps from the file to something that can be served.
    package let remedy: String
    /// Whether a folder that contains it was meant as a model.
    package let isModel: Bool

    /// "is a Keras model in HDF5: export it ...".
    package var description: String { "is \(title): \(remedy)" }

    /// Determines the kind of a file by its bytes, then by its name. Only the beginning of the file is read.
    ///
    /// - Parameter path: The file.
    /// - Returns: The kind; nil if it is unknown, or the file cannot be read.
    package static func of(path: String) -> ForeignFile? {
        guard let file = try? PeekedFile(path: path) else { return nil }
        let beginning = Beginning(file.bytes(at: 0, count: min(file.byteCount, Beginning.maxBytes)) ?? [], name: path)
        return kinds.first { $0.fits(beginning) }.map { kind in
            ForeignFile(title: kind.title, remedy: kind.remedy(path), isModel: kind.isModel)
        }
    }

    /// The first such file of a folder, and its kind.
    ///
    /// - Parameters:
    ///   - folder: Its path.
    ///   - names: The names of its files.
    /// - Returns: The file's name and kind. Files that were meant as models come first.
    package static func first(in folder: String, _ names: [String]) -> (name: String, kind: ForeignFile)? {
        let found = names.prefix(maxFiles).compactMap { name in
            of(path: "\(folder)/\(name)").map { (name: name, kind: $0) }
        }
        return found.first { $0.kind.isModel } ?? found.first
    }

    private static let maxFiles = 256
}

/// The beginning and the name of a file.
private struct Beginning {
    static let maxBytes = 1024

    let bytes: [UInt8]
    let name: String

    init(_ bytes: [UInt8], name: String) {
        self.bytes = bytes
        self.name = name.lowercased()
    }

    func has(_ text: String, at offset: Int = 0) -> Bool { has(Array(text.utf8), at: offset) }

    func has(_ pattern: [UInt8], at offset: Int = 0) -> Bool { bytes.dropFirst(offset).starts(with: pattern) }

    func contains(_ text: String) -> Bool {
        let pattern = Array(text.utf8)
        return bytes.indices.contains { bytes[$0...].starts(with: pattern) }
    }

    func isNamed(_ suffixes: String...) -> Bool { suffixes.contains { name.ends(with: $0) } }

    var isZip: Bool { has([0x50, 0x4b, 0x03, 0x04]) }
    var isPickle: Bool { bytes.count > 2 && bytes[0] == 0x80 && (2...5).contains(bytes[1]) }
    var isHDF5: Bool { has([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]) }

    /// The first characters of a text, in lower case, without white space.
    var text: String {
        let first = bytes.prefix(256).drop { $0 <= 0x20 || $0 == 0xef || $0 == 0xbb || $0 == 0xbf }
        return String(decoding: first, as: UTF8.self).lowercased()
    }

    var isSafetensors: Bool {
        guard bytes.count > 9, bytes[8] == UInt8(ascii: "{"), bytes[9] == UInt8(ascii: "\"") else { return false }
        return bytes[4..<8].allSatisfy { $0 == 0 }
    }
}

extension ForeignFile {
    fileprivate struct Kind: Sendable {
        let title: String
        let isModel: Bool
        let remedy: @Sendable (String) -> String
        let fits: @Sendable (Beginning) -> Bool

        init(
            _ title: String, isModel: Bool = true, _ remedy: @escaping @Sendable (String) -> String,
            _ fits: @escaping @Sendable (Beginning) -> Bool
        ) {
            self.title = title
            self.isModel = isModel
            self.remedy = remedy
            self.fits = fits
        }
    }

    private static func kerasExport(_ file: String) -> String {
        "export it with `python -c \"import keras; keras.models.load_model('\(file)').export('exported')\"`, and serve "
            + "the folder exported"
    }

    private static let kerasWeights =
        "it has no graph: build the model in Python, call model.load_weights and then model.export('exported'), and "
        + "serve the folder exported"
    private static let torch =
        "it is not from TensorFlow: export it to ONNX with torch.onnx.export, and that to a SavedModel with "
        + "`onnx2tf -i FILE.onnx -o exported`"

    private static func unpacking(_ command: String) -> @Sendable (String) -> String {
        { file in "unpack it with `\(command.replacing("FILE", with: "'\(file)'"))`, and serve the folder" }
    }

    /// The kinds, in the order in which they are tried. To add one, add an entry here.
    fileprivate static let kinds: [Kind] = [
        Kind(
            "a Git LFS pointer, not the file itself",
            { file in "run `git lfs pull` in the repository, which fetches \(PathText.name(of: file))" },
            { $0.has("version https://git-lfs.github.com/spec/") }),
        Kind(
            "a web page, not the file itself", isModel: false,
            { _ in "it may be an error or a login page that was saved instead: download the file again" },
            { $0.text.begins(with: "<!doctype html") || $0.text.begins(with: "<html") }),
        Kind(
            "an error message as XML, not the file itself", isModel: false,
            { _ in "the storage service refused the download: download the file again" },
            { $0.text.begins(with: "<?xml") && $0.contains("<Error") || $0.text.begins(with: "<error") }),
        Kind(
            "Keras weights without a model (.weights.h5)", { _ in kerasWeights },
            { $0.isHDF5 && $0.isNamed(".weights.h5", ".weights.hdf5") }),
        Kind("a Keras model in HDF5", kerasExport, { $0.isHDF5 }),
        Kind(
            "a TensorFlow Lite model",
            { _ in "take the model that it was converted from, and export that with model.export('exported')" },
            { $0.has("TFL3", at: 4) }),
        Kind("safetensors weights", { _ in torch }, { $0.isSafetensors }),
        Kind(
            "a GGUF model", { _ in "it is for llama.cpp; metaserve serves TensorFlow's graphs" }, { $0.has("GGUF") }),
        Kind(
            "a Keras model (.keras)", kerasExport, { $0.isZip && ($0.isNamed(".keras") || $0.contains("config.json")) }),
        Kind(
            "NumPy arrays (.npz)", isModel: false,
            { _ in "they are weights or data without a graph: build the model in Python and export it" },
            { $0.isZip && ($0.isNamed(".npz") || $0.contains(".npy")) }),
        Kind(
            "a PyTorch model", { _ in torch },
            {
                ($0.isZip || $0.isPickle)
                    && ($0.isNamed(".pt", ".pth", ".pt2", ".bin", ".ckpt") || $0.contains("/data.pkl"))
            }),
        Kind(
            "an ONNX model", { file in "convert it to a SavedModel with `onnx2tf -i '\(file)' -o exported`" },
            { $0.isNamed(".onnx") && $0.has([0x08]) }),
        Kind(
            "a TensorFlow.js model",
            { _ in
                "convert it with `tensorflowjs_converter --input_format=tfjs_layers_model "
                    + "--output_format=keras_saved_model model.json exported`, and serve the folder exported"
            },
            { $0.isNamed("model.json") && ($0.contains("modelTopology") || $0.contains("layers-model")) }),
        Kind(
            "a Core ML model", { _ in "export the model that it was made of from TensorFlow" },
            { $0.isNamed(".mlmodel") }),
        Kind("a zip archive", isModel: false, unpacking("unzip FILE -d DIR"), { $0.isZip }),
        Kind(
            "a tar archive", isModel: false, unpacking("tar -xf FILE -C DIR"),
            { $0.has("ustar", at: 257) || isCompressed($0) && $0.isNamed(".tgz", ".tbz2", ".txz") || isTar($0) }),
        Kind("a compressed file", isModel: false, unpacking("7z x FILE"), isCompressed),
        Kind(
            "a Python pickle", isModel: false,
            { _ in "load it in Python, build the model with TensorFlow and export it" },
            { $0.isPickle && $0.isNamed(".pkl", ".pickle", ".joblib", ".bin") }),
    ]

    private static func isTar(_ beginning: Beginning) -> Bool {
        isCompressed(beginning) && beginning.isNamed(".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst")
    }

    /// gzip, xz, bzip2, zstd, 7z and RAR.
    private static func isCompressed(_ beginning: Beginning) -> Bool {
        let magics: [[UInt8]] = [
            [0x1f, 0x8b], [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], Array("BZh".utf8), [0x28, 0xb5, 0x2f, 0xfd],
            [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], Array("Rar!".utf8),
        ]
        return magics.contains { beginning.has($0) }
    }
}

/// A remote address that was given as the path of a model.
package enum RemotePath {
    /// The commands that copy files from addresses of a scheme.
    private static let commands: [(scheme: String, command: String)] = [
        ("s3://", "aws s3 cp --recursive ADDRESS DIR"), ("gs://", "gcloud storage cp -r ADDRESS DIR"),
        ("hdfs://", "hdfs dfs -get ADDRESS DIR"), ("http://", "curl -LO ADDRESS"), ("https://", "curl -LO ADDRESS"),
        ("abfs://", "hdfs dfs -get ADDRESS DIR"), ("abfss://", "hdfs dfs -get ADDRESS DIR"),
    ]

    /// The reason why an address cannot be served, with the next step; nil for a path.
    package static func fault(of path: String) -> String? {
        let lower = path.lowercased()
        if lower.begins(with: "file://") {
            let local = String(Substring(path.utf8.dropFirst(7)))
            return "\(path): is an address: give the path \(local)"
        }
        guard let known = commands.first(where: { lower.begins(with: $0.scheme) }) else { return nil }
        let command = known.command.replacing("ADDRESS", with: "'\(path)'")
        return "\(path): metaserve reads local files only: copy the model with `\(command)`, and serve the folder"
    }
}
