import Foundation
import GraphSupport
import OperationSupport
import Testing
import VectorSupport

@Suite("Graphs against TensorFlow")
struct GraphVectorTests {
    @Test(
        "Every recorded graph gives TensorFlow's outputs, or an error of the kind of TensorFlow's",
        arguments: VectorFamily.graphs)
    func matchesTensorFlow(_ family: VectorFamily) throws {
        for (index, vector) in try VectorFile.readGraphs(family.path).enumerated() {
            for difference in GraphTrial.differences(vector) { Issue.record("\(family.name) #\(index) \(difference)") }
        }
    }

    @Test("Each exception from the rule of kinds is needed, in each graph that it names")
    func exceptionsAreNeeded() throws {
        var used: [RefusalException: Set<String>] = [:]
        for family in VectorFamily.graphs {
            for vector in try VectorFile.readGraphs(family.path)
            where vector.runs.contains(where: { !$0.error.isEmpty }) {
                for (recorded, error) in try GraphTrial.refusals(vector) {
                    guard let exception = recorded.exception(for: error) else { continue }
                    used[exception, default: []].insert(recorded.label)
                }
            }
        }
        for exception in RefusalException.graphs {
            #expect(used[exception]?.isSuperset(of: exception.labels) == true, "\(exception)")
        }
    }
}

/// The file of random graphs that were made for this run.
private let randomGraphs = ProcessInfo.processInfo.environment["METASERVE_GRAPHS"]

@Suite("Random graphs against TensorFlow", .enabled(if: randomGraphs != nil, "make test-differential makes them"))
struct DifferentialTests {
    @Test("every graph agrees")
    func agrees() throws {
        let vectors = try VectorFile.readGraphs(try #require(randomGraphs))
        let runs = vectors.flatMap(\.runs)
        let refused = runs.filter { !$0.error.isEmpty }.count
        let tensors = runs.reduce(0) { $0 + $1.outputs.count }
        var differing = 0
        for vector in vectors {
            let differences = GraphTrial.differences(vector)
            differing += differences.isEmpty ? 0 : 1
            for difference in differences { Issue.record("\(difference)") }
        }
        print(
            "\(vectors.count) graphs, \(runs.count) runs, \(refused) of them refused by TensorFlow, \(tensors) tensors: "
                + "\(differing) graphs differ")
    }
}
