internal import HTTPMessages
internal import Serving

/// Finds the model and the version that a request names.
enum ModelLookup {
    /// The model that a path names.
    ///
    /// - Throws: ``RequestError`` 404 with the served models.
    static func model(_ name: PathParameter, in catalog: Catalog) throws(RequestError) -> ServedModel {
        if let found = catalog.model(named: name.encoded) { return found }
        let text = try name.text()
        guard let found = catalog.model(named: text) else { throw unknownModel(text, catalog) }
        return found
    }

    /// The version that a path names.
    ///
    /// - Throws: ``RequestError`` 400 if it is not a number.
    static func version(_ number: PathParameter) throws(RequestError) -> VersionChoice {
        let text = try number.text()
        guard let number = Int(text), number >= 0 else {
            throw .badRequest("version \"\(text)\" is not a number")
        }
        return .number(number)
    }

    /// The selected version of a model.
    ///
    /// - Throws: ``RequestError`` 404 with the existing versions, 503 if there is none.
    static func version(_ choice: VersionChoice, of model: ServedModel) throws(RequestError) -> ModelVersion {
        guard let chosen = model.choose(choice) else { throw unknownVersion(choice, of: model) }
        return chosen.version
    }

    /// The error for a version that is not loaded: 404 with the existing versions, 503 if there is none.
    static func unknownVersion(_ choice: VersionChoice, of model: ServedModel) -> RequestError {
        unknownVersion(choice, of: model.name, model.versions)
    }

    private static func reason(of versions: VersionSet) -> String {
        if versions.isUnloaded { return ": it was unloaded" }
        return versions.reason.map { ": \($0)" } ?? ""
    }

    private static func unknownVersion(
        _ choice: VersionChoice, of model: String, _ versions: VersionSet
    ) -> RequestError {
        return switch choice {
        case .any: RequestError(503, "model \"\(model)\" is not loaded" + reason(of: versions))
        case .number(let number):
            RequestError(
                404, "model \"\(model)\" has no version \(number) loaded; \(alternatives(to: choice, versions))")
        case .label(let label):
            RequestError(
                404,
                "model \"\(model)\" has no version labelled \"\(label)\"; \(alternatives(to: choice, versions))")
        }
    }

    /// The existing versions or labels, for messages about a missing one.
    static func alternatives(to choice: VersionChoice, _ versions: VersionSet) -> String {
        if case .label = choice {
            let labels = versions.labels.keys.sorted().joined(separator: ", ")
            return labels.isEmpty ? "it has no labels" : "the labels are \(labels)"
        }
        let loaded = versions.versions.map { "\($0.number)" }.joined(separator: ", ")
        return loaded.isEmpty ? "none is loaded\(reason(of: versions))" : "the loaded versions are \(loaded)"
    }

    /// The error for an unknown model, with the served models, or the nearest of many.
    static func unknownModel(_ name: String, _ catalog: Catalog) -> RequestError {
        let alternatives =
            catalog.models.count > maxListed
            ? alternatives(to: name, catalog) : "the served models are \(names(catalog))"
        return RequestError(404, "there is no model \"\(name)\"; \(alternatives)")
    }

    /// The models whose names are nearest to a name, otherwise all, for messages.
    static func alternatives(to name: String, _ catalog: Catalog) -> String {
        let nearest = catalog.nearestNames(to: name)
        switch nearest.count {
        case 0: return catalog.models.isEmpty ? "no model is served" : "the served models are \(names(catalog))"
        case 1: return "the nearest is \(list(nearest))"
        default: return "the nearest are \(list(nearest))"
        }
    }

    private static let maxListed = 20

    /// The names of the models, for messages.
    static func names(_ catalog: Catalog) -> String {
        let left = catalog.models.count - maxListed
        return list(catalog.models.prefix(maxListed).map(\.name)) + (left > 0 ? " and \(left) more" : "")
    }

    private static func list(_ names: [String]) -> String { names.map { "\"\($0)\"" }.joined(separator: ", ") }
}

extension VersionChoice {
    /// The version that a request selects: by its path, otherwise by the label in its header.
    func pinned(by headers: HTTPHeaders) -> VersionChoice {
        guard case .any = self, let label = headers[.modelLabel] else { return self }
        return .label(String(decoding: label, as: UTF8.self))
    }
}
