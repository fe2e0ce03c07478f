internal import HTTPMessages
internal import Serving

/// Writes metrics in Prometheus' text format, version 0.0.4: a family's help and type, then its samples.
struct MetricsWriter {
    private let buffer: ResponseBuffer

    enum Kind: String {
        case counter, gauge, histogram
    }

    typealias Label = (name: StaticString, value: String)

    init(_ buffer: ResponseBuffer) { self.buffer = buffer }

    /// Begins a family. Its samples must follow.
    func family(_ name: StaticString, _ kind: Kind, _ help: StaticString) {
        buffer.append("# HELP ")
        buffer.append(name)
        buffer.append(" ")
        buffer.append(help)
        buffer.append("\n# TYPE ")
        buffer.append(name)
        buffer.append(" ")
        buffer.append(kind.rawValue)
        buffer.append("\n")
    }

    /// A sample of an integer.
    func sample(_ name: StaticString, _ labels: [Label], _ value: Int) { line(name, "", labels, String(value)) }

    /// A sample of a finite number.
    func sample(_ name: StaticString, _ labels: [Label], _ value: Double) {
        line(name, "", labels, String(value))
    }

    /// A histogram's samples, divided by a factor: 1e9 converts nanoseconds to seconds.
    func histogram(_ name: StaticString, _ labels: [Label], _ histogram: Histogram, perUnit: Double) {
        // Values may be recorded meanwhile, so all buckets and the count come from one snapshot.
        let counts = histogram.counts
        var count = 0
        for (bound, bucket) in zip(histogram.bounds, counts) {
            count += bucket
            line(name, "_bucket", labels + [("le", String(Double(bound) / perUnit))], String(count))
        }
        count += counts.last ?? 0
        line(name, "_bucket", labels + [("le", "+Inf")], String(count))
        line(name, "_sum", labels, String(Double(histogram.sum) / perUnit))
        line(name, "_count", labels, String(count))
    }

    private func line(_ name: StaticString, _ suffix: StaticString, _ labels: [Label], _ value: String) {
        buffer.append(name)
        buffer.append(suffix)
        for (index, label) in labels.enumerated() {
            buffer.append(index == 0 ? "{" : ",")
            buffer.append(label.name)
            buffer.append("=\"")
            buffer.append(Self.escaped(label.value))
            buffer.append("\"")
        }
        if !labels.isEmpty { buffer.append("}") }
        buffer.append(" ")
        buffer.append(value)
        buffer.append("\n")
    }

    private static func escaped(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "\"") || $0 < 0x20 }) else {
            return text
        }
        return text.unicodeScalars.reduce(into: "") { result, scalar in
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
    }
}
