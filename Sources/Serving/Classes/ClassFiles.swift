internal import Files

/// The places of files of class names: beside a model's files, in a SavedModel's `assets` or `assets.extra`, or in the model's folder.
struct ClassFiles {
    private let folders: [String]

    /// The name of the file for all outputs.
    private static let generalName = "labels.txt"

    /// - Parameters:
    ///   - path: The opened path: a checkpoint's prefix, a SavedModel's or a graph's file.
    ///   - folder: The model's path as given.
    init(ofModel path: String, in folder: String) {
        let own = PathText.folder(of: path)
        var folders: [String] = []
        for place in [own, "\(own)/assets", "\(own)/assets.extra", folder] where !folders.contains(place) {
            folders.append(place)
        }
        self.folders = folders
    }

    /// The file `labels.txt`; nil if there is none.
    var general: String? { file(Self.generalName) }

    /// A file that the settings name; nil if there is none, or the name leads out of the model's folders.
    func file(_ name: String) -> String? {
        let isInside =
            !name.isEmpty && !name.hasPrefix("/") && !name.contains("\0")
            && !name.split(separator: "/").contains("..")
        guard isInside else { return nil }
        return folders.lazy.map { "\($0)/\(name)" }.first(where: FileIdentity.exists)
    }

    /// The files that a model with these settings reads.
    func paths(_ settings: ModelSettings?) -> [String] {
        ([general] + (settings?.classes.values.map(file) ?? [])).compactMap(\.self)
    }

    /// The searched folders, for messages.
    var description: String { folders.joined(separator: ", ") }
}
