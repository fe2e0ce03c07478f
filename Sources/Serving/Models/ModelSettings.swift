package import Settings
package import Tensors
internal import Text

/// The settings of one model: from `metaserve.yaml` in its own folder, or from the server's settings, under `models`.
///
/// ```yaml
/// defaults:
///   keep_prob:0: 1
/// max-batch: 16
/// ```
package struct ModelSettings: SettingsGroup {
    /// The path of the model; only in the server's settings.
    package var path: String?
    /// nil if the server's setting for all models applies.
    package var versions: VersionPolicy.Selection?
    /// The versions that the labels name.
    package var labels: [String: VersionPolicy.Target] = [:]
    /// The percentage of the requests without a version that each label gets.
    package var split: [String: Int] = [:]
    package var defaults = DefaultValues()
    /// Files of class names, by output; only in the model's own folder.
    package var classes: [String: String] = [:]
    /// nil if the server's setting for all models applies, as for the settings below.
    package var variables: VariablesMode?
    package var precision: Precision?
    package var maxQueue: Int?
    package var maxBatch: Int?
    package var batchDelayMilliseconds: Double?
    package var timeoutSeconds: Double?
    package var logLevel: String?
    package var places: [String: String] = [:]

    /// The defaults.
    package init() {}

    private static let forAll = "as for all models"

    package static let settings: [Setting<ModelSettings>] = [
        Setting(
            "path", \.path, SettingType.text("a path").optional, absent: "found under the server's paths",
            "Path of the model. Only in the server's settings."),
        Setting(
            "versions", \.versions, VersionPolicy.Selection.type.optional, absent: forAll,
            "Versions to load: the newest, the N newest, all, or the listed numbers."),
        Setting(
            "labels", \.labels, .map(of: VersionPolicy.Target.type, "names and versions"),
            "Names of versions that requests may use instead of numbers; a version with a label is loaded."),
        Setting(
            "split", \.split, .map(of: .whole(0...100), "labels and percentages"),
            "Shares of the labels in the requests that name no version; the sum is 100."),
        Setting(
            "defaults", \.defaults, DefaultValues.type, effect: .reload,
            "Values of placeholders that a request does not feed."),
        Setting(
            "variables", \.variables, VariablesMode.type.optional, absent: forAll, effect: .reload,
            "Whether requests may assign variables: read-only refuses such requests; with session, later requests see the assigned values."
        ),
        Setting(
            "precision", \.precision, Precision.type.optional, absent: forAll, effect: .reload,
            "Numbers that products keep their weights in: bf16 halves the memory and changes responses a little."),
        Setting(
            "classes", \.classes, .map(of: .text("the name of a file"), "outputs and files of class names"),
            effect: .reload,
            "Files in the model's folder with one class name per line, for outputs that are scores. Only in the model's own folder."
        ),
        Setting(
            "max-queue", \.maxQueue, Limits.maxQueue.optional, absent: forAll,
            "Maximum number of queued requests."),
        Setting(
            "max-batch", \.maxBatch, Limits.maxBatch.optional, absent: forAll,
            "Maximum number of requests in a batch; 1 disables batching."),
        Setting(
            "batch-delay", \.batchDelayMilliseconds, Limits.batchDelay.optional, absent: forAll,
            "Milliseconds that a request may wait for others to form a batch."),
        Setting(
            "timeout", \.timeoutSeconds, Limits.timeout.optional, absent: forAll,
            "Seconds after which a request ends with status 504; 0 for no limit."),
        Setting(
            "log-level", \.logLevel, Limits.logLevel.optional, absent: forAll,
            "Minimum level of log lines about the model."),
    ]

    /// Types that are shared with the settings for all models.
    package enum Limits {
        package static let maxQueue = SettingType<Int>.whole(1...1_000_000)
        package static let maxBatch = SettingType<Int>.whole(1...4096)
        package static let batchDelay = SettingType<Double>.number(0...10_000, "milliseconds")
        package static let timeout = SettingType<Double>.number(0...86_400, "seconds")
        /// The names of swift-log's levels.
        package static let logLevel = SettingType<String>.choice(
            ["trace", "debug", "info", "notice", "warning", "error", "critical"].map { ($0, $0) })
    }

    /// The settings that contradict each other.
    package var problems: [SettingsProblem] {
        var problems: [SettingsProblem] = []
        for label in split.keys.sorted() where labels[label] == nil {
            let nearest = NearestNames.hint(for: label, among: labels.keys.sorted())
            problems.append(problem("split", "there is no label \"\(label)\"\(nearest)"))
        }
        let sum = split.values.reduce(0, +)
        if !split.isEmpty, sum != 100 {
            problems.append(problem("split", "expected a sum of 100 per cent, found \(sum)"))
        }
        return problems
    }
}

