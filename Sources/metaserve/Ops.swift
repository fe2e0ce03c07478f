import ArgumentParser
import Expressions
import Operations

/// `metaserve ops`
struct Ops: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ops", abstract: "List the supported ops.")

    @Flag(help: "List the functions of expressions and their arguments instead.")
    var functions = false

    func run() {
        guard functions else {
            for name in OpTable.entries.keys.sorted() { print(name) }
            return
        }
        for function in FunctionTable.functions.sorted(by: { $0.names[0] < $1.names[0] }) {
            print("\(function.names[0])(\(function.parameters))")
        }
    }
}
