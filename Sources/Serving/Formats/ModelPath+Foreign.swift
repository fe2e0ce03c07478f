internal import Checkpoints

/// Files of other kinds at a path that contains no model.
extension ModelPath {
    /// The reason why nothing can be served, with the next step, and whether the file was meant as a model; nil if there is no such file.
    var foreign: (message: String, isModel: Bool)? {
        guard isFolder else {
            return ForeignFile.of(path: path).map { ("\(path): \($0)", $0.isModel) }
        }
        if let (name, kind) = ForeignFile.first(in: path, names) {
            return ("\(path): contains no model: \(name) \(kind)", kind.isModel)
        }
        // The newest of numbered versions decides.
        let numbers = names.compactMap { name in Int(name).map { (number: $0, name: name) } }
        guard let newest = numbers.max(by: { $0.number < $1.number }) else { return nil }
        let version = ModelPath(appending(newest.name))
        guard version.isFolder, let (name, kind) = ForeignFile.first(in: version.path, version.names) else {
            return nil
        }
        return ("\(version.path): contains no model: \(name) \(kind)", kind.isModel)
    }

    /// Whether it contains a model, a part of one, or a file of another kind that was meant as a model.
    var isMeantAsModel: Bool { ModelFormat.of(self) != nil || foreign?.isModel == true }
}
