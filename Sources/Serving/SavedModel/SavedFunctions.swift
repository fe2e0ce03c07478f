internal import Checkpoints
internal import SwiftProtobuf
internal import TensorFlowProtos
internal import Tensors

/// The functions of a TensorFlow 2 SavedModel's objects. If it was saved without signatures, the functions become signatures: each gets
/// placeholders for its arguments, and a call in the graph.
struct SavedFunctions {
    private var meta: MetaGraphDef
    private let captures: SavedCaptures
    private let bodies: [String: FunctionDef]
    /// The names of the arguments in requests, by concrete function.
    private let keywords: [String: [String]]
    private var nodeNames: Set<String>
    /// The reasons why functions could not become signatures.
    private var refusals: [String] = []

    /// The maximum number of concrete functions.
    private static let maxSignatures = 32

    /// The reason why a function cannot be called.
    struct Refusal: Error {
        let reason: String
    }

    /// Adds a signature for each function of the root object; if it has none, for those of its descendants.
    ///
    /// - Parameters:
    ///   - meta: A meta graph without signatures.
    ///   - objects: The objects of its checkpoint, with the variables' keys.
    ///   - path: The path of the file, for messages.
    /// - Returns: The functions that did not become signatures, with the reasons.
    /// - Throws: ``ModelError`` of kind `load` that lists the functions, if none can be called.
    static func addSignatures(
        to meta: inout MetaGraphDef, _ objects: TrackableObjectGraph?, path: String
    ) throws(ModelError) -> [String] {
        var functions = SavedFunctions(meta, objects)
        let found = functions.offered
        var count = 0
        for (name, concrete) in found {
            for (index, function) in functions.sorted(concrete).enumerated() where count < maxSignatures {
                let name = index == 0 ? name : "\(name)/\(index + 1)"
                do throws(Refusal) {
                    try functions.add(function, as: name)
                    count += 1
                } catch { functions.refusals.append("\"\(name)\" \(error.reason)") }
            }
        }
        guard count > 0 else {
            let reasons = functions.refusals.isEmpty ? "" : ": " + functions.refusals.joined(separator: "; ")
            throw ModelError(
                .load,
                "\(path): has no signatures, and "
                    + (found.isEmpty ? "its objects have no functions" : "none of its functions can be called")
                    + reasons + ". Save it with tf.saved_model.save(model, path, signatures=...)")
        }
        meta = functions.meta
        return functions.refusals
    }

    private init(_ meta: MetaGraphDef, _ objects: TrackableObjectGraph?) {
        self.meta = meta
        captures = SavedCaptures(meta, objects)
        bodies = Dictionary(meta.graphDef.library.function.map { ($0.signature.name, $0) }) { first, _ in first }
        var keywords: [String: [String]] = [:]
        for case .bareConcreteFunction(let function)? in meta.objectGraphDef.nodes.lazy.map(\.kind) {
            keywords[function.concreteFunctionName] = function.argumentKeywords
        }
        self.keywords = keywords
        nodeNames = Set(meta.graphDef.node.map(\.name))
    }
}

// Which functions.
extension SavedFunctions {
    /// The functions of an object, or of its descendants, with their concrete functions. The functions for users come first.
    private var offered: [(name: String, concrete: [String])] {
        let nodes = meta.objectGraphDef.nodes
        guard let root = nodes.first else { return [] }
        let own = functions(of: root, prefix: "")
        guard own.isEmpty else { return own }
        return root.children.flatMap { child -> [(name: String, concrete: [String])] in
            guard nodes.indices.contains(Int(child.nodeID)), case .userObject? = nodes[Int(child.nodeID)].kind,
                !["signatures", "keras_api"].contains(child.localName)
            else { return [] }
            return functions(of: nodes[Int(child.nodeID)], prefix: child.localName + ".")
        }
    }

    private func functions(of object: SavedObject, prefix: String) -> [(name: String, concrete: [String])] {
        let nodes = meta.objectGraphDef.nodes
        var found: [(rank: Int, name: String, concrete: [String])] = []
        for child in object.children {
            guard nodes.indices.contains(Int(child.nodeID)), let rank = Self.rank(child.localName) else { continue }
            switch nodes[Int(child.nodeID)].kind {
            case .function(let function)? where !function.concreteFunctions.isEmpty:
                found.append((rank, prefix + child.localName, function.concreteFunctions))
            case .bareConcreteFunction(let function)?:
                found.append((rank, prefix + child.localName, [function.concreteFunctionName]))
            default: continue
            }
        }
        return found.sorted { ($0.rank, $0.name) < ($1.rank, $1.name) }.map { ($0.name, $0.concrete) }
    }

    /// The rank of a function; nil if it is not for users.
    private static func rank(_ name: String) -> Int? {
        if name == "__call__" { return 0 }
        if name == "_default_save_signature" { return 2 }
        if name.hasPrefix("call_and_return_") { return 3 }
        return name.hasPrefix("_") ? nil : 1
    }

    /// The concrete functions of a function: those for predictions before those for training, and those for more shapes first.
    private func sorted(_ concrete: [String]) -> [String] {
        let ranked = concrete.enumerated().map { index, name in
            let arguments = SavedStructure(meta.objectGraphDef.concreteFunctions[name]?.canonicalizedInputSignature)
            return (training: arguments.hasTruth ? 1 : 0, known: -arguments.unknownCount, index: index, name: name)
        }
        return ranked.sorted { ($0.training, $0.known, $0.index) < ($1.training, $1.known, $1.index) }.map(\.name)
    }
}

