internal import Execution
internal import Graphs
internal import Interfaces
internal import Planning
package import Tensors

extension Model {
    /// The dimensions of an example: the declared ones, otherwise those that follow from the ops that read the input, such as an image for a
    /// convolution.
    ///
    /// - Parameters:
    ///   - tensor: The input's tensor, `x:0`.
    ///   - shape: The declared shape.
    /// - Returns: The sizes; empty for a scalar.
    package func exampleDimensions(of tensor: String, declared shape: PartialShape) -> [Int] {
        let known = shape.dimensions ?? ExampleShape(graph, shared.library.inference).dimensions(of: tensor)
        return ExampleShape.filled(known ?? [])
    }

    /// Whether the graph decodes images, so that its string input expects image files.
    package var decodesImages: Bool { ExampleShape.decodesImages(graph) }

    /// Whether a tensor has a default value, so that requests may omit it.
    ///
    /// - Parameter tensor: The tensor's name, `x:0`.
    /// - Returns: Whether it is a placeholder with a default value.
    package func hasDefault(_ tensor: String) -> Bool {
        guard let name = TensorName(parsing: tensor), let node = graph.node(named: name.node),
            node.op == "PlaceholderWithDefault"
        else { return false }
        // A default from an input pipeline does not count, because pipelines are not run.
        guard case .endpoint(let source)? = node.inputs.first else { return true }
        return !InputPipeline.isEnd(graph.nodes[source.node].op)
    }
}
