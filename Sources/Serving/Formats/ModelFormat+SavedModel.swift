internal import Checkpoints
internal import Files
internal import FoundationEssentials
internal import SwiftProtobuf
internal import TensorFlowProtos
internal import Tensors

extension ModelFormat {
    /// A SavedModel's folder: `saved_model.pb` or `saved_model.pbtxt`, its variables in `variables/`, files in `assets/`.
    static let savedModel = ModelFormat(
        isThere: { path in
            guard let file = savedModelFile(path) else { return false }
            switch GraphFile.look(path: file) {
            case .savedModel: return true
            // A file with this name may be a model of another format.
            case .graph: return false
            case .damaged: return !path.isFolder || !checkpoint.isThere(path)
            }
        },
        look: { path throws(ModelError) in
            let file = savedModelFile(path) ?? path.path
            let folder = folder(of: file)
            let weights = weights(in: folder)
            let candidate = ModelCandidate(
                number: 1, path: file, folder: path.path, format: .savedModel,
                reading: [file] + (weights?.parts ?? []) + files(under: folder + "/assets"),
                missing: weights?.missingPart.map { "variables/" + $0 }, isLoadable: weights?.missingPart == nil)
            return ModelListing(ranked: [candidate])
        },
        open: { candidate, context throws(ModelError) in
            let file = candidate.path
            let folder = folder(of: file)
            let (reader, bytes) = try ModelError.loading { () throws(CheckpointError) in
                let prefix = folder + "/variables/variables"
                let reader = CheckpointFolder.isCheckpoint(prefix: prefix) ? try CheckpointReader(prefix: prefix) : nil
                return (reader, try GraphBytes(path: file))
            }
            let graph = try context.graph(of: bytes) { () throws(ModelError) in
                let content = try SavedModelContent(bytes, folder, reader?.objects)
                return try ModelGraph(
                    content.meta, bytes, context.defaults, assets: content.assets, initOps: content.initOps,
                    format: content.format, notes: content.notes, warnings: content.warnings)
            }
            guard reader != nil || graph.plan.sources.isEmpty else {
                throw ModelError(
                    .incomplete, "\(folder)/variables does not exist; the graph restores its variables from it")
            }
            return try ModelFiles(
                format: graph.format ?? "SavedModel", prefix: reader?.prefix ?? file, graph: graph,
                graphFile: bytes.identity, reader: reader, context)
        })

    /// The warning that a file has the name of a SavedModel's file although another format is served; nil if there is none.
    static func passedOver(at path: ModelPath) -> String? {
        guard path.isFolder, let file = savedModelFile(path) else { return nil }
        switch GraphFile.look(path: file) {
        case .savedModel: return nil
        case .graph: return "\(file) is a graph, not a SavedModel: it is not read as one"
        case .damaged:
            return "\(file) is not a valid SavedModel: it is cut off or damaged; the checkpoint beside it is served"
        }
    }

    private static func folder(of file: String) -> String {
        PathText.folder(of: file)
    }

    /// The files of the variables; nil if there are none.
    private static func weights(in folder: String) -> CheckpointListing.Item? {
        let item = CheckpointListing.item(prefix: folder + "/variables/variables")
        return item.parts.isEmpty ? nil : item
    }

    private static let maxAssets = 10_000
    private static let deepestAssets = 8

    /// The files of a folder and its subfolders.
    private static func files(under folder: String) -> [String] {
        var result: [String] = []
        var open = [(path: folder, depth: 0)]
        while let next = open.popLast(), result.count < maxAssets {
            for name in (try? CheckpointFolder.files(in: next.path)) ?? [] {
                let path = "\(next.path)/\(name)"
                if FileIdentity.exists(path) {
                    result.append(path)
                } else if next.depth < deepestAssets, open.count < maxAssets {
                    open.append((path, next.depth + 1))
                }
            }
        }
        return result
    }

    private static let names = ["saved_model.pb", "saved_model.pbtxt"]

    /// Whether a name is that of a SavedModel's file.
    static func isSavedModel(fileNamed name: String) -> Bool { names.contains(name) }

    private static func savedModelFile(_ path: ModelPath) -> String? {
        guard path.isFolder else {
            return isSavedModel(fileNamed: PathText.name(of: path.path)) && FileIdentity.exists(path.path)
                ? path.path : nil
        }
        return names.first(where: path.names.contains).map(path.appending)
    }
}

/// The contents of `saved_model.pb`: the served meta graph, and its requirements besides variables.
struct SavedModelContent {
    /// The meta graph. Its assets' tensors are constants with the paths of the files. It has only the signatures for users.
    private(set) var meta: MetaGraphDef
    let format: String
    private(set) var notes: [String] = []
    /// Warnings for the operator.
    private(set) var warnings: [String] = []
    private(set) var assets: [String: String] = [:]
    private(set) var initOps: [String] = []

