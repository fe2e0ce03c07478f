internal import Files
internal import Settings
internal import Tensors

/// The names of the classes of a model's outputs.
package struct ModelClasses: Sendable {
    /// The names for outputs with a file in the settings, by the output's tensor, `probs:0`.
    private var explicit: [String: ClassNames] = [:]
    /// `labels.txt`, for all outputs with as many values in their last dimension as it has names.
    private var general: ClassNames?
    /// The files that were read, with their states.
    private(set) var files: [FileIdentity] = []
    /// Notes on the files found, for the log.
    private(set) var notes: [String] = []
    /// Warnings for the operator.
    private(set) var warnings: [String] = []

    /// Reads the files of class names.
    ///
    /// - Parameters:
    ///   - classes: Names of files by outputs, from the model's settings.
    ///   - places: The places of the files.
    ///   - outputs: The model's outputs.
    /// - Throws: ``ModelError`` of kind `load` for an unusable file in the settings, an output that the model lacks, and an output with
    ///   another number of values.
    init(
        _ classes: [String: String], in places: ClassFiles, outputs: [TensorDescription]
    ) throws(ModelError) {
        for (name, file) in classes.sorted(by: { $0.key < $1.key }) {
            let output = try Self.output(name, outputs)
            guard let path = places.file(file) else {
                throw ModelError(
                    .incomplete,
                    "classes of \"\(name)\": there is no file \"\(file)\" in \(places.description)")
            }
            let read = try ClassNames.read(path, isExplicit: true)
            files.append(read.file)
            if let size = Self.lastSize(output), size != read.names.names.count {
                throw ModelError(
                    .load,
                    "classes of \"\(name)\": \(path) has \(read.names.names.count) names, but the output has \(size) values "
                        + "in its last dimension")
            }
            notes.append("\(path) has the names of the \(read.names.names.count) classes of \"\(name)\"")
            explicit[output.tensor] = read.names
        }
        readGeneral(places, outputs)
    }

    /// Reads `labels.txt`. It was not requested, so its problems are only warnings.
    private mutating func readGeneral(_ places: ClassFiles, _ outputs: [TensorDescription]) {
        guard let path = places.general else { return }
        do throws(ModelError) {
            let read = try ClassNames.read(path, isExplicit: false)
            files.append(read.file)
            let count = read.names.names.count
            let isUsed = outputs.contains { output in
                output.dtype?.isFloating != false && (Self.lastSize(output) ?? count) == count
            }
            guard isUsed else {
                warnings.append("\(path) is not used: it has \(count) names, and no output has as many values")
                return
            }
            notes.append("\(path) has the names of \(count) classes")
            general = read.names
        } catch { warnings.append("\(error.message): it is not used") }
    }

    private static func output(
        _ name: String, _ outputs: [TensorDescription]
    ) throws(ModelError) -> TensorDescription {
        let isNamed = { (output: TensorDescription) in
            output.name == name || output.tensor == name || output.tensor == name + ":0"
        }
        if let output = outputs.first(where: isNamed) { return output }
        let nearest = DefaultValues.nearest(
            to: name, among: outputs.map { $0.name.hasSuffix(":0") ? String($0.name.dropLast(2)) : $0.name })
        throw ModelError(.load, "classes of \"\(name)\": the model has no such output\(nearest)")
    }

    /// The size of the last dimension; nil if unknown.
    private static func lastSize(_ output: TensorDescription) -> Int? {
        output.shape.dimensions?.last.flatMap { $0 < 0 ? nil : $0 }
    }

    /// The names for an output. The names of `labels.txt` apply only if there are as many as the output has values.
    ///
    /// - Parameter tensor: The output's tensor, `probs:0`.
    /// - Returns: The names; nil if there are none.
    package func names(of tensor: String) -> ClassNames? { explicit[tensor] ?? general }
}
