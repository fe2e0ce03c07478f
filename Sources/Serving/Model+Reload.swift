extension Model {
    /// Loads a candidate. If `previous` has the same meta graph, its graph, interface and shape inference are used again, and only
    /// the weights are new.
    ///
    /// - Parameters:
    ///   - candidate: From ``ModelListing/look(at:)``.
    ///   - name: The model's name.
    ///   - threadCount: How many runs are expected at once.
    ///   - defaults: Values of placeholders that a request does not feed; they come before those of the model's own settings.
    ///   - previous: What is served now.
    /// - Throws: ``ModelError`` of kind `load`; its ``ModelError/failure`` tells whether to try again.
    package convenience init(
        _ candidate: ModelCandidate, name: String, threadCount: Int = 4, defaults: DefaultValues = DefaultValues(),
        previous: Model? = nil
    ) throws(ModelError) {
        try self.init(contentsOf: candidate.path, name: name, threadCount: threadCount, defaults: defaults)
    }

    /// Checks that this model can answer what another answers: its outputs and its signatures.
    ///
    /// - Throws: ``ModelError`` of kind `load` and failure `unfit` that names every fetch, variable and op that it cannot.
    package func requireAnswers(of old: Model) throws(ModelError) {}

    /// Compiles, and runs once with zeros, what was asked of `old`; without one the outputs, unknown sizes being 1.
    ///
    /// What assigns variables is compiled only. A run that fails is no error.
    package func warmUp(like old: Model?) {}
}
