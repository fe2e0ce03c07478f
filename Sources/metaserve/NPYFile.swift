import ArgumentParser
import Foundation

/// A NumPy `.npy` file (format 1 to 3): little-endian numbers (complex ones become pairs) or booleans in C order.
struct NPYFile {
    private let path: String
    private let kind: String
    private let dimensions: [Int]
    private let elements: Data

    /// Reads the file and checks that it holds as many elements as its header says.
    init(path: String) throws {
        func failure(_ reason: String) -> ValidationError { ValidationError("\(path): \(reason)") }
        guard let data = FileManager.default.contents(atPath: path) else { throw failure("cannot be read") }
        guard data.count >= 10, data.prefix(6).elementsEqual([0x93] + Array("NUMPY".utf8)) else {
            throw failure("is not a .npy file")
        }
        let wide = data[6] > 1
        let start = wide ? 12 : 10
        guard data.count >= start else { throw failure("is cut off") }
        let length = (8..<start).reversed().reduce(0) { $0 << 8 | Int(data[$1]) }
        guard length <= data.count - start else { throw failure("is cut off") }
        let header = String(decoding: data[start..<start + length], as: UTF8.self)
        guard let kind = header.firstMatch(of: /'descr':\s*'([<|](?:[fiub][1248]|c8|c16))'/)?.1,
            header.contains(/'fortran_order':\s*False/),
            let shape = header.firstMatch(of: /'shape':\s*\(([0-9, ]*)\)/)?.1
        else { throw failure("must hold little-endian numbers in C order; its header is \(header)") }
        self.path = path
        self.kind = String(kind.dropFirst())
        dimensions = shape.split(separator: ",").compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
        elements = data[(start + length)...]
        let width = Int(String(kind.dropFirst(2))) ?? 0
        var count = 1
        for size in dimensions {
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            guard !overflow, product <= elements.count else { throw failure("is cut off") }
            count = product
        }
        guard count * width == elements.count else {
            throw failure("has \(elements.count) bytes of elements, expected \(count * width)")
        }
    }

    /// The array as nested JSON lists.
    func json() throws -> String {
        switch kind {
        case "f2": nested { (value: Float16) in number(Double(value), "\(Float(value))") }
        case "c8":
            nested { (value: SIMD2<Float>) in
                "[\(number(Double(value.x), "\(value.x)")),\(number(Double(value.y), "\(value.y)"))]"
            }
        case "c16":
            nested { (value: SIMD2<Double>) in "[\(number(value.x, "\(value.x)")),\(number(value.y, "\(value.y)"))]" }
        case "f4": nested { (value: Float) in number(Double(value), "\(value)") }
        case "f8": nested { (value: Double) in number(value, "\(value)") }
        case "i1": nested { (value: Int8) in "\(value)" }
        case "i2": nested { (value: Int16) in "\(value)" }
        case "i4": nested { (value: Int32) in "\(value)" }
        case "i8": nested { (value: Int64) in "\(value)" }
        case "u1": nested { (value: UInt8) in "\(value)" }
        case "u2": nested { (value: UInt16) in "\(value)" }
        case "u4": nested { (value: UInt32) in "\(value)" }
        case "u8": nested { (value: UInt64) in "\(value)" }
        case "b1": nested { (value: UInt8) in value != 0 ? "true" : "false" }
        default: throw ValidationError("\(path): elements of kind \(kind) cannot be fed")
        }
    }

    private func number(_ value: Double, _ text: String) -> String {
        value.isFinite ? text : value.isNaN ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\""
    }

    private func nested<Element: BitwiseCopyable>(_ text: (Element) -> String) -> String {
        elements.withUnsafeBytes { bytes in
            var offset = 0
            func list(_ level: Int) -> String {
                guard level < dimensions.count else {
                    defer { offset += MemoryLayout<Element>.stride }
                    return text(bytes.loadUnaligned(fromByteOffset: offset, as: Element.self))
                }
                return "[" + (0..<dimensions[level]).map { _ in list(level + 1) }.joined(separator: ",") + "]"
            }
            return list(0)
        }
    }
}
