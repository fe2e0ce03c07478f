internal import Files
internal import Text

/// The models that are served, at one time. Immutable; replaced as a whole when a model appears or disappears.
package final class Catalog: Sendable {
    /// By name.
    package let models: [ServedModel]
    /// The model for requests that name none, if there is one: that of the configuration, or the only one, or the only one of which
    /// a version is loaded.
    package let defaultModel: ServedModel?

    package init(_ models: [ServedModel], defaultName: String? = nil) {
        self.models = models.sorted { $0.name < $1.name }
        let candidates = models.count == 1 ? models : models.filter { $0.versions.current != nil }
        defaultModel =
            defaultName.map { name in models.first { $0.name == name } }
            ?? (candidates.count == 1 ? candidates.first : nil)
    }

    /// The model of that name; of names that differ only in how letters are composed the one with the same bytes.
    package func model(named name: String) -> ServedModel? {
        models.first { $0.name.isExactly(name) } ?? models.first { $0.name == name }
    }

    /// The model whose name has these bytes.
    package func model(named name: UnsafeRawBufferPointer) -> ServedModel? {
        models.first { $0.nameBytes.elementsEqual(name) }
    }

    /// The names nearest to one that is not there.
    package func nearestNames(to name: String) -> [String] { NearestNames.of(name, among: models.map(\.name)) }
}
