package import Settings

/// Whether runs may assign a model's variables.
public enum VariablesMode: String, CaseIterable, Sendable {
    /// A run that would assign a variable is refused.
    case readOnly = "read-only"
    /// Later runs see what a run assigned, until the version is unloaded.
    case session
}

extension VariablesMode {
    /// `read-only` or `session`.
    package static let type = SettingType<VariablesMode>.choice(allCases.map { ($0.rawValue, $0) })
}

/// How a model's variables are served, and why.
struct VariablesRule: Sendable {
    let mode: VariablesMode
    /// Why that mode holds, for people.
    let reason: String

    /// - Parameters:
    ///   - setting: The mode that the settings or the caller ask for; nil where nobody says it.
    ///   - graph: The model's graph.
    init(_ setting: VariablesMode?, for graph: ModelGraph) {
        if let setting {
            mode = setting
            reason = "the settings say so"
        } else {
            (mode, reason) = graph.standardVariables
        }
    }

    /// The end of the error of a run that would assign a variable; nil where runs may.
    var refusal: String? {
        guard mode == .readOnly else { return nil }
        return
            "\(reason). To allow assignments, set \"variables: session\" in the model's metaserve.yaml or start with "
            + "--variables session"
    }
}
