internal import HTTPMessages

/// The target in a request's first line.
enum RequestTarget {
    private static let schemes: [StaticString] = ["http://", "https://"]
    private static let root: StaticString = "/"

    /// The path of a target. The path of `http://host/path`, which clients send to proxies and a server must accept too (RFC 9112,
    /// 3.2.2), is `/path`. Other targets are their own paths.
    static func path(of target: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard target.first != UInt8(ascii: "/"),
            let start = schemes.lazy.compactMap({ length(of: $0, in: target) }).first
        else { return target }
        // A target without an authority does not have this form.
        guard start < target.count, target[start] != UInt8(ascii: "/") else { return target }
        guard let slash = target[start...].firstIndex(of: UInt8(ascii: "/")) else {
            return UnsafeRawBufferPointer(start: root.utf8Start, count: root.utf8CodeUnitCount)
        }
        return UnsafeRawBufferPointer(rebasing: target[slash...])
    }

    /// The length of the scheme at the beginning of a target, in any case; nil for another scheme.
    private static func length(of scheme: StaticString, in target: UnsafeRawBufferPointer) -> Int? {
        let count = scheme.utf8CodeUnitCount
        guard target.count > count else { return nil }
        for index in 0..<count {
            let byte = target[index]
            let lower = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
            guard lower == scheme.utf8Start[index] else { return nil }
        }
        return count
    }
}
