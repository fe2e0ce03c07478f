internal import HTTPMessages

/// The target in a request's first line.
enum RequestTarget {
    private static let schemes: [StaticString] = ["http://", "https://"]
    private static let root: StaticString = "/"

    /// The path of a target. That of `http://host/path`, which clients send to proxies and a server must take too (RFC 9112,
    /// 3.2.2), is `/path`; other targets are their own paths.
    static func path(of target: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard target.first != UInt8(ascii: "/"),
            let start = schemes.lazy.compactMap({ length(of: $0, in: target) }).first
        else { return target }
        // Without an authority it is no such target.
        guard start < target.count, target[start] != UInt8(ascii: "/") else { return target }
        guard let slash = target[start...].firstIndex(of: UInt8(ascii: "/")) else {
            return UnsafeRawBufferPointer(start: root.utf8Start, count: root.utf8CodeUnitCount)
        }
        return UnsafeRawBufferPointer(rebasing: target[slash...])
    }

    /// The length of a scheme that a target begins with, in whatever case; nil for another.
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
