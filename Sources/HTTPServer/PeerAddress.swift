internal import Glibc

/// The other end of a connection: an address and a port, or a Unix socket.
struct PeerAddress: Sendable {
    private let storage: sockaddr_storage

    /// Asks the kernel. Returns nil if the address is unknown, for example because the connection is closed.
    init?(ofSocket socket: Int32) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let status = withUnsafeMutablePointer(to: &storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(socket, $0, &length) }
        }
        guard status == 0 else { return nil }
        self.storage = storage
    }

    /// The unit that memory is counted for: an IPv4 address, or the first half of an IPv6 address, which is a network; nil for a Unix
    /// socket.
    var network: Network? {
        let family = Int32(storage.ss_family)
        return withUnsafeBytes(of: storage) { bytes in
            switch family {
            case AF_INET:
                let offset = MemoryLayout<sockaddr_in>.offset(of: \.sin_addr) ?? 0
                return Network(
                    isVersion6: false, bits: UInt64(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
            case AF_INET6:
                let offset = MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr) ?? 0
                let high = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                let middle = bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt32.self)
                let low = bytes.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self)
                // ::ffff:192.0.2.1
                guard high == 0, middle == UInt32(0x0000_ffff).bigEndian else {
                    return Network(isVersion6: true, bits: high)
                }
                return Network(isVersion6: false, bits: UInt64(low))
            default: return nil
            }
        }
    }

    /// An IPv4 address, or the first 64 bits of an IPv6 address.
    struct Network: Hashable, Sendable {
        let isVersion6: Bool
        let bits: UInt64
    }

    /// `192.0.2.1`, `2001:db8::1`, or `unix`. An IPv4 address of an IPv6 socket is written as IPv4.
    var text: String {
        let family = Int32(storage.ss_family)
        guard family == AF_INET || family == AF_INET6 else { return family == AF_UNIX ? "unix" : "unknown" }
        let size = Int(INET6_ADDRSTRLEN)
        let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) { room in
            withUnsafeBytes(of: storage) { bytes -> String? in
                // Safety: a sockaddr_storage is large enough for both, and aligned for both.
                let start = bytes.baseAddress
                let address = start.map {
                    family == AF_INET
                        ? $0 + (MemoryLayout<sockaddr_in>.offset(of: \.sin_addr) ?? 0)
                        : $0 + (MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr) ?? 0)
                }
                guard let address, let name = room.baseAddress,
                    inet_ntop(family, address, name, socklen_t(size)) != nil
                else { return nil }
                return String(cString: name)
            }
        }
        guard let text else { return "unknown" }
        return text.hasPrefix("::ffff:") && text.contains(".") ? String(text.dropFirst("::ffff:".count)) : text
    }
}
