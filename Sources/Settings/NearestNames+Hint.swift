package import Tensors

extension NearestNames {
    /// The rest of a message that something is not there: `; the nearest are "x", "y"`, or nothing.
    package static func hint(for name: String, among names: some Sequence<String>) -> String {
        let nearest = of(name, among: names).map { "\"\($0)\"" }
        return nearest.isEmpty ? "" : "; the nearest are \(nearest.joined(separator: ", "))"
    }
}
