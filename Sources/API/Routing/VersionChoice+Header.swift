internal import HTTPMessages
internal import Serving

extension VersionChoice {
    /// The choice of a request: the version that its path names, otherwise that of the label in its header.
    func pinned(by headers: HTTPHeaders) -> VersionChoice {
        guard case .any = self, let label = headers[.modelLabel] else { return self }
        return .label(String(decoding: label, as: UTF8.self))
    }
}
