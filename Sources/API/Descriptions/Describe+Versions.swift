internal import Serving

extension Describe {
    /// The state of a model, the reason for it, and what an operator must know.
    func writeCondition(of versions: VersionSet, _ writer: inout JSONWriter) {
        writer.key("state")
        writer.string(versions.condition.rawValue)
        writer.key("reason")
        if let reason = versions.reason { writer.string(reason) } else { writer.null() }
        write(versions.warnings, "warnings", &writer)
    }

    private func write(_ texts: [String], _ key: String, _ writer: inout JSONWriter) {
        writer.key(key)
        writer.beginList()
        for text in texts { writer.string(text) }
        writer.endList()
    }

    /// The states of the versions of a model, and the results of its loads.
    func write(_ versions: VersionSet, _ writer: inout JSONWriter) {
        writer.key("versions")
        writer.beginList()
        for state in versions.states {
            writer.beginObject()
            writer.key("version")
            writer.integer(state.number)
            writer.key("state")
            writer.string(state.phase.rawValue)
            if !state.error.isEmpty {
                writer.key("error")
                writer.string(state.error)
            }
            let version = versions.versions.first { $0.number == state.number }
            if let version, !version.warnings.isEmpty { write(version.warnings, "warnings", &writer) }
            writer.endObject()
        }
        writer.endList()
        writer.key("labels")
        writer.beginObject()
        for (label, version) in versions.labels.sorted(by: { $0.key < $1.key }) {
            writer.key(label)
            writer.integer(version.number)
        }
        writer.endObject()
        writer.key("reloads")
        write(versions.record, &writer)
    }

    private func write(_ record: ReloadRecord, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("succeeded")
        writer.integer(record.successCount)
        writer.key("failed")
        writer.integer(record.failureCounts.values.reduce(0, +))
        for (key, text) in [("last_error", record.lastError), ("waiting_for", record.waitingFor)] {
            writer.key(key)
            if let text { writer.string(text) } else { writer.null() }
        }
        writer.endObject()
    }
}
