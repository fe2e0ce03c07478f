import Testing
import VectorSupport

@Suite("Graphs against TensorFlow")
struct GraphVectorTests {
    @Test(
        "Every recorded graph gives TensorFlow's answers, or an error where TensorFlow has one",
        arguments: VectorFamily.graphs)
    func matchesTensorFlow(_ family: VectorFamily) throws {
        for (index, vector) in try VectorFile.readGraphs(family.path).enumerated() {
            for difference in GraphTrial.differences(vector) { Issue.record("\(family.name) #\(index) \(difference)") }
        }
    }
}
