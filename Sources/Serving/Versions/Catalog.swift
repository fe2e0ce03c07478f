internal import Files
internal import Text

/// The served models at one time. Immutable; replaced as a whole when a model appears or disappears.
package final class Catalog: Sendable {
    /// The models by name.
    package let models: [ServedModel]
    /// The model for requests that name none, if there is one: the configured one, the only one, or the only one with a loaded version.
    package let defaultModel: ServedModel?

    package init(_ models: [ServedModel], defaultName: String? = nil) {
        self.models = models.sorted { $0.name < $1.name }
        let candidates = models.count == 1 ? models : models.filter { $0.versions.current != nil }
        defaultModel =
            defaultName.map { name in models.first { $0.name == name } }
            ?? (candidates.count == 1 ? candidates.first : nil)
    }

    /// The model with that name. Names are compared byte by byte.
    package func model(named name: String) -> ServedModel? {
        models.first { $0.name.isExactly(name) } ?? models.first { $0.name == name }
    }

    /// The model whose name has these bytes.
    package func model(named name: UnsafeRawBufferPointer) -> ServedModel? {
        models.first { $0.nameBytes.elementsEqual(name) }
    }

    /// The names nearest to an unknown name.
    package func nearestNames(to name: String) -> [String] { NearestNames.of(name, among: models.map(\.name)) }
}
