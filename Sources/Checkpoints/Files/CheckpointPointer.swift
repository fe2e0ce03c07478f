internal import Files
internal import Glibc
internal import Text

/// The prefixes that the `checkpoint` file of a folder names, as `tf.train.get_checkpoint_state` reads them: absolute paths, or paths
/// relative to the folder.
///
/// The file is not trusted, so it only selects files of its own folder, unless the server may follow paths. If a path does not exist, its last
/// component is searched, because folders are moved, and written on other systems.
struct CheckpointPointer {
    private let folder: String
    private let names: FileNames
    private let followsPaths: Bool
    /// The prefixes of the checkpoints in the folder itself.
    private let present: [String]
    private let presentNames: Set<ExactText>
    /// The prefix that the file names, then those that it lists, newest first, as written.
    private(set) var written: [String] = []
    /// The reason why it names nothing.
    private(set) var fault: String?

    /// The maximum number of paths in other folders that are searched.
    private static let maxForeignPaths = 100

    /// - Parameters:
    ///   - folder: The folder.
    ///   - names: The names in the folder.
    ///   - present: The checkpoints in the folder.
    ///   - followsPaths: Whether a path may lead out of the folder.
    init(_ folder: String, _ names: FileNames, present: [String], followsPaths: Bool) {
        self.folder = folder
        self.names = names
        self.followsPaths = followsPaths
        self.present = present
        presentNames = Set(present.map { ExactText($0) })
        guard names.contains("checkpoint") else {
            fault = "\(folder) has no checkpoint file"
            return
        }
        do throws(CheckpointError) {
            let state = try CheckpointState(contentsOf: "\(folder)/checkpoint")
            if let path = state.modelCheckpointPath { written.append(path) }
            written += state.allModelCheckpointPaths.reversed()
            if state.modelCheckpointPath == nil { fault = "\(folder)/checkpoint names no model_checkpoint_path" }
        } catch {
            fault = ForeignFile.of(path: "\(folder)/checkpoint").map { "\(folder)/checkpoint: \($0)" } ?? "\(error)"
        }
    }

    /// The existing checkpoints of those that the file names, each once, and whether the one that it names first exists.
    var resolved: (prefixes: [String], isFirstThere: Bool) {
        var result: [String] = []
        var known: Set<ExactText> = []
        var foreign = 0
        var isFirstThere = false
        for (index, path) in written.enumerated() {
            var found: String?
            for place in places(of: path) where found == nil { found = exists(place, &foreign) }
            guard let found else { continue }
            if index == 0, fault == nil { isFirstThere = true }
            if known.insert(ExactText(found)).inserted { result.append(found) }
        }
        return (result, isFirstThere)
    }

    /// The checkpoint at a path; nil if there is none.
    private func exists(_ place: String, _ foreign: inout Int) -> String? {
        guard PathText.folder(of: place).isExactly(folder) else {
            foreign += 1
            return foreign <= Self.maxForeignPaths && CheckpointFolder.isCheckpoint(prefix: place) ? place : nil
        }
        let name = PathText.name(of: place)
        if presentNames.contains(ExactText(name)) { return place }
        // Some systems decompose the names of files, but not the contents.
        return present.first { $0 == name }.map { "\(folder)/\($0)" }
    }

    /// The possible places of a written path, the most likely first.
    private func places(of path: String) -> [String] {
        var places: [String] = []
        if let inside = inside(path) {
            places.append("\(folder)/\(inside)")
        } else if followsPaths {
            places.append(absolute(path))
        }
        let slashed = Self.withSlashes(path)
        if !slashed.isExactly(path), let inside = inside(slashed) { places.append("\(folder)/\(inside)") }
        for name in [PathText.name(of: path), PathText.name(of: slashed)] where !name.isEmpty {
            places.append("\(folder)/\(name)")
        }
        return places
    }

    /// The path relative to the folder; nil if it leads out of the folder.
    private func inside(_ path: String) -> String? {
        guard path.utf8.first != UInt8(ascii: "/") else {
            if let below = PathText.path(path, below: folder) { return below }
            guard let real = realpath(folder, nil) else { return nil }
            defer { free(real) }
            return PathText.path(path, below: String(cString: real))
        }
        let parts = PathText.components(of: path).filter { $0 != "." }
        return parts.isEmpty || parts.contains("..") ? nil : parts.joined(separator: "/")
    }

    private func absolute(_ path: String) -> String {
        path.utf8.first == UInt8(ascii: "/") ? path : "\(folder)/\(path)"
    }

    /// A Windows path with slashes and without its drive.
    private static func withSlashes(_ path: String) -> String {
        var bytes = path.utf8.map { $0 == UInt8(ascii: "\\") ? UInt8(ascii: "/") : $0 }
        if bytes.count > 2, bytes[1] == UInt8(ascii: ":"), bytes[2] == UInt8(ascii: "/") { bytes.removeFirst(2) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The checkpoint in another folder that is named first, but may not be used; nil if there is none.
    private var outside: String? {
        guard !followsPaths, let path = written.first, inside(path) == nil else { return nil }
        return CheckpointFolder.isCheckpoint(prefix: absolute(path)) ? absolute(path) : nil
    }

    /// The reason why the checkpoint that is named first is not used; nil if none is named.
    var shortfall: String? {
        guard fault == nil, let path = written.first else { return nil }
        let start = "\(folder)/checkpoint names \(path), which is "
        guard let outside else { return start + "not found" }
        let place = outside.isExactly(path) ? "" : " (\(outside))"
        return start + "outside the folder\(place): use --follow-paths to serve it"
    }

    /// A remark if a file of the folder is used although the named one also exists.
    var remark: String? {
        guard outside != nil, let path = written.first else { return nil }
        return "\(folder)/checkpoint names \(path): using the files of that name in the folder; "
            + "--follow-paths uses the named files instead"
    }
}
