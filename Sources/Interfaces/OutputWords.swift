/// The words and ops that distinguish outputs from other values.
enum OutputWords {
    /// The ops at the ends of branches and loops.
    static let ends: Set<String> = ["Merge", "RefMerge", "Exit", "RefExit"]

    /// The ops that depend on shapes, not on values.
    static let shapeOps: Set<String> = ["Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike"]

    /// The numbers of outputs of ops with several outputs that belong together.
    static let outputCounts = [
        "TopK": 2, "TopKV2": 2, "CTCGreedyDecoder": 4, "NonMaxSuppressionV4": 2, "NonMaxSuppressionV5": 3,
    ]

    /// Ops whose value is an output of the model, regardless of its name.
    static let outputOps: Set<String> = [
        "Softmax", "LogSoftmax", "Sigmoid", "ArgMax", "ArgMin", "TopK", "TopKV2", "CTCGreedyDecoder",
        "CTCBeamSearchDecoder",
    ]

    /// Ops that make decisions from an output's values.
    static let decisions: Set<String> = ["ArgMax", "ArgMin", "TopK", "TopKV2", "Round", "InTopK", "InTopKV2"]

    /// Words in the names of outputs.
    static let names: Set<String> = [
        "pred", "preds", "predict", "predicts", "prediction", "predictions", "predicted", "prob", "probs",
        "probability", "probabilities", "softmax", "output", "outputs", "out", "logit", "logits", "answer", "answers",
        "result", "results", "class", "classes", "score", "scores", "inference", "hypothesis", "hat", "final",
        "detection", "detections", "decoded", "action", "actions", "policy", "generator", "generated", "generate",
        "sampled", "response", "sigmoid", "argmax",
    ]

    /// Whether a scope with these words contains a loss or a metric.
    static func isJudging(_ words: [String]) -> Bool {
        !judgingWords.isDisjoint(with: words) || words.starts(with: ["cross", "entropy"]) || words.contains("entropy")
            || words.first == "assert"
    }

    static let judgingWords: Set<String> = [
        "loss", "losses", "cost", "costs", "metric", "metrics", "accuracy", "error", "precision", "recall", "auc",
        "confusion", "evaluation", "sparsity", "hist",
    ]

    /// The ops between a prediction and a loss.
    static let preparing: Set<String> = [
        "Reshape", "Identity", "StopGradient", "Cast", "Squeeze", "ExpandDims", "Log", "Neg",
    ]
    /// The ops between a prediction and a logarithm.
    static let clipping: Set<String> = ["Add", "AddV2", "Sub", "Maximum", "Minimum", "ClipByValue"]

    /// The keys of `tf.GraphKeys`, and those of layers.
    static let standardCollections: Set<String> = [
        "variables", "trainable_variables", "local_variables", "model_variables", "moving_average_variables",
        "metric_variables", "global_step", "train_op", "losses", "regularization_losses", "summaries", "summary_op",
        "update_ops", "init_op", "local_init_op", "ready_op", "ready_for_local_init_op", "queue_runners", "savers",
        "table_initializer", "asset_filepaths", "activations", "weights", "biases", "cond_context", "while_context",
        "resources", "local_resources", "resource_variables", "iterators", "eval_step", "read_report_op", "bn_update",
        "concatenated_variables", "trainable_resource_variables", "streaming_model_ports", "stepsize",
        "saved_model_assets",
        "saved_model_main_op", "legacy_init_op", "initializers",
    ]
}
