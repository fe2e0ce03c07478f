internal import Checkpoints
internal import Files
internal import Glibc
internal import Graphs
public import Serving
internal import Synchronization
internal import TensorFlowProtos
internal import Tensors
internal import Threads

/// Saves and restores variables, as `tf.train.Saver` does, in files that TensorFlow reads.
///
/// ```swift
/// let saver = Saver(maxToKeep: 5)
/// try saver.save(session, to: "model/my_test_model", globalStep: 1000)
/// ```
///
/// A process that is killed at any moment leaves a folder that restores: files are complete before they get their names, `checkpoint` names a
/// checkpoint when all its files are on the disk, and old ones are deleted last. While a Saver lives, no other one saves in its folder.
public final class Saver: Sendable {
    private let variables: [String]?
    private let maxToKeep: Int
    private let keepSeconds: Double
    private let shardCount: Int
    private let state = Mutex(State())

    private struct State {
        var lock: (folder: String, FolderLock)?
        /// The checkpoints of the folder that are kept, the oldest first.
        var kept: [CheckpointState.Kept] = []
        /// When the next checkpoint is kept for good.
        var nextPreserved = 0.0
        var lastPreserved: Double?
    }

    /// - Parameters:
    ///   - variables: The names of the variables to save; nil for all.
    ///   - maxToKeep: The number of checkpoints to keep; 0 for all.
    ///   - keepCheckpointEveryNHours: Besides those, one checkpoint is kept for good for every so many hours.
    ///   - shardCount: The number of data files of a checkpoint.
    public init(
        variables: [String]? = nil, maxToKeep: Int = 5, keepCheckpointEveryNHours: Double = 10_000, shardCount: Int = 1
    ) {
        self.variables = variables
        self.maxToKeep = maxToKeep
        keepSeconds = keepCheckpointEveryNHours * 3600
        self.shardCount = max(1, shardCount)
    }

    /// Saves the values of the variables as they are now.
    ///
    /// - Parameters:
    ///   - session: The session.
    ///   - path: The prefix of the files, `FOLDER/NAME`.
    ///   - globalStep: The number that is added to the prefix, `NAME-1000`; nil for none.
    ///   - writeMetaGraph: Whether to write the graph, `NAME-1000.meta`.
    /// - Returns: The prefix.
    /// - Throws: ``ModelError`` of kind `load` where a file cannot be written or another process saves in the folder, and for a variable
    ///   without a value. The last checkpoint stays.
    @discardableResult
    public func save(
        _ session: Session, to path: String, globalStep: Int? = nil, writeMetaGraph: Bool = true
    ) throws(ModelError) -> String {
        let prefix = path + (globalStep.map { "-\($0)" } ?? "")
        let folder = PathText.folder(of: prefix)
        let names = try names(of: session)
        return try state.withLock { state throws(ModelError) in
            do throws(CheckpointError) {
                if state.lock?.folder != folder {
                    let lock = try FolderLock(folder: folder)
                    state = State()
                    state.lock = (folder, lock)
                    state.nextPreserved = WallClock.seconds + keepSeconds
                    Self.removeRests(in: folder)
                }
                try write(session, names, prefix)
                if writeMetaGraph { try self.metaGraph(of: session, names).write(to: prefix + ".meta") }
                try record(prefix, in: folder, &state)
            } catch { throw ModelError(error) }
            return prefix
        }
    }

    /// Gives a session's variables the values of a checkpoint.
    ///
    /// - Parameters:
    ///   - session: The session.
    ///   - prefix: The prefix of the checkpoint's files.
    /// - Throws: ``ModelError`` of kind `load` where the checkpoint lacks a variable or cannot be read; the variables stay as they were.
    public func restore(_ session: Session, from prefix: String) throws(ModelError) {
        var values: [String: Tensor] = [:]
        let names = try names(of: session)
        do throws(CheckpointError) {
            let reader = try CheckpointReader(prefix: prefix)
            for name in names { values[name] = try reader.tensor(named: session.key(ofVariable: name)) }
        } catch { throw ModelError(error) }
        try session.assign(values)
    }

