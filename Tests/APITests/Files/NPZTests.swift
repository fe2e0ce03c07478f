import Foundation
import Tensors
import Testing

@testable import API

/// Files of `numpy.savez`, whole and damaged.
@Suite("Archives of NumPy arrays")
struct NPZTests {
    // numpy.savez(f, x=(numpy.arange(96, dtype="f4").reshape(6, 16) / 8)[:2, :3], **{"k:0": numpy.float64(0.5)}), and the same with savez_compressed.
    private static let stored = bytes(
        "UEsDBC0AAAAAAAAAIQD2ZDBI//////////8FABQAeC5ucHkBABAAmAAAAAAAAACYAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2Ny"
            + "JzogJzxmNCcsICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICgyLCAzKSwgfSAgICAgICAgICAgICAgICAgICAg"
            + "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAKAAAAAAAAAD4AAIA+AAAAQAAACEAAABBAUEsDBC0AAAAA"
            + "AAAAIQBw7pJp//////////8HABQAazowLm5weQEAEACIAAAAAAAAAIgAAAAAAAAAk05VTVBZAQB2AHsnZGVzY3InOiAnPGY4"
            + "JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKCksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
            + "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAADgP1BLAQItAy0AAAAAAAAAIQD2ZDBImAAAAJgAAAAFAAAA"
            + "AAAAAAAAAACAAQAAAAB4Lm5weVBLAQItAy0AAAAAAAAAIQBw7pJpiAAAAIgAAAAHAAAAAAAAAAAAAACAAc8AAABrOjAubnB5"
            + "UEsFBgAAAAACAAIAaAAAAJABAAAAAA==")
    private static let deflated = bytes(
        "UEsDBC0AAAAIAAAAIQD2ZDBI//////////8FABQAeC5ucHkBABAAmAAAAAAAAABXAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxc"
            + "pG6loG6TZqKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6CsaaOgq1CmQDLgYIsGNgaABiBgcGBg4gFnAAAFBL"
            + "AwQtAAAACAAAACEAcO6Saf//////////BwAUAGs6MC5ucHkBABAAiAAAAAAAAABHAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxc"
            + "pG6loG6TZqGuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5Gpo6CrUKFAEuBjB4YA8AUEsBAi0DLQAAAAgAAAAhAPZk"
            + "MEhXAAAAmAAAAAUAAAAAAAAAAAAAAIABAAAAAHgubnB5UEsBAi0DLQAAAAgAAAAhAHDukmlHAAAAiAAAAAcAAAAAAAAAAAAA"
            + "AIABjgAAAGs6MC5ucHlQSwUGAAAAAAIAAgBoAAAADgEAAAAA")
    /// The places of the central directory, and of its end.
    private static let (directory, end) = (400, 504)

    private static func bytes(_ text: String) -> [UInt8] { Array(Data(base64Encoded: text) ?? Data()) }

    /// The reason why an archive, or its array `x`, cannot be used.
    private static func reason(_ bytes: [UInt8]) -> String? {
        do throws(NPYText.Fault) {
            let archive = try NPZArchive(file: bytes)
            _ = try archive.tensor(archive.names.first ?? "", as: .float32)
            return nil
        } catch { return error.reason }
    }

    /// The stored archive with some bytes replaced.
    private static func changed(_ place: Int, _ bytes: [UInt8]) -> [UInt8] {
        var archive = stored
        archive.replaceSubrange(place..<place + bytes.count, with: bytes)
        return archive
    }

    private static let x: [Float] = [0, 0.125, 0.25, 2, 2.125, 2.25]

    @Test("arrays of savez and savez_compressed, in the dtype of an input")
    func reading() throws {
        for bytes in [Self.stored, Self.deflated, Self.changed(Self.end + 20, [3, 0]) + Array("abc".utf8)] {
            let archive = try NPZArchive(file: bytes)
            #expect(archive.names == ["x", "k:0"])
            let x = try archive.tensor("x", as: nil)
            #expect(x.shape.dimensions == [2, 3] && x.scalars(as: Float.self) == Self.x)
            #expect(try archive.tensor("k:0", as: .float32).scalars(as: Float.self) == [0.5])
            #expect(try archive.tensor("k:0", as: nil).scalars(as: Double.self) == [0.5])
        }
        let empty = try NPZArchive(file: [0x50, 0x4b, 5, 6] + [UInt8](repeating: 0, count: 18))
        #expect(empty.names.isEmpty)
    }

