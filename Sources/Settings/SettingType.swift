/// The type of a setting's values: how they are read, and how they are written.
package struct SettingType<Value: Sendable>: Sendable {
    /// For messages and documents: "an integer from 0 to 65535".
    package let expected: String
    /// Returns nil after it has recorded the problem.
    package let read: @Sendable (SettingsNode, inout [SettingsProblem]) -> Value?
    /// The value as YAML, on one line unless it begins with a newline; nil if the setting has no value.
    package let text: @Sendable (Value) -> String?

    package init(
        expected: String, read: @escaping @Sendable (SettingsNode, inout [SettingsProblem]) -> Value?,
        text: @escaping @Sendable (Value) -> String?
    ) {
        self.expected = expected
        self.read = read
        self.text = text
    }

    /// The type of a scalar. `parse` gets its text, and whether it was unquoted.
    package static func scalar(
        _ expected: String, text: @escaping @Sendable (Value) -> String = { "\($0)" },
        parse: @escaping @Sendable (String, Bool) -> Value?
    ) -> SettingType {
        SettingType(
            expected: expected,
            read: { node, problems in
                if case .scalar(let text, let isPlain) = node.content, let value = parse(text, isPlain) { return value }
                problems.append(node.misfit(expected))
                return nil
            }, text: text)
    }

    /// The same type for an optional setting.
    package var optional: SettingType<Value?> {
        SettingType<Value?>(
            expected: expected,
            read: { node, problems in
                // A value that cannot be read must not look like an absent one.
                read(node, &problems).map { .some($0) }
            }, text: { $0.flatMap(text) })
    }
}

extension SettingsNode {
    /// The problem that the value differs from the expected type.
    package func misfit(_ expected: String) -> SettingsProblem {
        SettingsProblem(place, "expected \(expected), found \(found)")
    }

    /// The keys and values.
    package func entries(_ problems: inout [SettingsProblem]) -> [Entry] {
        if case .map(let entries) = content { return entries }
        problems.append(misfit("keys and values"))
        return []
    }
}

extension SettingType where Value == String {
    /// A text, such as a path.
    package static func text(_ expected: String) -> SettingType {
        scalar(expected, text: YAMLText.quoted) { text, _ in text.isEmpty ? nil : text }
    }
}

extension SettingType where Value == Int {
    package static func whole(_ range: ClosedRange<Int>) -> SettingType {
        scalar("an integer \(range.upperBound == .max ? "of at least" : "from") \(range.limits)") { text, isPlain in
            isPlain ? Int(text).flatMap { range.contains($0) ? $0 : nil } : nil
        }
    }
}

extension SettingType where Value == Double {
    /// A finite number.
    package static func number(_ range: ClosedRange<Double>, _ unit: String) -> SettingType {
        scalar("\(unit) from \(range.limits)", text: YAMLText.number) { text, isPlain in
            isPlain ? Double(text).flatMap { range.contains($0) ? $0 : nil } : nil
        }
    }
}

extension SettingType where Value == Bool {
    package static var truth: SettingType {
        scalar("true or false") { text, isPlain in isPlain ? Bool(text) : nil }
    }
}

extension SettingType {
    /// One of several words.
    package static func choice(_ choices: [(word: String, value: Value)]) -> SettingType where Value: Equatable {
        let expected = choices.map(\.word).alternatives
        return SettingType(
            expected: expected,
            read: { node, problems in
                let word: String? =
                    switch node.content {
                    case .scalar(let text, _): text
                    // YAML's `null` may be one of the choices.
                    case .nothing: "null"
                    case .list, .map: nil
                    }
                if let choice = choices.first(where: { $0.word == word }) { return choice.value }
                problems.append(node.misfit(expected))
                return nil
            }, text: { value in choices.first { $0.value == value }.map { YAMLText.quoted($0.word) } })
    }

    /// A list; one value is a list of one.
    package static func list<Element>(of type: SettingType<Element>) -> SettingType where Value == [Element] {
        SettingType(
            expected: "a list, each \(type.expected)",
            read: { node, problems in
                guard case .list(let nodes) = node.content else { return type.read(node, &problems).map { [$0] } }
                let known = problems.count
                let elements = nodes.compactMap { type.read($0, &problems) }
                return problems.count == known ? elements : nil
            }, text: { $0.isEmpty ? nil : "[\($0.compactMap(type.text).joined(separator: ", "))]" })
    }

    /// Keys and values.
    package static func map<Element>(
        of type: SettingType<Element>, _ expected: String
    ) -> SettingType where Value == [String: Element] {
        SettingType(
            expected: expected,
            read: { node, problems in
                let known = problems.count
                var values: [String: Element] = [:]
                for entry in node.entries(&problems) { values[entry.name] = type.read(entry.value, &problems) }
                return problems.count == known ? values : nil
            },
            text: { values in
                let pairs = values.sorted { $0.key < $1.key }
                    .map { "\(YAMLText.quoted($0.key)): \(type.text($0.value) ?? "~")" }
                return pairs.isEmpty ? nil : "{\(pairs.joined(separator: ", "))}"
            })
    }
}

extension ClosedRange<Int> {
    fileprivate var limits: String { upperBound == .max ? "\(lowerBound)" : "\(lowerBound) to \(upperBound)" }
}

extension ClosedRange<Double> {
    fileprivate var limits: String { "\(YAMLText.number(lowerBound)) to \(YAMLText.number(upperBound))" }
}

extension [String] {
    /// "a, b or c".
    fileprivate var alternatives: String {
        count < 2 ? joined() : dropLast().joined(separator: ", ") + " or " + self[count - 1]
    }
}