// Signatures.
extension SavedFunctions {
    private mutating func add(_ concrete: String, as name: String) throws(Refusal) {
        guard let body = bodies[concrete], let info = meta.objectGraphDef.concreteFunctions[concrete] else {
            throw Refusal(reason: "has no body")
        }
        let count = body.signature.inputArg.count - info.boundInputs.count
        guard count >= 0 else { throw Refusal(reason: "has more captures than arguments") }
        guard !body.signature.outputArg.isEmpty else { throw Refusal(reason: "returns no tensor") }
        var inputs = try placeholders(for: body, info, count, concrete, name)
        let fed = inputs.nodes.map(\.name)
        for (object, argument) in zip(info.boundInputs, body.signature.inputArg.dropFirst(count)) {
            guard let tensor = captures.tensor(Int(object)) else {
                throw Refusal(
                    reason: "captures \"\(argument.name)\", which is not a variable, table, asset or constant")
            }
            inputs.tensors.append(tensor)
        }
        let call = nodeName(name)
        let node = NodeDef.with {
            $0.name = call
            $0.op = "StatefulPartitionedCall"
            $0.input = inputs.tensors
            $0.attr["f"] = .with { $0.func = .with { $0.name = concrete } }
            $0.attr["Tin"] = .with { $0.list.type = body.signature.inputArg.map(\.type) }
            $0.attr["Tout"] = .with { $0.list.type = body.signature.outputArg.map(\.type) }
        }
        nodeNames.formUnion(fed)
        nodeNames.insert(call)
        meta.graphDef.node += inputs.nodes
        meta.graphDef.node.append(node)
        let results = SavedStructure(info.outputSignature).leaves(count: body.signature.outputArg.count)
        meta.signatureDef[name] = .with {
            $0.methodName = "tensorflow/serving/predict"
            $0.inputs = inputs.infos
            $0.outputs = Self.infos(results, body.signature.outputArg) { "\(call):\($0)" }
        }
    }

    /// A placeholder for each argument.
    private func placeholders(
        for body: FunctionDef, _ info: SavedConcreteFunction, _ count: Int, _ concrete: String, _ signature: String
    ) throws(Refusal) -> (nodes: [NodeDef], tensors: [String], infos: [String: TensorInfo]) {
        let arguments = Array(body.signature.inputArg.prefix(count))
        let known = keywords[concrete] ?? []
        let names = known.count == count ? known : arguments.map(\.name)
        var leaves = SavedStructure(info.canonicalizedInputSignature).leaves(count: count)
        var nodes: [NodeDef] = []
        var taken = nodeNames
        var first = 0
        for index in leaves.indices {
            // The structure has indices, such as 0/0. The function has names.
            leaves[index].name = names[first]
            for (offset, component) in leaves[index].components.enumerated() {
                let argument = arguments[first + offset]
                guard DataType(protoNumber: argument.type).map({ $0 != .resource && $0 != .variant }) ?? false else {
                    throw Refusal(reason: "takes \"\(argument.name)\", which is not a tensor that can be fed")
                }
                let name = Self.unique("\(signature)_\(names[first + offset])", among: &taken)
                nodes.append(
                    .with {
                        $0.name = name
                        $0.op = "Placeholder"
                        $0.attr["dtype"] = .with { $0.type = argument.type }
                        $0.attr["shape"] = .with { $0.shape = component }
                    })
            }
            first += leaves[index].components.count
        }
        return (nodes, nodes.map { $0.name + ":0" }, Self.infos(leaves, arguments) { nodes[$0].name + ":0" })
    }

    /// A signature's entries for arguments or results; `tensor` returns the name of one.
    private static func infos(
        _ leaves: [SavedStructure.Leaf], _ arguments: [OpDef.ArgDef], _ tensor: (Int) -> String
    ) -> [String: TensorInfo] {
        var infos: [String: TensorInfo] = [:]
        var keys: Set<String> = []
        var first = 0
        for leaf in leaves {
            let components = leaf.components.enumerated().map { offset, shape in
                TensorInfo.with {
                    $0.name = tensor(first + offset)
                    $0.dtype = arguments[first + offset].type
                    $0.tensorShape = shape
                }
            }
            first += components.count
            let key = unique(leaf.name, among: &keys, isNode: false)
            guard let spec = leaf.typeSpec else {
                infos[key] = components.first
                continue
            }
            infos[key] = TensorInfo.with { info in
                info.compositeTensor.typeSpec = spec
                info.compositeTensor.components = components
            }
        }
        return infos
    }

    private func nodeName(_ name: String) -> String {
        var taken = nodeNames
        return Self.unique(name, among: &taken)
    }

    /// A unique name. A node's name contains no characters with a meaning in tensor names.
    private static func unique(_ name: String, among taken: inout Set<String>, isNode: Bool = true) -> String {
        let plain =
            isNode
            ? String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "_./-".contains($0)) ? $0 : "_" }) : name
        var result = plain
        var number = 1
        while !taken.insert(result).inserted {
            result = "\(plain)_\(number)"
            number += 1
        }
        return result
    }
}
