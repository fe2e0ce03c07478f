import Foundation
import ServerSupport
import Testing
import VectorSupport

/// What people type who have not read the manual.
@Suite("The command line")
struct CommandLineTests {
    private let folder = Scratch()

    private func errors(_ arguments: String...) throws -> String {
        let result = try Program.launch(Program.path, arguments)
        #expect(result.status == 64, "\(arguments): \(result.errors)")
        #expect(result.output == "")
        return result.errors
    }

    @Test("a command that is mistyped gets the one that was meant, with the rest of the line")
    func mistyped() throws {
        let all = "serve, check-config, predict, inspect, check, benchmark, ops"
        #expect(
            try errors("serv", "my models", "--port", "0").hasPrefix(
                "Error: \"serv\" is not a command; expected one of \(all). Did you mean: metaserve serve 'my models' --port 0\n"
            ))
        #expect(try errors("Inspect", "x").contains("Did you mean: metaserve inspect x\n"))
        #expect(try errors("checkconfig").contains("Did you mean: metaserve check-config\n"))
        #expect(
            try errors("start-everything").hasPrefix(
                "Error: \"start-everything\" is not a command; expected one of \(all)\n"))
    }

    @Test("a path without a command gets the line that serves it")
    func barePath() throws {
        let model = Fixtures.model("tutorial")
        #expect(
            try errors(model, "--port", "80").hasPrefix(
                "Error: \"\(model)\" is a path, not a command. To serve it, run: metaserve serve \(model) --port 80\n"))
        #expect(try errors("./it's").contains("run: metaserve serve './it'\\''s'\n"))
    }

    @Test("a folder of folders of models says which folders to give")
    func nested() throws {
        try folder.copy(Fixtures.model("tutorial"), to: "all/one/tutorial")
        try folder.copy(Fixtures.model("digits"), to: "all/two/digits")
        let expected =
            "Error: \(folder.path)/all: contains no model, but folders of model folders. Serve these instead: "
            + "\(folder.path)/all/one \(folder.path)/all/two\n"
        #expect(try Program.run("inspect", folder.path + "/all").errors == expected)
        #expect(try Program.run("serve", folder.path + "/all", "--port", "0").errors == expected)
        let server = try RunningServer(folder.path + "/all/one", folder.path + "/all/two/digits")
        #expect(server.stop() == 0)
    }

    @Test("without OpenBLAS, only a run that needs it fails, and says why")
    func missingLibrary() throws {
        try Fixtures.write([], to: folder.path + "/libopenblas.so.0")
        let input = { (name: String) in
            """
            node { name: "\(name)" op: "Placeholder"
              attr { key: "dtype" value { type: DT_DOUBLE } }
              attr { key: "shape" value { shape { dim { size: 2 } dim { size: 2 } } } } }
            """
        }
        let product = """
            node { name: "product" op: "MatMul" input: "a" input: "b" attr { key: "T" value { type: DT_DOUBLE } } }
            """
        let graph = folder.path + "/product.pbtxt"
        try Fixtures.write(Array([input("a"), input("b"), product].joined(separator: "\n").utf8), to: graph)
        func predict(_ arguments: String...) throws -> (status: Int32, output: String, errors: String) {
            let result = try Program.launch(
                "/usr/bin/env", ["LD_LIBRARY_PATH=\(folder.path)", Program.path, "predict"] + arguments)
            return (result.status, result.output, result.errors)
        }
        let failed = try predict(graph, "--feed", "a:0=[[1,2],[3,4]]", "--feed", "b:0=[[1,0],[0,1]]")
        #expect(failed.status != 0)
        #expect(failed.errors.contains("OpenBLAS cannot be loaded"), "\(failed.errors)")
        #expect(failed.errors.contains("libopenblas.so.0: file too short"), "\(failed.errors)")
        let other = try predict(
            Fixtures.model("tutorial"), "--feed", "w1:0=13", "--feed", "w2:0=17", "--fetch", "op_to_restore:0")
        #expect(other.status == 0 && other.output.contains("60"), "\(other)")
    }

    @Test("inspect --json has what the text has, a line for each model")
    func json() throws {
        struct Line: Decodable {
            struct Tensor: Decodable {
                let name: String
                let dtype: String
                let shape: [Int?]?
            }
            struct Op: Decodable {
                let name: String
                let nodes: Int
                let supported: Bool
                let saving: Bool
            }
            let name: String
            let step: Int
            let inputs: [Tensor]
            let outputs: [Tensor]
            let tensors: [Tensor]
            let ops: [Op]
        }
        let models = Fixtures.package.appendingPathComponent("models").path
        let text = try Program.run("inspect", models).output
        let lines = try Program.run("inspect", "--json", models).output.split(separator: "\n")
        #expect(lines.count == 2)
        for line in lines {
            let model = try JSONDecoder().decode(Line.self, from: Data(line.utf8))
            #expect(text.contains("\n\(model.name): ") || text.hasPrefix("\(model.name): "))
            #expect(model.step >= 1000)
            #expect(!model.inputs.isEmpty && !model.outputs.isEmpty && !model.tensors.isEmpty)
            for tensor in model.inputs + model.outputs + model.tensors {
                let shape = tensor.shape.map { "[\($0.map { $0.map(String.init) ?? "?" }.joined(separator: ","))]" }
                #expect(text.contains(tensor.name) && text.contains(shape ?? "<unknown>"), "\(tensor)")
            }
            for op in model.ops where !op.supported && !op.saving {
                #expect(text.contains(try Regex("\n  \(op.name) +\(op.nodes) +not supported\n")))
            }
            #expect(model.ops.first { $0.name == "SaveV2" }?.saving == true)
        }
        #expect(!text.contains(try Regex("(SaveV2|RestoreV2) +[0-9]+ +not supported")))
    }

    @Test("inspect --plan shows passes and steps, as text that fits the terminal and as JSON")
    func plan() throws {
        struct Document: Decodable {
            struct Stage: Decodable {
                let pass: String
                let form: String
            }
            struct Step: Decodable {
                let kernel: String
                let nanoseconds: UInt64?
            }
            let stages: [Stage]
            let steps: [Step]
        }
        let digits = Fixtures.model("digits")
        let text = try Program.run("inspect", "--plan", "--profile", digits).output
        for part in [
            "Imported: ", "fold-constants: 1 change", "With the shapes of the feeds", "Program: ", " us in all steps",
        ] {
            #expect(text.contains(part), "\(part)")
        }
        #expect(text.split(separator: "\n").filter { $0.hasPrefix("  ") }.allSatisfy { $0.count <= 120 })
        let feeds = [
            "--feed", "x=\(Array(repeating: Array(repeating: 0, count: 64), count: 3))", "--feed", "keep_prob=1",
        ]
        let line = try Program.launch(
            Program.path, ["inspect", "--plan", "--json", "--profile", digits, "--fetch", "probs"] + feeds
        ).output
        let document = try JSONDecoder().decode(Document.self, from: Data(line.utf8))
        #expect(document.stages.first?.pass == "import")
        #expect(Set(document.stages.map(\.form)) == ["general", "specialized"])
        #expect(document.steps.contains { $0.kernel == "softmax" })
        #expect(document.steps.allSatisfy { $0.nanoseconds ?? 0 > 0 })
        let unfolded = try Program.run("inspect", "--plan", "--disable-pass", "fold-constants", digits).output
        #expect(!unfolded.contains("fold-constants:"))
        #expect(try Program.run("inspect", "--feed", "x=1", digits).status != 0)
        #expect(try Program.run("inspect", "--plan", "--feed", "y=1", digits).errors.contains("no such tensor"))
    }

    @Test("the program finds its arguments where /proc is not mounted")
    func withoutProc() throws {
        let hidden = "mount -t tmpfs none /proc && exec \"$@\""
        func hide(_ program: String, _ arguments: String...) throws -> Program.Result {
            try Program.launch("/usr/bin/unshare", ["-r", "-m", "/bin/sh", "-c", hidden, "sh", program] + arguments)
        }
        guard try hide("/bin/true").status == 0 else {
            return print("skipped: no namespace of mounts can be made here")
        }
        let result = try hide(
            Program.path, "predict", Fixtures.model("tutorial"), "--feed", "w1=1", "--feed", "w2=2")
        #expect(result.output == #"{"outputs":{"op_to_restore:0":6.0},"model":{"name":"tutorial","step":1000}}"# + "\n")
    }
}

