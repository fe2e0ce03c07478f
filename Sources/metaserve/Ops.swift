import ArgumentParser
import Operations

/// `metaserve ops`
struct Ops: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the ops that are supported.")

    func run() {
        for name in OpTable.entries.keys.sorted() { print(name) }
    }
}
