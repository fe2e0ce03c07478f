package import TensorFlowProtos
internal import Tensors

/// Which tensor of a checkpoint goes into which variable of a graph.
///
/// The truth is not the variables' names but the constants that feed `RestoreV2`: the plan follows the graph from the saver's
/// restore op through its control inputs to the assignments, and from each value back to the restore op that makes it.
/// So a Saver with renamed variables, with a subset, or of a sharded graph restores as it does in TensorFlow.
package struct RestorePlan: Sendable {
    /// Where a variable's value comes from.
    package struct Source: Hashable, Sendable {
        /// The tensor's name in the checkpoint.
        package let key: String
        /// The part of it, in RestoreV2's form; empty for all.
        package let slice: String
        /// Whether the graph gives the value the variable's shape, as `Saver(reshape=True)` does.
        package var isReshaped = false
    }

    /// The sources, by the name of the variable's node and, where it differs, by its `shared_name`.
    package private(set) var sources: [String: Source] = [:]

    /// Variables that the graph's initialisation sets to constants, by the same names: a SavedModel keeps the paths of its asset
    /// files so.
    package private(set) var constants: [String: TensorProto] = [:]
    /// The tables that are restored, by the name of the table's node: `LookupTableImportV2` of two tensors.
    package private(set) var tables: [String: TableSource] = [:]

    /// Where a mutable table's contents come from.
    package struct TableSource: Hashable, Sendable {
        /// The keys' tensor.
        package let keys: Source
        /// The values' tensor.
        package let values: Source
    }

    /// Whether the graph says what to restore; if not, a variable is looked for under its own name.
    package var isExplicit: Bool { !sources.isEmpty }

    /// The ops that stand for a variable.
    package static let variableOps: Set<String> = ["Variable", "VariableV2", "VarHandleOp"]

    /// The op that a Saver makes where its user names none: what restores where no SaverDef tells.
    private static let usualRestoreOp = "save/restore_all"

    /// Reads the plan from a graph.
    ///
    /// - Parameters:
    ///   - graph: The graph, with the parts that save and restore.
    ///   - saver: What names the restore op; nil stands for the usual one. If there is none the plan is not explicit.
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

    /// A variable goes by its node's name and by its `shared_name`.
    private static func names(of variable: NodeDef) -> [String] {
        guard let shared = variable.attr["shared_name"]?.s, !shared.isEmpty else { return [variable.name] }
        return [variable.name, String(decoding: shared, as: UTF8.self)]
    }
}