    /// The newest checkpoint of a folder.
    ///
    /// - Parameter folder: The folder.
    /// - Returns: Its prefix; nil if there is none.
    public static func latestCheckpoint(in folder: String) -> String? {
        (try? CheckpointFolder(folder: folder))?.prefix
    }

    // MARK: Parts

    private func names(of session: Session) throws(ModelError) -> [String] {
        guard let variables else { return session.savedVariables }
        for name in variables { _ = try session.declaration(ofVariable: name) }
        return variables.map { $0.hasSuffix(":0") ? String($0.dropLast(2)) : $0 }
    }

    private func write(_ session: Session, _ names: [String], _ prefix: String) throws(CheckpointError) {
        let items = names.map { name in
            BundleWriter.Item(session.key(ofVariable: name)) { () throws(CheckpointError) in
                do throws(ModelError) { return try session.value(ofVariable: name) } catch {
                    throw CheckpointError(.notFound, file: prefix, error.message)
                }
            }
        }
        // The data that the present index refers to must stay until the new index is there: another number of files has other names.
        let isTaken = BundleWriter.shardCount(ofIndexAt: prefix) == shardCount
        let writer = BundleWriter(prefix: prefix, shardCount: isTaken ? shardCount + 1 : shardCount)
        try writer.write(items)
        let used = writer.dataFiles.map(PathText.name(of:))
        Self.removeData(of: prefix) { !used.contains($0) }
    }

    /// Deletes data files of a prefix.
    private static func removeData(of prefix: String, where isUnused: (String) -> Bool = { _ in true }) {
        let (folder, name) = (PathText.folder(of: prefix), PathText.name(of: prefix))
        guard let names = try? FileNames(folder: folder) else { return }
        for file in names.sorted where file.begins(with: name + ".data-") && isUnused(file) {
            unlink("\(folder)/\(file)")
        }
    }

    private func metaGraph(of session: Session, _ names: [String]) throws(CheckpointError) -> MetaGraph {
        if variables == nil, let origin = session.ownMetaGraph {
            return MetaGraph(session.graph, saver: origin.saverDef, origin: origin)
        }
        do throws(GraphError) {
            let nodes = try SaverNodes(
                saving: names.compactMap { session.saved($0) }, in: session.graph, maxToKeep: maxToKeep)
            return MetaGraph(nodes.graph, saver: nodes.definition, origin: session.origin)
        } catch { throw CheckpointError(.unsupported, file: "graph", "\(error)") }
    }

    /// Names the checkpoint in `checkpoint`, and deletes those that are not kept.
    private func record(_ prefix: String, in folder: String, _ state: inout State) throws(CheckpointError) {
        let now = WallClock.seconds
        let name = PathText.name(of: prefix)
        state.kept.removeAll { $0.path == name }
        state.kept.append(CheckpointState.Kept(path: name, time: now))
        var dropped: [String] = []
        while maxToKeep > 0, state.kept.count > maxToKeep {
            let oldest = state.kept.removeFirst()
            if oldest.time > state.nextPreserved {
                state.nextPreserved += keepSeconds
                state.lastPreserved = oldest.time
            } else {
                dropped.append(oldest.path)
            }
        }
        try CheckpointState.write(state.kept, lastPreserved: state.lastPreserved, in: folder)
        for path in dropped { Self.remove("\(folder)/\(path)") }
    }

    /// Deletes a checkpoint, its index first, so that no half of one is taken for a whole.
    private static func remove(_ prefix: String) {
        unlink(prefix + ".index")
        unlink(prefix + ".meta")
        removeData(of: prefix)
    }

    /// Deletes what a killed process has left.
    private static func removeRests(in folder: String) {
        guard let names = try? FileNames(folder: folder) else { return }
        for file in names.sorted where NewFile.isRest(file) { unlink("\(folder)/\(file)") }
    }
}
