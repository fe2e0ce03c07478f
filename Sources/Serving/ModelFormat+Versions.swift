extension ModelFormat {
    /// A folder of numbered folders, as TensorFlow Serving expects them: the one with the highest number is the model.
    static let versions = ModelFormat(
        isThere: { path in !numbers(of: path).isEmpty },
        open: { path throws(ModelError) in
            var notes: [String] = []
            for version in numbers(of: path) {
                let folder = ModelPath(path.appending(version.name))
                guard let format = of(folder, among: single) else {
                    notes.append("\(folder.path) holds no model: taking an earlier version")
                    continue
                }
                var files = try format.open(folder)
                files.version = version.number
                files.notes = notes + files.notes
                return files
            }
            throw ModelError(.load, "\(path.path): none of its versions holds a model")
        })

    /// The numbered folders, the highest first; none if no model is among them.
    private static func numbers(of path: ModelPath) -> [(name: String, number: Int)] {
        let numbered = path.names.compactMap { name -> (name: String, number: Int)? in
            guard name.allSatisfy({ ("0"..."9").contains($0) }), let number = Int(name) else { return nil }
            return (name, number)
        }
        let sorted = numbered.sorted { $0.number > $1.number }
        return sorted.contains { of(ModelPath(path.appending($0.name)), among: single) != nil } ? sorted : []
    }
}
