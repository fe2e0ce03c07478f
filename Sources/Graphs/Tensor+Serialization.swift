internal import FoundationEssentials
internal import SwiftProtobuf
internal import TensorFlowProtos
package import Tensors

extension Tensor {
    /// Reads a serialized `TensorProto`.
    ///
    /// - Throws: ``GraphError`` if the bytes are not a `TensorProto`, or not a valid one.
    package init(serialized bytes: [UInt8]) throws(GraphError) {
        guard let message = try? TensorProto(serializedBytes: bytes) else { throw GraphError("is no TensorProto") }
        do { self = try Tensor(decoding: message) } catch { throw GraphError(error.reason) }
    }

    /// A serialized `TensorProto`, as TensorFlow writes it: numbers as raw memory, strings one by one.
    ///
    /// - Throws: ``GraphError`` for handles.
    package func serialized() throws(GraphError) -> [UInt8] {
        guard !dtype.isHandle else { throw GraphError("a \(dtype) cannot be serialized") }
        var message = TensorProto()
        message.dtype = dtype.rawValue
        message.tensorShape = TensorShapeProto()
        for size in shape.dimensions {
            var dimension = TensorShapeProto.Dim()
            dimension.size = Int64(size)
            message.tensorShape.dim.append(dimension)
        }
        if let strings {
            message.stringVal = strings.map { Data($0) }
        } else {
            message.tensorContent = withUnsafeBytes { Data($0) }
        }
        do { return try message.serializedBytes() } catch { throw GraphError("\(error)") }
    }
}