/// The values of `metaserve predict --feed`.
@Suite("metaserve predict --feed")
struct FeedArgumentTests {
    private let folder = Scratch()
    private let tutorial = Fixtures.model("tutorial")

    private func error(_ feed: String, model: String? = nil) throws -> String {
        let result = try Program.run("predict", model ?? tutorial, "--feed", feed, "--feed", "w2=0")
        #expect(result.status == 64, "\(feed): \(result.errors)")
        return result.errors.split(separator: "\n").first.map(String.init) ?? ""
    }

    @Test("malformed JSON says where it breaks and what the input takes")
    func malformed() throws {
        #expect(
            try error("w1=[1,2")
                == "Error: --feed w1=[1,2: is not JSON: it ends within a list at byte 4; input w1 takes "
                + "float32 <unknown>. Write a number, true, false, \"text\" or lists of them as JSON, or w1=@FILE")
        #expect(try error("w1=13,").hasPrefix("Error: --feed w1=13,: is not JSON: "))
        #expect(try error("w1=abc").hasPrefix("Error: --feed w1=abc: is not JSON: "))
        #expect(try error("w1={\"b64\": 1").hasPrefix("Error: --feed w1={\"b64\": 1: is not JSON: "))
        let shared = try Program.run("serve", tutorial, "--default", "w2=[1,")
        #expect(shared.errors.contains("\"w2=[1,\" is not NAME=VALUE: its value is not JSON: "))
    }

    @Test("a forgotten @ is told where a file has the value's name")
    func forgottenSign() throws {
        let path = folder.path + "/image.npy"
        try Fixtures.write([1], to: path)
        #expect(
            try error("w1=\(path)") == "Error: --feed w1=\(path): a file of that name exists. To feed its contents, "
                + "write w1=@\(path); to feed the text itself, write w1='\"\(path)\"'")
    }

    @Test("a file that cannot be read gives the reason")
    func unreadable() throws {
        #expect(
            try error("w1=@/no/such.npy") == "Error: --feed w1=@/no/such.npy: /no/such.npy cannot be read: no such file"
        )
        #expect(
            try error("w1=@\(folder.path)")
                == "Error: --feed w1=@\(folder.path): \(folder.path) cannot be read: Is a directory")
    }

    @Test("a file of JSON is fed as it is; an image or a text where numbers are wanted says what to do")
    func files() throws {
        let json = folder.path + "/values.json"
        try Fixtures.write(Array("[1, 2]\n".utf8), to: json)
        let result = try Program.run("predict", tutorial, "--feed", "w1=@\(json)", "--feed", "w2=0")
        #expect(result.output.contains(#"{"op_to_restore:0":[2.0,4.0]}"#), "\(result.errors)")
        let image = folder.path + "/cat.png"
        try Fixtures.write([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a], to: image)
        #expect(
            try error("w1=@\(image)")
                == "Error: \(image): is a PNG image, but input w1 takes float32 <unknown>. Decode it "
                + "as the model was trained, for example x = numpy.asarray(PIL.Image.open(\"\(image)\"), numpy.float32)"
                + "[None], and feed what numpy.save(\"w1.npy\", x) writes")
        let text = folder.path + "/words.txt"
        try Fixtures.write(Array("some words".utf8), to: text)
        #expect(
            try error("w1=@\(text)").hasPrefix(
                "Error: \(text): is neither a .npy array nor JSON ("))
    }

    @Test("an input of strings takes a value without quotes, and any file as it is")
    func strings() throws {
        let graph = """
            node { name: "words" op: "Placeholder" attr { key: "dtype" value { type: DT_STRING } }
              attr { key: "shape" value { shape { dim { size: -1 } } } } }
            node { name: "one" op: "Placeholder" attr { key: "dtype" value { type: DT_STRING } }
              attr { key: "shape" value { shape { } } } }
            node { name: "many" op: "Identity" input: "words" attr { key: "T" value { type: DT_STRING } } }
            node { name: "same" op: "Identity" input: "one" attr { key: "T" value { type: DT_STRING } } }
            """
        let model = folder.path + "/graph.pbtxt"
        try Fixtures.write(Array(graph.utf8), to: model)
        let text = folder.path + "/words.txt"
        try Fixtures.write(Array("[1, \"2\n".utf8), to: text)
        let bytes = folder.path + "/image.jpg"
        try Fixtures.write([0xff, 0xd8], to: bytes)
        func run(_ words: String, _ one: String) throws -> String {
            let result = try Program.run("predict", model, "--feed", "words=" + words, "--feed", "one=" + one)
            #expect(result.status == 0, "\(result.errors)")
            return result.output
        }
        let first = try run("@" + text, "13")
        #expect(first.contains(#""many:0":["[1, \"2\n"]"#) && first.contains(#""same:0":"13""#), "\(first)")
        let second = try run(#"["a","b"]"#, "@" + bytes)
        #expect(second.contains(#""many:0":["a","b"]"#) && second.contains(#""same:0":{"b64":"/9g="}"#), "\(second)")
        let third = try run("[]", "some words")
        #expect(third.contains(#""same:0":"some words""#), "\(third)")
    }

    @Test("a top of classes can be asked for")
    func top() throws {
        let zeros = "[[" + Array(repeating: "0", count: 64).joined(separator: ",") + "]]"
        let result = try Program.run(
            "predict", Fixtures.model("digits"), "--feed", "x=\(zeros)", "--feed", "keep_prob=1", "--fetch", "probs",
            "--top", "1")
        #expect(result.output.hasPrefix(#"{"outputs":{"probs":[[{"index":8,"score":0."#), "\(result.errors)")
    }
}

/// A folder that goes away with the suite.
final class Scratch: Sendable {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("metaserve-\(UUID().uuidString)").path

    init() { try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Copies a folder to a place in this one.
    func copy(_ source: String, to place: String) throws {
        let target = URL(fileURLWithPath: path + "/" + place)
        try FileManager.default.createDirectory(
            at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: source, toPath: target.path)
    }
}
