internal import Execution
internal import HTTPMessages
package import Tensors

/// NumPy arrays as JSON, for programs that compose requests.
public enum NPYText {
    /// The array of a `.npy` file as nested lists.
    ///
    /// - Parameter file: The bytes.
    /// - Returns: JSON.
    /// - Throws: ``NPYText/Fault``.
    public static func json(file: [UInt8]) throws(Fault) -> String {
        do throws(NPYArray.Fault) {
            // Safety: the array does not outlive the file's bytes.
            return try file.withUnsafeBufferPointer { bytes throws(NPYArray.Fault) in
                let array = try NPYArray(UnsafeRawBufferPointer(bytes))
                var feeds = FeedMemory()
                do throws(RequestError) { try feeds.add(array, as: array.dtype, name: "") } catch {
                    throw NPYArray.Fault(error.message)
                }
                return try text(&feeds)
            }
        } catch { throw Fault(reason: error.reason) }
    }

    /// The array of a `.npy` file as a tensor. NumPy's defaults, float64 and int64, are converted to float32 and int32.
    ///
    /// - Parameters:
    ///   - file: The bytes.
    ///   - dtype: The dtype of the tensor; nil for the array's own.
    ///   - feed: The name of the input, for messages.
    /// - Returns: A tensor with its own memory.
    /// - Throws: ``NPYText/Fault`` if the array is malformed, or does not fit the dtype.
    package static func tensor(file: [UInt8], as dtype: DataType? = nil, feed: String = "") throws(Fault) -> Tensor {
        try file.withUnsafeBufferPointer { bytes throws(Fault) in
            try tensor(bytes: UnsafeRawBufferPointer(bytes), as: dtype, feed: feed)
        }
    }

    /// The array in the bytes of a `.npy` file, as ``tensor(file:as:feed:)``.
    static func tensor(
        bytes: UnsafeRawBufferPointer, as dtype: DataType?, feed: String
    ) throws(Fault) -> Tensor {
        do throws(NPYArray.Fault) {
            let array = try NPYArray(bytes)
            var feeds = FeedMemory()
            do throws(RequestError) { try feeds.add(array, as: dtype ?? array.dtype, name: feed) } catch {
                throw NPYArray.Fault(error.message)
            }
            var tensor: Tensor?
            // Safety: the feeds refer to the bytes, and the tensor is a copy.
            feeds.withFeeds { tensor = $0.first?.copy() }
            guard let tensor else { throw NPYArray.Fault("not enough memory for it") }
            return tensor
        } catch { throw Fault(reason: error.reason) }
    }

    /// The reason why a file cannot be used.
    public struct Fault: Error {
        /// The fault of the file.
        public let reason: String
    }

    private static func text(_ feeds: inout FeedMemory) throws(NPYArray.Fault) -> String {
        let buffer = ResponseBuffer()
        var reason: String?
        feeds.withFeeds { feeds in
            var outputWriter = OutputWriter(JSONWriter(buffer), policy: .string)
            for feed in feeds {
                do throws(RequestError) { try outputWriter.writeValue(feed, of: []) } catch { reason = error.message }
            }
        }
        if let reason { throw NPYArray.Fault(reason) }
        return String(decoding: buffer.bytes, as: UTF8.self)
    }
}
