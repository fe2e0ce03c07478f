extension ModelFolders {
    /// The maximum number of folders and files to search for models.
    private static let maxLooks = 1000
    /// The maximum number of folders in a message.
    private static let maxListed = 3

    /// The error for a folder without models whose subfolders contain folders of models.
    ///
    /// - Parameter root: The folder, in which no model was found.
    /// - Returns: The error with the next step; nil if there are no models either.
    static func nestedModels(in root: ModelPath) -> ModelError? {
        var looks = 0
        var found: [String] = []
        for name in root.names where !name.hasPrefix(".") {
            let folder = ModelPath(root.appending(name))
            guard folder.isFolder else { continue }
            for inner in folder.names where !inner.hasPrefix(".") {
                looks += 1
                guard looks <= maxLooks else { break }
                let path = ModelPath(folder.appending(inner))
                guard path.isFolder, ModelFormat.of(path) != nil else { continue }
                found.append(folder.path)
                break
            }
        }
        guard !found.isEmpty else { return nil }
        let listed = found.prefix(maxListed).joined(separator: " ")
        let rest = found.count > maxListed ? ", and \(found.count - maxListed) more" : ""
        return ModelError(
            .incomplete,
            "\(root.path): contains no model, but folders of model folders. Serve these instead: "
                + listed + rest)
    }
}
