import API
import ArgumentParser
import Serving
import Settings
import Tensors

/// The arrays of a `.npz` file for the inputs of a model, cut into batches.
struct CheckedData {
    let path: String
    /// The names of arrays that are no inputs.
    let unused: [String]
    /// The arrays by the names of inputs, and whether their first dimension counts rows.
    private var arrays: [(name: String, tensor: Tensor, hasRows: Bool)] = []

    private static let maxBytes = 1 << 30

    /// Reads the arrays.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - model: The model.
    ///   - given: The names of inputs that get other values.
    /// - Throws: `ValidationError` with the problem and the next step.
    init(path: String, for model: Model, except given: [String]) throws {
        self.path = path
        let bytes: [UInt8]
        do throws(SettingsProblem) { bytes = try SmallFile.read(path, maxBytes: Self.maxBytes, waits: true) } catch {
            throw ValidationError("--data \(path): cannot be read: \(error.message)")
        }
        var unused: [String] = []
        do throws(NPYText.Fault) {
            let archive = try NPZArchive(file: bytes)
            for name in archive.names {
                guard let input = model.inputs.first(where: { Self.names(of: $0).contains(name) }) else {
                    unused.append(name)
                    continue
                }
                guard !given.contains(where: Self.names(of: input).contains),
                    !arrays.contains(where: { $0.name == input.name })
                else { continue }
                let tensor = try archive.tensor(name, as: input.dtype)
                arrays.append((input.name, tensor, Self.hasRows(input, tensor)))
            }
        } catch {
            throw ValidationError(
                "--data \(path): is not a file of numpy.savez that can be fed: \(error.reason)")
        }
        self.unused = unused
        for input in model.inputs where input.isNeeded && input.defaultValue == nil && input.usualValue == nil {
            let names = Self.names(of: input)
            guard !arrays.contains(where: { $0.name == input.name }), !given.contains(where: names.contains) else {
                continue
            }
            let found = archiveNames(unused)
            throw ValidationError(
                "--data \(path): has no array for input \(input.name) \(input.dtype?.name ?? "") \(input.shape); it has "
                    + "\(found). Save it with numpy.savez(file, **{\"\(input.name)\": x}), or give --feed \(input.name)=VALUE"
            )
        }
    }

    private func archiveNames(_ unused: [String]) -> String {
        let names = arrays.map(\.name) + unused
        return names.isEmpty ? "no arrays" : names.joined(separator: ", ")
    }

    private static func names(of input: TensorDescription) -> Set<String> {
        [input.name, input.tensor, String(input.tensor.prefix { $0 != ":" })]
    }

    /// Whether the model leaves the first dimension open.
    private static func hasRows(_ input: TensorDescription, _ tensor: Tensor) -> Bool {
        guard tensor.shape.rank > 0 else { return false }
        return input.shape.dimensions.map { $0.first == PartialShape.unknownDimension } ?? true
    }

    /// The feeds of each run: so many rows of the arrays that have rows, and all of the others.
    ///
    /// - Parameter size: The number of rows.
    /// - Returns: One or more lists of feeds.
    /// - Throws: `ValidationError` if the arrays have different numbers of rows, or none.
    func batches(of size: Int) throws -> [[(name: String, value: FeedSource)]] {
        let counts = arrays.filter(\.hasRows).map { ($0.name, $0.tensor.shape.dimensions[0]) }
        guard let (_, count) = counts.first else { return [try feeds(nil)] }
        guard counts.allSatisfy({ $0.1 == count }), count > 0 else {
            let text = counts.map { "\($0.0) has \($0.1)" }.joined(separator: ", ")
            throw ValidationError("--data \(path): expected as many rows in each array, and at least one; \(text)")
        }
        return try stride(from: 0, to: count, by: size).map { try feeds($0..<min(count, $0 + size)) }
    }

    private func feeds(_ rows: Range<Int>?) throws -> [(name: String, value: FeedSource)] {
        try arrays.map { name, tensor, hasRows in
            guard hasRows, let rows else { return (name, .tensor(tensor)) }
            guard let part = tensor.rows(rows) else {
                throw ValidationError("--data \(path): array \(name) cannot be cut into rows")
            }
            return (name, .tensor(part))
        }
    }
}

extension Tensor {
    /// Some rows, in place.
    fileprivate func rows(_ range: Range<Int>) -> Tensor? {
        guard let count = shape.dimensions.first, range.upperBound <= count,
            let each = Shape(Array(shape.dimensions.dropFirst())),
            let shape = Shape([range.count] + each.dimensions), let bytes = each.byteCount(of: dtype)
        else { return nil }
        return Tensor(dtype: dtype, shape: shape, storage: storage, byteOffset: byteOffset + range.lowerBound * bytes)
    }
}
