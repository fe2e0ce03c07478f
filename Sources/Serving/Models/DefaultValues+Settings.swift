package import Settings
internal import Tensors

extension DefaultValues {
    /// The type of the setting: names of placeholders, and their values.
    package static let type = SettingType<DefaultValues>(
        expected: "names of placeholders and their values",
        read: { node, problems in
            let known = problems.count
            var result = DefaultValues()
            for entry in node.entries(&problems) { result.values[entry.name] = FeedValue(entry.value, &problems) }
            return problems.count == known ? result : nil
        },
        text: { defaults in
            let pairs = defaults.values.sorted { $0.key < $1.key }
                .map { "\(YAMLText.quoted($0.key)): \($0.value.yaml)" }
            return pairs.isEmpty ? nil : "{\(pairs.joined(separator: ", "))}"
        })
}

extension FeedValue {
    /// Returns nil after recording the problems.
    fileprivate init?(_ node: SettingsNode, _ problems: inout [SettingsProblem]) {
        switch node.content {
        case .list(let nodes):
            var elements: [FeedValue] = []
            for node in nodes {
                guard let element = FeedValue(node, &problems) else { return nil }
                elements.append(element)
            }
            self.init(elements)
        case .scalar(let text, let isPlain):
            guard isPlain else {
                self.init(stringLiteral: text)
                return
            }
            if let truth = ["true": true, "false": false][text.lowercased()] {
                self.init(booleanLiteral: truth)
            } else if let integer = Int64(text) {
                self.init(integer)
            } else if let number = Self.number(text) {
                self.init(number)
            } else {
                self.init(stringLiteral: text)
            }
        case .nothing, .map:
            problems.append(node.misfit("a number, true, false, a string or a list"))
            return nil
        }
    }

    /// A number as YAML writes it.
    private static func number(_ text: String) -> Double? {
        switch text.lowercased() {
        case ".nan": .nan
        case ".inf", "+.inf": .infinity
        case "-.inf": -.infinity
        case "nan", "inf", "infinity", "-inf", "+inf", "-infinity", "+infinity": nil
        default: Double(text)
        }
    }

    /// The value as YAML. A tensor is only mentioned.
    fileprivate var yaml: String {
        switch content {
        case .tensor(let tensor): YAMLText.quoted("a \(tensor.dtype) \(tensor.shape)")
        case .integer(let value): "\(value)"
        case .number(let value): value.isNaN ? ".nan" : value.isInfinite ? (value < 0 ? "-.inf" : ".inf") : "\(value)"
        case .truth(let value): "\(value)"
        case .text(let text): YAMLText.quoted(text)
        case .bytes(let bytes): YAMLText.quoted("\(bytes.count) bytes")
        case .list(let elements): "[\(elements.map(\.yaml).joined(separator: ", "))]"
        }
    }
}
