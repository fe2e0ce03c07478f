/// The smallest image, for examples of requests to models that decode images.
package enum ExampleImage {
    /// A PNG file of one grey pixel, in base 64.
    package static let base64 =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNoAAAAggCB2kUIOwAAAABJRU5ErkJggg=="
}