    @Test("a file that is no archive, or whose directory is damaged, says why")
    func damaged() {
        let (directory, end) = (Self.directory, Self.end)
        for (bytes, reason) in [
            ([], "it is not a zip file, or is cut off"), (Array("{}".utf8), "it is not a zip file, or is cut off"),
            (Self.changed(end + 8, [9]), "the end of its directory is damaged"),
            (Self.changed(end + 12, [0xff, 0xff, 0xff, 0xff]), "the end of its directory is damaged"),
            (Self.changed(end + 16, [0xff, 0xff, 0xff, 0xff]), "the end of its directory is damaged"),
            (Self.changed(end + 8, [0xff, 0x1f, 0xff, 0x1f]), "it has 8191 arrays, more than 4096"),
            (
                Self.changed(end + 8, [3, 0, 3, 0]),
                "its directory is damaged: there is no record at byte 504"
            ),
            (Self.changed(directory, [0]), "its directory is damaged: there is no record at byte 400"),
            (Self.changed(directory + 28, [0xff, 0xff]), "its directory is cut off"),
            (Self.changed(directory + 46, [0xff]), "it has a name that is not UTF-8"),
            (
                Self.changed(directory + 50, [0x78]),
                "it contains \"x.npx\", which is not an array: save it with numpy.savez"
            ),
            (Self.changed(directory + 8, [1]), "array \"x\" is encrypted"),
            (
                Self.changed(directory + 10, [12]),
                "array \"x\" is compressed by method 12; supported are 0 and 8, of numpy.savez and numpy.savez_compressed"
            ),
            (
                Self.changed(directory + 24, [0, 0, 0, 0x60]),
                "array \"x\" has 1610612736 bytes, more than 1073741824"
            ),
            (Self.changed(directory + 24, [0x99]), "array \"x\" has 152 bytes in the file for 153"),
            (
                Self.changed(directory + 10, [8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 1]),
                "array \"x\" has 64 bytes in the file for 16777216"
            ),
            (
                Self.changed(directory + 42, [0xff, 0xff, 0xff, 0xff]),
                "its directory is damaged: there is no record at byte 4294967295"
            ),
            (
                Self.changed(directory + 20, [0, 0, 0, 1, 0, 0, 0, 1]), "array \"x\" is cut off"
            ),
            (
                Self.changed(directory + 46 + 5 + 46, Array("x.npy".utf8)),
                "it contains \"x.npypy\", which is not an array: save it with numpy.savez"
            ),
            (Self.changed(directory + 10, [8]), "damaged compressed bytes of array \"x\""),
            (Self.changed(180, [1]), "array \"x\" is damaged: checksum"),
        ] as [([UInt8], String)] {
            let found = Self.reason(bytes)
            #expect(found?.hasPrefix(reason) == true, "\(found ?? "nothing"), expected \(reason)")
        }
    }

    @Test("a dtype that does not fit names the array")
    func misfits() throws {
        let archive = try NPZArchive(file: Self.stored)
        for (name, dtype) in [("x", DataType.int32), ("y", .float32), ("x", .string)] {
            do throws(NPYText.Fault) {
                _ = try archive.tensor(name, as: dtype)
                Issue.record("\(name) as \(dtype)")
            } catch { #expect(error.reason.contains("array \"\(name)\""), "\(error.reason)") }
        }
    }

    @Test("each cut and each flipped bit is refused, or the arrays are those that were saved")
    func mutations() {
        for whole in [Self.stored, Self.deflated] {
            for count in 0..<whole.count { #expect(Self.reason(Array(whole[..<count])) != nil) }
            for place in whole.indices {
                for bit in 0..<8 {
                    var bytes = whole
                    bytes[place] ^= 1 << UInt8(bit)
                    guard let archive = try? NPZArchive(file: bytes), let name = archive.names.first,
                        let tensor = try? archive.tensor(name, as: .float32)
                    else { continue }
                    #expect(tensor.scalars(as: Float.self) == Self.x, "byte \(place), bit \(bit)")
                }
            }
        }
    }
}
