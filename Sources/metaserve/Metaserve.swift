import ArgumentParser

/// The command line.
@main
struct Metaserve: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metaserve",
        abstract: "Serve TensorFlow checkpoints over HTTP.",
        discussion: """
            A model is a folder that tf.train.Saver wrote: checkpoint, PREFIX.meta,
            PREFIX.index, PREFIX.data-00000-of-00001. metaserve needs no conversion and no
            TensorFlow.

              metaserve serve models/tutorial
              curl -d '{"feeds": {"w1:0": 13, "w2:0": 17}, "fetches": ["op_to_restore:0"]}' localhost:8501/predict
            """,
        version: version,
        subcommands: [
            Serve.self, CheckConfig.self, Predict.self, Inspect.self, Check.self, Benchmark.self, Ops.self,
        ])

    /// Runs the command that the command line names.
    static func main() {
        let words = ProgramArguments.words
        let commands = configuration.subcommands.compactMap { $0.configuration.commandName }
        if let mistake = MistakenCommand(words, commands: commands) {
            exit(withError: ValidationError(mistake.message))
        }
        main(words)
    }

    /// The release.
    static let version = "0.1.0"
}
