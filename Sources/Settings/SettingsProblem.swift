/// A problem with settings.
package struct SettingsProblem: Error, Hashable, CustomStringConvertible {
    /// The file and line, or the flag.
    package let place: String
    /// The expected value, the value found, and the next step.
    package let message: String

    package init(_ place: String, _ message: String) {
        self.place = place
        self.message = message
    }

    package var description: String { "\(place): \(message)" }
}

/// All problems with settings.
package struct SettingsError: Error, CustomStringConvertible {
    package let problems: [SettingsProblem]

    package init(_ problems: [SettingsProblem]) { self.problems = problems }

    /// A line for each problem.
    package var description: String { problems.map(\.description).joined(separator: "\n") }
}
