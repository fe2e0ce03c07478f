package import Checkpoints

/// A version of a model that lies in files, as a look at their names and stats tells: nothing is decoded.
package struct ModelCandidate: Hashable, Sendable {
    /// The number of its folder, else the training step, else 1.
    package let number: Int
    /// What to open: a checkpoint's prefix, a SavedModel's folder, a graph's file.
    package let path: String
    /// Every file that loading will read, by path. Two looks that give equal files found the same contents.
    package let files: [FileIdentity]
    /// What is not there yet, in words; nil if all that must be there is, by its name.
    package let missing: String?
    /// Whether it can be loaded without what is missing: a checkpoint without a `.meta` takes another graph of its folder that fits.
    package let isLoadable: Bool

    /// Whether all that must be there is, by its name: of a checkpoint `.meta`, `.index` and all shards.
    package var isComplete: Bool { missing == nil }
}

/// What a model's path holds at one moment.
package struct ModelListing: Hashable, Sendable {
    /// By number, ascending: all prefixes of a checkpoint's folder, all numbered versions, or the only one.
    package let candidates: [ModelCandidate]
    /// What is served unless something else is asked for: what `checkpoint` names, be it an older one; else the highest number that
    /// can be loaded. nil if there is none.
    package let latest: ModelCandidate?
    /// What had to be decided, for the log.
    package let notes: [String]

    /// Looks at a path: reads names, stats, and the few bytes that tell formats apart.
    ///
    /// - Throws: ``ModelError`` of kind `load`; its ``ModelError/failure`` is `notThere` if the path is gone, `incomplete` if
    ///   what is there is no model, or none yet.
    package static func look(at path: String) throws(ModelError) -> ModelListing {
        throw ModelError(.load, "\(path): not written yet")
    }
}
