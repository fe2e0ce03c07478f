import Foundation
import VectorSupport

@testable import Checkpoints

/// A sorted table with its own checksums, so that their check is fuzzed as well.
struct TableReader: FuzzReader {
    static let name = "table"
    private let folder: ScratchFolder

    static func seeds() throws -> [[UInt8]] {
        try Seeds.files { $0.hasSuffix(".index") || $0.contains("model.ckpt-7") && !$0.hasSuffix(".meta") }.flatMap {
            [[0] + $0, [1] + $0]
        }
    }

    init() throws { folder = try ScratchFolder() }

    func read(_ bytes: UnsafeRawBufferPointer) {
        var parts = InputParts(bytes)
        let isMended = parts.choice(2) == 1
        let path =
            isMended
            ? folder.write(TableMending(table: parts.rest).file, to: "table") : folder.write(parts.rest, to: "table")
        _ = SortedTable.isTable(path)
        guard let file = try? FileContents(path: path), let table = try? SortedTable(file) else { return }
        for entry in table.entries { _ = entry.value.withUnsafeBytes { $0.reduce(0, &+) } }
    }
}

extension CheckpointReader {
    /// Reads all tensors in every way.
    fileprivate func readAll(slice: String) {
        for info in tensors {
            _ = try? tensor(named: info.name)
            _ = try? tensor(named: info.name, slice: slice)
        }
        guard let loaded = try? loaded() else { return }
        for info in loaded.tensors { _ = try? loaded.tensor(named: info.name, slice: slice) }
    }
}

/// A V2 checkpoint of one shard. An input is a slice, the shard and the index. Checksums are corrected.
struct BundleReader: FuzzReader {
    static let name = "bundle"
    static let words = Seeds.words("_CHECKPOINTABLE_OBJECT_GRAPH", "/.ATTRIBUTES/VARIABLE_VALUE", "1 0,1")
    private let folder: ScratchFolder
    private static let suffix = ".data-00000-of-00001"

    static func seeds() throws -> [[UInt8]] {
        let root = Fixtures.path("")
        let names = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
        return try names.filter { $0.hasSuffix(suffix) }.map { name in
            let prefix = root + "/" + name.dropLast(suffix.count)
            return InputParts.part(Array("10 4 2,5:-".utf8))
                + InputParts.part(Array(try Fixtures.bytes(prefix + suffix).prefix(0xffff)))
                + (try Fixtures.bytes(prefix + ".index"))
        }
    }

    init() throws { folder = try ScratchFolder() }

    func read(_ bytes: UnsafeRawBufferPointer) {
        var parts = InputParts(bytes)
        let slice = String(decoding: parts.part(), as: UTF8.self)
        let data = parts.part()
        let mended = TableMending(index: parts.rest, data: data)
        _ = folder.write(mended.file, to: "m.index")
        _ = folder.write(mended.data, to: "m" + Self.suffix)
        (try? CheckpointReader(prefix: folder.path + "/m"))?.readAll(slice: slice)
    }
}

/// A V1 checkpoint. An input is a slice and the file. Checksums are corrected.
struct SlicesReader: FuzzReader {
    static let name = "slices"
    static let words = Seeds.words("10 4 2,5:-", ",", ":-")
    private let folder: ScratchFolder

    static func seeds() throws -> [[UInt8]] {
        try Seeds.files(in: "files") { $0.hasPrefix("v1") && $0.contains("model.ckpt-7") && !$0.hasSuffix(".meta") }
            .map { InputParts.part(Array("10 4 2,5:-".utf8)) + $0 }
    }

    init() throws { folder = try ScratchFolder() }

    func read(_ bytes: UnsafeRawBufferPointer) {
        var parts = InputParts(bytes)
        let slice = String(decoding: parts.part(), as: UTF8.self)
        _ = folder.write(TableMending(table: parts.rest).file, to: "v1")
        (try? CheckpointReader(prefix: folder.path + "/v1"))?.readAll(slice: slice)
    }
}

/// The file `checkpoint` of a folder.
struct PointerReader: FuzzReader {
    static let name = "pointer"
    static let words = Seeds.words(
        "model_checkpoint_path:", "all_model_checkpoint_paths:", "all_model_checkpoint_timestamps:", "\\x", "\\u",
        "\\1",
        "..", "/", "#")
    private let folder: ScratchFolder

    static func seeds() throws -> [[UInt8]] {
        try Seeds.files { $0.hasSuffix("/checkpoint") } + [Array(#"model_checkpoint_path: 'a\x41\u00e9\101' "b""#.utf8)]
    }

    init() throws {
        folder = try ScratchFolder()
        for name in ["model-7.index", "model-7.data-00000-of-00001", "model-7.meta"] {
            _ = folder.write(try Fixtures.bytes(Fixtures.path("checkpoints/renamed/" + name)), to: name)
        }
    }

    func read(_ bytes: UnsafeRawBufferPointer) {
        _ = folder.write(bytes, to: "checkpoint")
        _ = try? CheckpointFolder(folder: folder.path)
    }
}
