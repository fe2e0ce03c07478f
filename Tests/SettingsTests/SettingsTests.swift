import Settings
import Testing

/// Settings as a program may have them.
private struct Example: SettingsGroup {
    var port = 80
    var share = 0.5
    var isOn = false
    var name: String?
    var words: [String] = []
    var colour = Colour.red
    var counts: [String: Int] = [:]
    var places: [String: String] = [:]

    enum Colour: String, CaseIterable, Sendable { case red, green, blue }

    static let settings: [Setting<Example>] = [
        Setting("port", \.port, .whole(0...65535), "The port."),
        Setting("share", \.share, .number(0...1, "a share"), "The share."),
        Setting("is-on", \.isOn, .truth, "Whether it is on."),
        Setting("name", \.name, SettingType.text("a name").optional, absent: "no name", "The name."),
        Setting("words", \.words, .list(of: .text("a word")), isList: true, "The words."),
        Setting("colour", \.colour, .choice(Colour.allCases.map { ($0.rawValue, $0) }), "The colour."),
        Setting("counts", \.counts, .map(of: .whole(0...9), "names and counts"), "The counts."),
    ]

    init() {}

    init(_ yaml: String) throws(SettingsError) {
        var problems: [SettingsProblem] = []
        apply(try SettingsNode(yaml: yaml, file: "f"), &problems)
        guard problems.isEmpty else { throw SettingsError(problems) }
    }
}

@Suite("Settings")
struct SettingsTests {
    @Test("every type is read")
    func reading() throws {
        let yaml = """
            # all
            port: 8080
            share: .25
            is-on: true
            name: "a \\"name\\""
            words: [one, "two"]
            colour: blue
            counts: {a: 1, b: 2}
            """
        let settings = try Example(yaml)
        #expect(settings.port == 8080)
        #expect(settings.share == 0.25)
        #expect(settings.isOn)
        #expect(settings.name == "a \"name\"")
        #expect(settings.words == ["one", "two"])
        #expect(settings.colour == .blue)
        #expect(settings.counts == ["a": 1, "b": 2])
        #expect(settings.places["share"] == "f:3")
        #expect(try Example("words: alone").words == ["alone"])
    }

    @Test("what is written is read back")
    func roundTrip() throws {
        var settings = Example()
        settings.name = "yes"
        settings.words = ["a: b", "#c", "\u{7f}\n\t\\\"", "ä", "7", "-", "plain/word.x"]
        settings.colour = .green
        settings.counts = ["": 1, "true": 2]
        settings.isOn = true
        settings.share = 1e-7
        let text = settings.yaml()
        let read = try Example(text)
        #expect(read.yaml() == text)
        #expect(read.words == settings.words)
        #expect(read.counts == settings.counts)
        #expect(read.name == "yes")
        #expect(read.share == 1e-7)
    }

    @Test("what is nothing is written as a comment")
    func absent() {
        #expect(
            Example().yaml() == """
                port: 80
                share: 0.5
                is-on: false
                # name: no name
                # words: none
                colour: red
                # counts: none

                """)
        #expect(Example.setting("name")?.standard == "no name")
    }

    @Test(
        "each mistake is told, with its line and what was expected",
        arguments: [
            ("prot: 1", "f:1: unknown key \"prot\"; the nearest are \"port\""),
            ("something: 1", "f:1: unknown key \"something\""),
            ("port: 65536", "f:1: expected an integer from 0 to 65535, found 65536"),
            ("port: \"80\"", "f:1: expected an integer from 0 to 65535, found the text \"80\""),
            ("port: 99999999999999999999", "f:1: expected an integer from 0 to 65535, found 99999999999999999999"),
            ("port:", "f:1: expected an integer from 0 to 65535, found nothing"),
            ("port: [1]", "f:1: expected an integer from 0 to 65535, found a list"),
            ("\nshare: 2", "f:2: expected a share from 0 to 1, found 2"),
            ("share: .nan", "f:1: expected a share from 0 to 1, found .nan"),
            ("share: nan", "f:1: expected a share from 0 to 1, found nan"),
            ("is-on: 1", "f:1: expected true or false, found 1"),
            ("name: \"\"", "f:1: expected a name, found the text \"\""),
            ("words: [a, {b: c}]", "f:1: expected a word, found keys and values"),
            ("colour: pink", "f:1: expected red, green or blue, found pink"),
            ("counts: {a: 10}", "f:1: expected an integer from 0 to 9, found 10"),
            ("counts: 7", "f:1: expected keys and values, found 7"),
            ("- port", "f:1: expected keys and values, found a list"),
            ("[a]: 1", "f:1: expected a name"),
            ("port: 1\nport: 2", "f:1: the key \"port\" is given twice"),
            ("words: [", "f:2: not valid YAML: did not find expected node content"),
            ("port: *x", "f:1: not valid YAML: found undefined alias"),
            (
                "a: 1\nport: x\nshare: y",
                "f:1: unknown key \"a\"\nf:2: expected an integer from 0 to 65535, found x\nf:3: expected a share from 0 to 1, found y"
            ),
        ])
    func mistakes(yaml: String, message: String) {
        let error = #expect(throws: SettingsError.self) { try Example(yaml) }
        #expect(error?.description == message)
    }

    @Test("nothing sets nothing", arguments: ["", "# nothing\n", "---\n", "~\n"])
    func empty(yaml: String) throws { #expect(try Example(yaml).yaml() == Example().yaml()) }

    @Test("a flag is read as its setting, and named in messages")
    func flags() {
        var settings = Example()
        var problems: [SettingsProblem] = []
        settings.apply(flag: "port", ["81"], &problems)
        settings.apply(flag: "words", ["a", "b"], &problems)
        settings.apply(flag: "share", [], &problems)
        #expect(settings.port == 81)
        #expect(settings.words == ["a", "b"])
        #expect(problems.isEmpty)
        settings.apply(flag: "colour", ["pink"], &problems)
        #expect(problems.map(\.description) == ["--colour: expected red, green or blue, found pink"])
    }

    @Test("what was given to one group is taken over by another")
    func merging() throws {
        var settings = try Example("port: 1\nname: a")
        settings.apply(try Example("port: 80\nshare: 1"))
        #expect(settings.port == 80)
        #expect(settings.name == "a")
        #expect(settings.share == 1)
    }

    @Test("deep nesting and names of names do not use up stack or memory")
    func hostile() {
        let deep = "words: " + String(repeating: "[", count: 500) + String(repeating: "]", count: 500)
        #expect(throws: SettingsError.self) { try Example(deep) }
        #expect(throws: SettingsError.self) { try Example(String(repeating: "[", count: 900_000)) }
        var laughs = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        for (name, last) in zip("bcdefghij", "abcdefghi") {
            laughs += "\(name): &\(name) [" + Array(repeating: "*\(last)", count: 10).joined(separator: ", ") + "]\n"
        }
        let error = #expect(throws: SettingsError.self) { try Example(laughs) }
        #expect(error?.description.hasSuffix("has more than 100000 values") == true)
    }

    @Test("a file that is not there, a folder and a long file are told")
    func files() {
        #expect(throws: SettingsProblem("/no/such", "no such file")) {
            try SmallFile.read("/no/such", maxBytes: 10)
        }
        #expect(throws: SettingsProblem("/", "Is a directory")) { try SmallFile.read("/", maxBytes: 10) }
        #expect(throws: SettingsProblem("/dev/zero", "is longer than 10 bytes")) {
            try SmallFile.read("/dev/zero", maxBytes: 10)
        }
    }
}
