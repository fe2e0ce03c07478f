internal import Text

/// Settings that belong together: those of a file, or of a part of one.
package protocol SettingsGroup: Sendable {
    /// The defaults.
    init()
    /// All settings. The only place that states the name, the type and the meaning of each.
    static var settings: [Setting<Self>] { get }
    /// The place where each setting was given, by key; for messages.
    var places: [String: String] { get set }
}

/// When a changed setting in the file takes effect.
package enum SettingEffect: String, Sendable {
    /// Immediately.
    case live
    /// When a model is loaded. Loaded models are loaded again while they stay in service.
    case reload
    /// When the server is restarted.
    case restart
}

/// A setting whose values in two groups differ.
package struct SettingChange: Hashable, Sendable {
    package let key: String
    /// The values as YAML; the description of the default if there is no value.
    package let old: String
    package let new: String
    package let effect: SettingEffect
}

/// One setting of a group.
package struct Setting<Group: SettingsGroup>: Sendable {
    /// Its name in a file.
    package let key: String
    /// The type of its value.
    package let expected: String
    /// Its description.
    package let help: String
    /// Its default, for messages and documents.
    package let standard: String
    /// Whether a flag may be given several times.
    package let isList: Bool
    /// When a change in the file takes effect.
    package let effect: SettingEffect
    fileprivate let set: @Sendable (inout Group, SettingsNode, inout [SettingsProblem]) -> Void
    fileprivate let copy: @Sendable (Group, inout Group) -> Void
    fileprivate let text: @Sendable (Group) -> String?

    /// - Parameters:
    ///   - key: Its name.
    ///   - path: The group's property with the value. Its initial value is the default.
    ///   - type: The type of its value.
    ///   - absent: What happens without the setting, if there is no default value.
    ///   - isList: Whether a flag may be given several times.
    ///   - effect: When a change in the file takes effect.
    ///   - help: Its description.
    package init<Value>(
        _ key: String, _ path: any WritableKeyPath<Group, Value> & Sendable, _ type: SettingType<Value>,
        absent: String = "none", isList: Bool = false, effect: SettingEffect = .live, _ help: String
    ) {
        self.key = key
        self.help = help
        self.isList = isList
        self.effect = effect
        expected = type.expected
        standard = type.text(Group()[keyPath: path]) ?? absent
        text = { type.text($0[keyPath: path]) }
        copy = { $1[keyPath: path] = $0[keyPath: path] }
        set = { group, node, problems in
            guard let value = type.read(node, &problems) else { return }
            group[keyPath: path] = value
            group.places[key] = node.place
        }
    }
}

extension SettingsGroup {
    /// Applies the settings of a file.
    ///
    /// - Parameters:
    ///   - node: Keys and values, or nothing.
    ///   - problems: Receives all problems.
    package mutating func apply(_ node: SettingsNode, _ problems: inout [SettingsProblem]) {
        if case .nothing = node.content { return }
        for entry in node.entries(&problems) {
            if let setting = Self.setting(entry.name) {
                setting.set(&self, entry.value, &problems)
            } else {
                let nearest = NearestNames.hint(for: entry.name, among: Self.settings.map(\.key))
                problems.append(SettingsProblem(entry.place, "unknown key \"\(entry.name)\"\(nearest)"))
            }
        }
    }

    /// Applies the values of a flag.
    package mutating func apply(flag key: String, _ texts: [String], _ problems: inout [SettingsProblem]) {
        guard !texts.isEmpty else { return }
        Self.setting(key)?.set(&self, SettingsNode(flag: "--\(key)", texts), &problems)
    }

    /// Applies the settings that were given to another group.
    package mutating func apply(_ other: Self) {
        for setting in Self.settings where other.places[setting.key] != nil {
            setting.copy(other, &self)
            places[setting.key] = other.places[setting.key]
        }
    }

    /// The settings in which another group differs.
    package func changes(to new: Self) -> [SettingChange] {
        Self.settings.compactMap { setting in
            let texts = [self, new].map { setting.text($0) ?? setting.standard }
            guard texts[0] != texts[1] else { return nil }
            return SettingChange(key: setting.key, old: texts[0], new: texts[1], effect: setting.effect)
        }
    }

    /// Copies another group's settings of one effect.
    package mutating func keep(_ effect: SettingEffect, of other: Self) {
        for setting in Self.settings where setting.effect == effect {
            setting.copy(other, &self)
            places[setting.key] = other.places[setting.key]
        }
    }

    /// The setting with that name.
    package static func setting(_ key: String) -> Setting<Self>? { settings.first { $0.key == key } }

    /// The settings in effect as YAML. Settings without a value are comments.
    ///
    /// - Parameter isComplete: Whether settings without a value are included.
    /// - Returns: One or more lines for each setting.
    package func yaml(isComplete: Bool = true) -> String {
        Self.settings.compactMap { setting in
            guard let text = setting.text(self) else {
                return isComplete ? "# \(setting.key): \(setting.standard)\n" : nil
            }
            return "\(setting.key):\(text.hasPrefix("\n") ? "" : " ")\(text)\n"
        }.joined()
    }

    /// Makes a problem with a setting.
    package func problem(_ key: String, _ message: String) -> SettingsProblem {
        SettingsProblem(places[key] ?? key, message)
    }
}
