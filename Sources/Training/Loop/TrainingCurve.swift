/// A drawing of a training's reports: one line for the values of the steps, one for those of the validation.
public struct TrainingCurve {
    private let name: String
    private let reports: [TrainingReport]
    private let index: Int

    private static let width = 640.0
    private static let height = 360.0
    private static let left = 64.0
    private static let right = 16.0
    private static let top = 36.0
    private static let bottom = 44.0

    /// - Parameters:
    ///   - name: The name of the reported tensor.
    ///   - index: Its place in the plan's reports.
    ///   - reports: The reports, in their order.
    public init(of name: String, at index: Int = 0, _ reports: [TrainingReport]) {
        self.name = name
        self.index = index
        self.reports = reports.filter { $0.values.indices.contains(index) }
    }

    /// The drawing as an SVG file; nil with fewer than two reports.
    public var svg: String? {
        guard reports.count > 1, let last = reports.last else { return nil }
        let training = reports.map { (x: Double($0.step), y: $0.values[index]) }
        let validation = reports.compactMap { report in
            report.validation.flatMap { $0.indices.contains(index) ? (x: Double(report.step), y: $0[index]) : nil }
        }
        let values = (training + validation).map(\.y)
        guard let least = values.min(), let most = values.max() else { return nil }
        let range = (low: least, high: most > least ? most : least + 1)
        let first = training[0].x
        func point(_ value: (x: Double, y: Double)) -> String {
            let x =
                Self.left + (value.x - first) / max(1, Double(last.step) - first)
                * (Self.width - Self.left - Self.right)
            let y =
                Self.top + (range.high - value.y) / (range.high - range.low) * (Self.height - Self.top - Self.bottom)
            return "\(Self.text(x)),\(Self.text(y))"
        }
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 360\" font-family=\"sans-serif\" font-size=\"12\">",
            "<rect width=\"640\" height=\"360\" fill=\"white\"/>",
        ]
        for tick in 0...4 {
            let value = range.low + (range.high - range.low) * Double(tick) / 4
            let y = Self.top + (1 - Double(tick) / 4) * (Self.height - Self.top - Self.bottom)
            lines.append(
                "<path d=\"M\(Self.left),\(Self.text(y))H\(Self.width - Self.right)\" stroke=\"#ddd\"/>"
                    + "<text x=\"58\" y=\"\(Self.text(y + 4))\" text-anchor=\"end\">\(Self.text(value, digits: 4))</text>"
            )
        }
        lines.append("<text x=\"64\" y=\"336\">step \(reports[0].step)</text>")
        lines.append("<text x=\"624\" y=\"336\" text-anchor=\"end\">step \(last.step)</text>")
        lines += legend(hasValidation: !validation.isEmpty)
        lines.append(Self.line(training.map(point), color: "#1f77b4"))
        if !validation.isEmpty { lines.append(Self.line(validation.map(point), color: "#d62728")) }
        return lines.joined(separator: "\n") + "\n</svg>\n"
    }

    private func legend(hasValidation: Bool) -> [String] {
        let escaped = name.map { $0 == "<" ? "&lt;" : $0 == "&" ? "&amp;" : String($0) }.joined()
        let title = "<text x=\"64\" y=\"22\"><tspan fill=\"#1f77b4\">\(escaped)</tspan>"
        return [title + (hasValidation ? "  <tspan fill=\"#d62728\">validation</tspan></text>" : "</text>")]
    }

    private static func line(_ points: [String], color: String) -> String {
        "<polyline fill=\"none\" stroke-width=\"2\" stroke=\"\(color)\" points=\"\(points.joined(separator: " "))\"/>"
    }

    /// A number with few digits.
    private static func text(_ number: Double, digits: Int = 2) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        return "\((number * scale).rounded() / scale)"
    }
}
