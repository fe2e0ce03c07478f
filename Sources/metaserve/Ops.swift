import ArgumentParser
import Operations

/// `metaserve ops`
struct Ops: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ops", abstract: "List the supported ops.")

    func run() {
        for name in OpTable.entries.keys.sorted() { print(name) }
    }
}