extension ModelSettings {
    /// These settings, completed by another group's. `defaults` are not merged.
    func over(_ others: ModelSettings) -> ModelSettings {
        var result = self
        result.versions = versions ?? others.versions
        if labels.isEmpty, split.isEmpty {
            result.labels = others.labels
            result.split = others.split
        }
        result.variables = variables ?? others.variables
        result.precision = precision ?? others.precision
        result.maxQueue = maxQueue ?? others.maxQueue
        result.maxBatch = maxBatch ?? others.maxBatch
        result.batchDelayMilliseconds = batchDelayMilliseconds ?? others.batchDelayMilliseconds
        result.timeoutSeconds = timeoutSeconds ?? others.timeoutSeconds
        return result
    }

    /// The versions to load, and their names in requests.
    ///
    /// - Parameter selection: The versions to load if these settings have none.
    /// - Returns: The policy.
    func policy(_ selection: VersionPolicy.Selection) -> VersionPolicy {
        var policy = VersionPolicy()
        policy.selection = versions ?? selection
        policy.labels = labels
        policy.split = split.sorted { $0.key < $1.key }.map { VersionPolicy.Share(label: $0.key, percent: $0.value) }
        return policy
    }
}

extension VersionPolicy.Selection {
    /// `latest`, `latest:2`, `all`, a number or a list of numbers.
    package static let type = SettingType<VersionPolicy.Selection>(
        expected: "latest, latest:N, all or a list of numbers",
        read: { node, problems in
            if case .scalar(let text, _) = node.content {
                if let selection = VersionPolicy.Selection(text) { return selection }
            } else if case .list = node.content {
                let numbers = SettingType<[Int]>.list(of: .whole(0...Int.max)).read(node, &problems)
                if numbers?.isEmpty != true { return numbers.map { .numbers(Set($0)) } }
            }
            problems.append(node.misfit("latest, latest:N, all or a list of numbers"))
            return nil
        },
        text: { selection in
            switch selection {
            case .latest(1): "latest"
            case .latest(let count): "latest:\(count)"
            case .all: "all"
            case .numbers(let numbers): "[\(numbers.sorted().map(String.init).joined(separator: ", "))]"
            }
        })
}

extension VersionPolicy.Target {
    /// `latest`, `previous` or a number.
    static let type = SettingType<VersionPolicy.Target>(
        expected: "latest, previous or a number",
        read: { node, problems in
            if case .scalar(let text, _) = node.content {
                if text == "latest" { return .latest }
                if text == "previous" { return .previous }
                if let number = Int(text), number >= 0 { return .number(number) }
            }
            problems.append(node.misfit("latest, previous or a number"))
            return nil
        },
        text: { target in
            switch target {
            case .latest: "latest"
            case .previous: "previous"
            case .number(let number): "\(number)"
            }
        })
}

extension ModelSettings {
    /// The name of the file in a model's folder.
    private static let fileName = "metaserve.yaml"

    /// The path of a model's settings file.
    static func path(in folder: String) -> String { "\(folder)/\(fileName)" }

    /// Reads the settings file of a folder. Without a file, all settings have their defaults.
    ///
    /// - Parameter folder: The model's folder.
    /// - Throws: ``ModelError`` of kind `load`, with the lines of all problems.
    package init(folder: String) throws(ModelError) {
        self.init()
        let path = Self.path(in: folder)
        guard SmallFile.exists(path) else { return }
        var problems: [SettingsProblem] = []
        do throws(SettingsError) { apply(try SettingsNode(file: path), &problems) } catch { problems = error.problems }
        if places["path"] != nil {
            problems.append(
                problem("path", "the settings file in a model's folder must not contain \"path\": remove it"))
        }
        problems += self.problems
        guard problems.isEmpty else { throw ModelError(.load, SettingsError(problems).description) }
    }
}
