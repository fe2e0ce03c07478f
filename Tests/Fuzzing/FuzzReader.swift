/// Gives bytes of any kind to one of the program's readers. What the reader refuses is right; a trap, a bad access, a leak, a hang
/// or memory without end is a finding.
protocol FuzzReader: Sendable {
    /// What the command line calls it.
    static var name: String { get }

    /// Words of the format, which the fuzzer puts into inputs.
    static var words: [[UInt8]] { get }

    /// Inputs to begin with, made of what the tests have.
    static func seeds() throws -> [[UInt8]]

    init() throws

    /// Reads an input.
    func read(_ bytes: UnsafeRawBufferPointer)
}

extension FuzzReader {
    static var words: [[UInt8]] { [] }
}

/// All readers. A new one is a file in `Readers` and a line here.
enum FuzzReaders {
    static let all: [any FuzzReader.Type] = [
        TableReader.self, BundleReader.self, SlicesReader.self, PointerReader.self, GraphReader.self, JSONReader.self,
        RequestReader.self, V2Reader.self, NPYReader.self, FormReader.self, ImageReader.self, ExampleReader.self,
        HeadReader.self,
    ]

    static var names: String { all.map { $0.name }.joined(separator: " ") }

    static func named(_ name: String) -> (any FuzzReader.Type)? { all.first { $0.name == name } }
}
