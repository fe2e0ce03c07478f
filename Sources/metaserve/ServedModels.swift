import Serving
import Settings

/// Checks settings against the models that are served.
struct ServedModels {
    private let served: [ServedModel]

    init(_ registry: ModelRegistry) { served = registry.catalog.models }

    private func models(named name: String? = nil) -> [Model] {
        served.filter { name == nil || $0.name == name }.flatMap(\.versions.versions).map(\.model)
    }

    /// The settings that do not fit the models that are served.
    ///
    /// - Parameters:
    ///   - settings: The settings.
    ///   - old: The current settings; nil at the start, when the loader checks the paths.
    /// - Returns: The problems, with their places.
    func problems(of settings: ServerSettings, after old: ServerSettings? = nil) -> [SettingsProblem] {
        var problems: [SettingsProblem] = []
        for (name, own) in settings.models.sorted(by: { $0.key < $1.key }) {
            if let old, let problem = problem(ofPath: own, name, settings, old) { problems.append(problem) }
            guard served.contains(where: { $0.name == name }) else {
                // The contents of an awaited path are unknown.
                if own.path == nil, !settings.waitsForModels {
                    problems.append(
                        settings.problem(
                            "models", "model \"\(name)\" has no path, and was not found under the given paths: add path"
                        ))
                }
                continue
            }
            let models = models(named: name)
            if !models.isEmpty, let (placeholder, nearest) = unknownPlaceholder(in: own.defaults, models) {
                problems.append(
                    own.problem("defaults", "model \"\(name)\" has no placeholder \"\(placeholder)\"\(nearest)"))
            }
        }
        if old != nil, let (name, nearest) = unknownDefault(in: settings) {
            problems.append(settings.problem("defaults", "no model has a placeholder \"\(name)\"\(nearest)"))
        }
        return problems
    }

    private func problem(
        ofPath own: ModelSettings, _ name: String, _ settings: ServerSettings, _ old: ServerSettings
    ) -> SettingsProblem? {
        let known = old.models[name]?.path
        guard let path = own.path, path != known else { return nil }
        if known == nil, served.contains(where: { $0.name == name }) {
            return own.problem(
                "path", "another model is already named \"\(name)\": choose another name, or remove the path")
        }
        guard !settings.waitsForModels, !SmallFile.exists(path) else { return nil }
        return own.problem("path", "\(path): no such file or folder")
    }

    /// A default for all models for a placeholder that no model has, with the nearest name; nil while nothing is loaded.
    func unknownDefault(in settings: ServerSettings) -> (name: String, nearest: String)? {
        let all = models()
        return all.isEmpty ? nil : unknownPlaceholder(in: settings.defaults, all)
    }

    /// A default for a placeholder that does not exist, with the nearest name.
    private func unknownPlaceholder(in defaults: DefaultValues, _ models: [Model]) -> (name: String, nearest: String)? {
        let names = defaults.values.keys.sorted()
        guard let name = names.first(where: { name in !models.contains { $0.hasPlaceholder(name) } }) else {
            return nil
        }
        return (name, DefaultValues.nearest(to: name, among: Set(models.flatMap(\.placeholderNames)).sorted()))
    }
}
