package import TensorFlowProtos
internal import Tensors

/// The mapping from the tensors of a checkpoint to the variables of a graph.
///
/// The constant inputs of `RestoreV2` determine the mapping, not the variables' names. The plan follows the graph from the saver's restore
/// op through its control inputs to the assignments, and from each value back to its restore op. Savers with renamed variables, with a
/// subset, or of a sharded graph therefore restore as in TensorFlow.
package struct RestorePlan: Sendable {
    /// The source of a variable's value.
    package struct Source: Hashable, Sendable {
        /// The tensor's name in the checkpoint.
        package let key: String
        /// The part of the tensor, in RestoreV2's form; empty for all.
        package let slice: String
        /// Whether the graph reshapes the value to the variable's shape, as `Saver(reshape=True)` does.
        package var isReshaped = false
    }

    /// The sources, by the name of the variable's node and by its `shared_name`, if that differs.
    package private(set) var sources: [String: Source] = [:]

    /// Variables that the graph's initialisation sets to constants, by the same names, such as the paths of a SavedModel's asset files.
    package private(set) var constants: [String: TensorProto] = [:]
    /// The tables that are restored, by the name of the table's node: `LookupTableImportV2` of two tensors.
    package private(set) var tables: [String: TableSource] = [:]

    /// The source of a mutable table's contents.
    package struct TableSource: Hashable, Sendable {
        /// The keys' tensor.
        package let keys: Source
        /// The values' tensor.
        package let values: Source
    }

    /// Whether the graph states what to restore. If not, each variable is restored from the key with its own name.
    package var isExplicit: Bool { !sources.isEmpty }

    /// The ops that are variables.
    package static let variableOps: Set<String> = ["Variable", "VariableV2", "VarHandleOp"]

    /// The default name of a Saver's restore op, for graphs without a SaverDef.
    private static let usualRestoreOp = "save/restore_all"

    /// Reads the plan from a graph.
    ///
    /// - Parameters:
    ///   - graph: The graph, with the parts that save and restore.
    ///   - saver: The saver that names the restore op; nil for the default name. If the op does not exist, the plan is not explicit.
    ///   - initOps: The ops that initialise after the restoring.
    package init(graph: GraphDef, saver: SaverDef?, initOps: [String] = []) {
        let walk = RestoreWalk(graph)
        let restoreOp = saver.map(\.restoreOpName) ?? Self.usualRestoreOp
        if !restoreOp.isEmpty {
            for effect in walk.effects(from: restoreOp) { addRestored(effect) }
        }
        for effect in initOps.flatMap(walk.effects) { addConstant(effect) }
    }

    private mutating func addRestored(_ effect: RestoreWalk.Effect) {
        guard let target = effect.target(), let source = effect.source(ofInput: 1) else { return }
        if effect.isTableImport {
            guard let values = effect.source(ofInput: 2) else { return }
            tables[target.name] = TableSource(keys: source, values: values)
        } else {
            for name in Self.names(of: target) { sources[name] = source }
        }
    }

    private mutating func addConstant(_ effect: RestoreWalk.Effect) {
        guard !effect.isTableImport, let target = effect.target(), let value = effect.constant(ofInput: 1) else {
            return
        }
        for name in Self.names(of: target) where sources[name] == nil { constants[name] = value }
    }

    /// A variable is known by its node's name and by its `shared_name`.
    private static func names(of variable: NodeDef) -> [String] {
        guard let shared = variable.attr["shared_name"]?.s, !shared.isEmpty else { return [variable.name] }
        return [variable.name, String(decoding: shared, as: UTF8.self)]
    }
}
