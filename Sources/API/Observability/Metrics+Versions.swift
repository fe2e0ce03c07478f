internal import Serving

/// Series by version and by label, which show how a canary differs from the current version. There are series only for the loaded versions and
/// the configured labels.
extension Metrics {
    func writeVersions(_ models: [ServedModel], _ writer: MetricsWriter) {
        // The state of each model is read once, so that the numbers are consistent.
        let sets = models.map { (name: $0.name, versions: $0.versions) }
        let versions = sets.flatMap { set in
            set.versions.versions.map { version in
                (labels: Self.labels(set.name, version), outcomes: version.statistics.outcomes)
            }
        }
        writer.family(
            "metaserve_version_requests_total", .counter,
            "Inference requests by version and status, since the version was loaded.")
        write(versions, "metaserve_version_requests_total", writer)
        writer.family(
            "metaserve_version_request_duration_seconds", .histogram,
            "Time from the request's last byte to its response, by version.")
        for (labels, outcomes) in versions {
            writer.histogram("metaserve_version_request_duration_seconds", labels, outcomes.durations, perUnit: 1e9)
        }
        writer.family(
            "metaserve_version_share_ratio", .gauge,
            "Share of a version in the requests that name neither version nor label.")
        for set in sets {
            for version in set.versions.versions {
                writer.sample(
                    "metaserve_version_share_ratio", Self.labels(set.name, version), set.versions.share(of: version))
            }
        }
        writeLabels(sets, writer)
    }

    private func writeLabels(_ sets: [(name: String, versions: VersionSet)], _ writer: MetricsWriter) {
        let all = sets.flatMap { set in
            set.versions.labelStatistics.values.sorted { $0.label < $1.label }.map { statistics in
                let labels: [MetricsWriter.Label] = [("model", set.name), ("label", statistics.label)]
                return (labels: labels, outcomes: statistics.outcomes)
            }
        }
        writer.family(
            "metaserve_label_requests_total", .counter,
            "Inference requests to a label, by its name or by its share, by status.")
        write(all, "metaserve_label_requests_total", writer)
        writer.family(
            "metaserve_label_request_duration_seconds", .histogram,
            "Time from the request's last byte to its response, by label.")
        for (labels, outcomes) in all {
            writer.histogram("metaserve_label_request_duration_seconds", labels, outcomes.durations, perUnit: 1e9)
        }
        writer.family(
            "metaserve_label_version", .gauge, "Version that a label names; missing if it is not loaded.")
        for set in sets {
            for (label, version) in set.versions.labels.sorted(by: { $0.key < $1.key }) {
                writer.sample("metaserve_label_version", [("model", set.name), ("label", label)], version.number)
            }
        }
    }

    private func write(
        _ all: [(labels: [MetricsWriter.Label], outcomes: OutcomeStatistics)], _ name: StaticString,
        _ writer: MetricsWriter
    ) {
        for (labels, outcomes) in all {
            for status in ModelStatistics.statuses {
                let count = outcomes.count(status)
                guard count > 0 || status == 200 else { continue }
                writer.sample(name, labels + [("status", Self.text(ofStatus: status))], count)
            }
        }
    }

    private static func labels(_ model: String, _ version: ModelVersion) -> [MetricsWriter.Label] {
        [("model", model), ("version", String(version.number))]
    }
}
