internal import Text

/// Settings that belong together: what a file, or a part of one, says.
package protocol SettingsGroup: Sendable {
    /// The defaults.
    init()
    /// All there are. The one place that says what a setting is called, takes and means.
    static var settings: [Setting<Self>] { get }
    /// Where each setting was given, by key; for messages.
    var places: [String: String] { get set }
}

/// When a setting that has changed in its file takes effect.
package enum SettingEffect: String, Sendable {
    /// At once.
    case live
    /// At once for what is loaded from then on; what is loaded is loaded again, while it serves on.
    case reload
    /// When the server is started again.
    case restart
}

/// A setting that two groups have differently.
package struct SettingChange: Hashable, Sendable {
    package let key: String
    /// The values as YAML; what holds without one, where there is none.
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
    ///   - path: Where the group has it, and there its default.
    ///   - type: What it takes.
    ///   - absent: What happens without it, where that is not a value.
    ///   - isList: Whether a flag may be given several times.
    ///   - effect: When a change in the file takes effect.
    ///   - help: What it means.
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
    /// Takes over what a file says.
    ///
    /// - Parameters:
    ///   - node: Keys and values, or nothing.
    ///   - problems: Gets what is wrong: all of it.
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

    /// Takes over the values of a flag.
    package mutating func apply(flag key: String, _ texts: [String], _ problems: inout [SettingsProblem]) {
        guard !texts.isEmpty else { return }
        Self.setting(key)?.set(&self, SettingsNode(flag: "--\(key)", texts), &problems)
    }

    /// Takes over what was given to another group.
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

    /// Takes over another group's settings of one effect.
    package mutating func keep(_ effect: SettingEffect, of other: Self) {
        for setting in Self.settings where setting.effect == effect {
            setting.copy(other, &self)
            places[setting.key] = other.places[setting.key]
        }
    }

    /// The setting of that name.
    package static func setting(_ key: String) -> Setting<Self>? { settings.first { $0.key == key } }

    /// The settings in effect as YAML; those that are nothing as comments.
    ///
    /// - Parameter isComplete: Whether those that are nothing are there at all.
    /// - Returns: A line, or more, for each.
    package func yaml(isComplete: Bool = true) -> String {
        Self.settings.compactMap { setting in
            guard let text = setting.text(self) else {
                return isComplete ? "# \(setting.key): \(setting.standard)\n" : nil
            }
            return "\(setting.key):\(text.hasPrefix("\n") ? "" : " ")\(text)\n"
        }.joined()
    }

    /// The problem that a setting does not make sense.
    package func problem(_ key: String, _ message: String) -> SettingsProblem {
        SettingsProblem(places[key] ?? key, message)
    }
}
