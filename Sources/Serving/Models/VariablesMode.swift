package import Settings

/// Whether runs may assign a model's variables.
public enum VariablesMode: String, CaseIterable, Sendable {
    /// A run that would assign a variable is refused.
    case readOnly = "read-only"
    /// Later runs see the values that a run assigned, until the version is unloaded.
    case session
}

extension VariablesMode {
    /// `read-only` or `session`.
    package static let type = SettingType<VariablesMode>.choice(allCases.map { ($0.rawValue, $0) })
}

/// The mode of a model's variables, and the reason.
struct VariablesRule: Sendable {
    let mode: VariablesMode
    /// The reason for that mode, for messages.
    let reason: String

    /// - Parameters:
    ///   - setting: The mode from the settings or the caller; nil if unspecified.
    ///   - graph: The model's graph.
    init(_ setting: VariablesMode?, for graph: ModelGraph) {
        if let setting {
            mode = setting
            reason = "the settings say so"
        } else {
            (mode, reason) = graph.standardVariables
        }
    }

    /// The end of the error of a run that would assign a variable; nil if runs may assign.
    var refusal: String? {
        guard mode == .readOnly else { return nil }
        return
            "\(reason). To allow assignments, set \"variables: session\" in the model's metaserve.yaml or start with "
            + "--variables session"
    }
}
