internal import Execution
internal import Graphs
internal import Interfaces
internal import Planning
package import Tensors

extension Model {
    /// The dimensions of an example: the declared ones; else what the ops that read the input tell, such as an image for a convolution.
    ///
    /// - Parameters:
    ///   - tensor: The input's tensor, `x:0`.
    ///   - shape: The declared shape.
    /// - Returns: The sizes; none for a scalar.
    package func exampleDimensions(of tensor: String, declared shape: PartialShape) -> [Int] {
        let known = shape.dimensions ?? ExampleShape(graph, shared.library.inference).dimensions(of: tensor)
        return ExampleShape.filled(known ?? [])
    }

    /// Whether the graph decodes images, so that its input of strings is the files of images.
    package var decodesImages: Bool { ExampleShape.decodesImages(graph) }

    /// Whether a request may leave a tensor out: a placeholder with a value of its own.
    ///
    /// - `tensor`: The tensor's name, `x:0`.
    package func hasDefault(_ tensor: String) -> Bool {
        guard let name = TensorName(parsing: tensor), let node = graph.node(named: name.node),
            node.op == "PlaceholderWithDefault"
        else { return false }
        // A default that comes out of an input pipeline is none: pipelines are not run.
        guard case .endpoint(let source)? = node.inputs.first else { return true }
        return !InputPipeline.isEnd(graph.nodes[source.node].op)
    }
}
