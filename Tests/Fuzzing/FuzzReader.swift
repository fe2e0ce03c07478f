/// Passes arbitrary bytes to one of the program's readers. A refusal is correct. A trap, an invalid access, a leak, a hang or unbounded
/// memory is a finding.
protocol FuzzReader: Sendable {
    /// The name on the command line.
    static var name: String { get }

    /// Words of the format, which the fuzzer inserts into inputs.
    static var words: [[UInt8]] { get }

    /// The initial inputs, made from the tests' fixtures.
    static func seeds() throws -> [[UInt8]]

    init() throws

    /// Reads an input.
    func read(_ bytes: UnsafeRawBufferPointer)
}

extension FuzzReader {
    static var words: [[UInt8]] { [] }
}

/// All readers. To add one, add a file in `Readers` and a line here.
enum FuzzReaders {
    static let all: [any FuzzReader.Type] = [
        TableReader.self, BundleReader.self, SlicesReader.self, PointerReader.self, GraphReader.self, JSONReader.self,
        RequestReader.self, V2Reader.self, NPYReader.self, FormReader.self, ImageReader.self, ExampleReader.self,
        HeadReader.self,
    ]

    static var names: String { all.map { $0.name }.joined(separator: " ") }

    static func named(_ name: String) -> (any FuzzReader.Type)? { all.first { $0.name == name } }
}
