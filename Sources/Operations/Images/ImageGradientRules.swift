internal import Graphs
internal import Tensors

// The formulas are those of image_grad.py of TensorFlow 2.21.
extension OpTable {
    /// Gradients of ops that scale and cut images.
    static let imageGradientRules: [GradientRule] = [
        GradientRule(
            "ResizeBilinear", one: { n, node, g throws(OpError) in try resized(n, node, g, "ResizeBilinearGrad") }),
        GradientRule(
            "ResizeBicubic", one: { n, node, g throws(OpError) in try resized(n, node, g, "ResizeBicubicGrad") }),
        GradientRule(
            "ResizeNearestNeighbor",
            one: { n, node, g throws(OpError) in
                let size = try n.slice(n.shapeVector(node.input(0)), n.vector([1]), n.vector([2]))
                return [
                    try n.add(
                        "ResizeNearestNeighborGrad", [g, size], node.attributes("align_corners", "half_pixel_centers"))
                ]
            }),
        GradientRule(
            "CropAndResize",
            one: { n, node, g throws(OpError) in
                let (image, boxes, numbers) = (try node.input(0), try node.input(1), try node.input(2))
                var attributes = try node.attributes("method")
                attributes["T"] = .type(try n.type(of: image))
                let gImage = try n.add("CropAndResizeGradImage", [g, boxes, numbers, n.shapeVector(image)], attributes)
                var result: [Endpoint?] = [gImage]
                if try node.reader.string("method", default: "bilinear") == "bilinear" {
                    result.append(
                        try n.add("CropAndResizeGradBoxes", [g, image, boxes, numbers], node.attributes("method")))
                }
                return result
            }),
    ]

    private static func resized(
        _ n: GradientNodes, _ node: ForwardNode, _ g: Endpoint, _ op: String
    ) throws(OpError) -> [Endpoint?] {
        [try n.add(op, [g, node.input(0)], node.attributes("align_corners", "half_pixel_centers"))]
    }
}
