import ArgumentParser
import Foundation
import Settings

/// `metaserve check-config`
struct CheckConfig: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Check a settings file, and print the settings in effect.")

    @Argument(help: "The settings file, as for serve --config.")
    var file: String

    func run() throws {
        do throws(SettingsError) {
            print(try ServerSettings(file: file).yaml(), terminator: "")
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            throw ExitCode.failure
        }
    }
}
