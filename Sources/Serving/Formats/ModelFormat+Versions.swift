extension ModelFormat {
    /// A folder of numbered folders, as in TensorFlow Serving. The folder with the highest number is the model.
    static let versions = ModelFormat(
        isThere: { path in numbers(of: path).contains { of($0.folder, among: single) != nil } },
        look: { path throws(ModelError) in
            var ranked: [ModelCandidate] = []
            var warnings: [String] = []
            for version in numbers(of: path) {
                guard let found = (try? of(version.folder, among: single)?.look(version.folder))??.choice else {
                    if ranked.isEmpty {
                        warnings.append("\(version.folder.path) contains no model: using an earlier version")
                    }
                    continue
                }
                ranked.append(found.numbered(version.number, in: path.path))
            }
            guard !ranked.isEmpty else {
                throw ModelError(.incomplete, "\(path.path): none of its versions contains a model")
            }
            return ModelListing(ranked: ranked, warnings: warnings)
        },
        open: { candidate, context throws(ModelError) in try candidate.format.open(candidate, context) })

    /// The numbered folders, the highest first.
    private static func numbers(of path: ModelPath) -> [(number: Int, folder: ModelPath)] {
        let numbered = path.names.compactMap { name -> (number: Int, folder: ModelPath)? in
            guard name.allSatisfy({ ("0"..."9").contains($0) }), let number = Int(name) else { return nil }
            let folder = ModelPath(path.appending(name), followsPaths: path.followsPaths)
            return folder.isFolder ? (number, folder) : nil
        }
        return numbered.sorted { $0.number > $1.number }
    }
}
