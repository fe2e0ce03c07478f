internal import Logging

/// A log message about a model's files.
enum ReloadNotice: Hashable, Sendable {
    /// Files cannot be loaded. The number is that of the version that stays in service.
    case failed(ModelCandidate, ModelError, serving: Int?)
    /// The model has disappeared.
    case absent(ModelError, serving: Int?)
    /// The model is back.
    case back
    /// A version is not complete.
    case waiting(String, ModelCandidate, serving: Int?)
    /// A warning for the operator, even if a version is in service.
    case warning(String)

    var level: Logger.Level {
        switch self {
        case .failed(_, let error, _): Self.passing.contains(error.failure) ? .warning : .error
        case .absent, .warning: .warning
        case .back: .notice
        case .waiting(_, _, let serving): serving == nil ? .warning : .info
        }
    }

    var message: String {
        switch self {
        case .failed(let candidate, let error, let serving):
            "version \(candidate.number) cannot be loaded: \(error)\(Self.text(of: serving))"
                + (error.failure == .unfit ? "; a load request loads it nevertheless" : "")
        case .absent(let error, let serving): "\(error)\(Self.text(of: serving))"
        case .back: "the files have reappeared"
        case .waiting(let missing, let candidate, _): "waiting for \(missing) of \(candidate.path)"
        case .warning(let text): text
        }
    }

    /// The failures of files that are missing or incomplete.
    private static let passing: Set<ModelError.LoadFailure?> = [.changed, .notThere, .incomplete]

    private static func text(of serving: Int?) -> String { serving.map { "; version \($0) stays in service" } ?? "" }
}