    /// The tag of the meta graph that TensorFlow Serving serves.
    private static let tag = "serve"
    private static let initSignature = "__saved_model_init_op"
    private static let trainSignature = "__saved_model_train_op"

    /// - Parameters:
    ///   - bytes: The file.
    ///   - folder: The file's folder.
    ///   - objects: The objects of the checkpoint in `variables/`.
    /// - Throws: ``ModelError`` of kind `load` if it cannot be decoded, has no meta graph, has an asset that is not a file's name, or has
    ///   neither signatures nor functions that can become signatures.
    init(_ bytes: GraphBytes, _ folder: String, _ objects: TrackableObjectGraph?) throws(ModelError) {
        let path = bytes.identity.path
        let file = try ModelError.loading { () throws(CheckpointError) in try bytes.decoded() }
        guard case .savedModel(let model) = file else { throw ModelError(.load, "\(path): is not a SavedModel") }
        let tags = model.metaGraphs.map(\.metaInfoDef.tags)
        guard
            let index = tags.firstIndex(of: [Self.tag]) ?? tags.firstIndex(where: { $0.contains(Self.tag) })
                ?? tags.indices.first
        else { throw ModelError(.load, "\(path): has no meta graph") }
        meta = model.metaGraphs[index]
        format = "TensorFlow \(meta.hasObjectGraphDef ? 2 : 1) SavedModel"
        if !tags[index].contains(Self.tag) {
            let found = tags.map { "[\($0.joined(separator: ", "))]" }.joined(separator: ", ")
            notes.append("no meta graph has the tag \"\(Self.tag)\": using the first of those with \(found)")
        }
        takeInitOps()
        if meta.hasObjectGraphDef, meta.signatureDef.isEmpty {
            let refusals = try SavedFunctions.addSignatures(to: &meta, objects, path: path)
            let names = meta.signatureDef.keys.sorted().map { "\"\($0)\"" }.joined(separator: ", ")
            notes.append("it has no signatures: its functions are used instead, as \(names)")
            notes += refusals.map { "the function \($0): it is not served" }
        }
        try takeAssets(path, folder)
    }

    /// Takes the ops that fill tables from a signature (TensorFlow 2) or a collection (TensorFlow 1).
    private mutating func takeInitOps() {
        let signature = meta.signatureDef.removeValue(forKey: Self.initSignature)
        meta.signatureDef[Self.trainSignature] = nil
        var names = signature?.outputs.values.map(\.name) ?? []
        for collection in ["saved_model_main_op", "legacy_init_op"] {
            names += meta.collectionDef[collection]?.nodeList.value ?? []
        }
        for name in names.map({ String($0.prefix { $0 != ":" }) }) where !name.isEmpty && !initOps.contains(name) {
            initOps.append(name)
        }
    }

    /// Replaces each tensor that is the path of an asset by a constant, because it has the path on the machine where the model was made.
    private mutating func takeAssets(_ path: String, _ folder: String) throws(ModelError) {
        for asset in listedAssets() {
            let name = asset.filename
            // The file is not trusted, so it only selects files of its own folder.
            guard !name.isEmpty, !name.begins(with: "/"), !PathText.components(of: name).contains(".."),
                !name.utf8.contains(0)
            else {
                throw ModelError(.load, "\(path): asset \"\(name)\" is not the name of a file in \(folder)/assets")
            }
            let tensor = asset.tensorInfo.name
            let file = "\(folder)/assets/\(name)"
            if !FileIdentity.exists(file) { warnings.append("asset \(file), for \"\(tensor)\", does not exist") }
            assets[tensor.contains(":") ? tensor : tensor + ":0"] = file
        }
        guard !assets.isEmpty else { return }
        for index in meta.graphDef.node.indices {
            guard let file = assets[meta.graphDef.node[index].name + ":0"] else { continue }
            meta.graphDef.node[index].makeConstant(file)
        }
    }

    private func listedAssets() -> [AssetFileDef] {
        if !meta.assetFileDef.isEmpty { return meta.assetFileDef }
        // TensorFlow 1 stores them in a collection.
        let packed = meta.collectionDef["saved_model_assets"]?.anyList.value ?? []
        return packed.compactMap { any in
            if any.hasAssetFileDef { return any.assetFileDef }
            return any.typeURL.hasSuffix("AssetFileDef") ? try? AssetFileDef(serializedBytes: any.value) : nil
        }
    }
}

extension NodeDef {
    /// Makes the node a constant string.
    fileprivate mutating func makeConstant(_ text: String) {
        op = "Const"
        input = []
        attr = [
            "dtype": .with { $0.type = DataType.string.rawValue },
            "value": .with {
                $0.tensor = .with { tensor in
                    tensor.dtype = DataType.string.rawValue
                    tensor.stringVal = [Data(text.utf8)]
                }
            },
        ]
    }
}
