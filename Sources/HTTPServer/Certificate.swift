internal import CMicrohttpd
internal import Glibc

/// A chain of certificates and its key, for handshakes.
// Safety: `chain` and `key` are made in init and freed in deinit; in between GnuTLS only reads them, on any thread. A connection
// keeps the certificate that its handshake was given.
final class Certificate: @unchecked Sendable {
    private let chain: UnsafeMutablePointer<gnutls_pcert_st>
    private let count: UInt32
    private let key: gnutls_privkey_t

    private static let maxCertificates: UInt32 = 16

    /// Reads PEM files.
    ///
    /// - Throws: ``HTTPServerError`` that names the file and the problem.
    init(_ files: HTTPServer.TLS) throws(HTTPServerError) {
        let chainText = try PEMFile.read(files.certificatePath, "certificate", "--tls-cert")
        let keyText = try PEMFile.read(files.keyPath, "key", "--tls-key")
        let key = try Self.key(keyText, files)
        let chain = UnsafeMutablePointer<gnutls_pcert_st>.allocate(capacity: Int(Self.maxCertificates))
        var count = Self.maxCertificates
        let status = chainText.withDatum {
            gnutls_pcert_list_import_x509_raw(chain, &count, $0, GNUTLS_X509_FMT_PEM, 0)
        }
        guard status >= 0, count > 0 else {
            chain.deallocate()
            gnutls_privkey_deinit(key)
            throw Self.bad("the certificate in \(files.certificatePath) cannot be used", status)
        }
        self.key = key
        self.chain = chain
        self.count = count
        guard Self.keyID(of: key) == Self.keyID(of: chain.pointee.pubkey) else {
            throw HTTPServerError(
                .badCertificate,
                "the key in \(files.keyPath) does not belong to the certificate in \(files.certificatePath)")
        }
    }

    deinit {
        for index in 0..<Int(count) { gnutls_pcert_deinit(chain + index) }
        chain.deallocate()
        gnutls_privkey_deinit(key)
    }

    /// Passes chain and key to a handshake. They are valid as long as self.
    func give(
        _ chain: UnsafeMutablePointer<UnsafeMutablePointer<gnutls_pcert_st>?>, _ count: UnsafeMutablePointer<UInt32>,
        _ key: UnsafeMutablePointer<gnutls_privkey_t?>
    ) {
        chain.pointee = self.chain
        count.pointee = self.count
        key.pointee = self.key
    }

    private static func key(_ text: PEMFile, _ files: HTTPServer.TLS) throws(HTTPServerError) -> gnutls_privkey_t {
        var made: gnutls_privkey_t?
        guard gnutls_privkey_init(&made) >= 0, let key = made else {
            throw HTTPServerError(.system, "there is not enough memory for the key in \(files.keyPath)")
        }
        let status = text.withDatum { gnutls_privkey_import_x509_raw(key, $0, GNUTLS_X509_FMT_PEM, nil, 0) }
        guard status >= 0 else {
            gnutls_privkey_deinit(key)
            let isEncrypted = status == GNUTLS_E_DECRYPTION_FAILED
            throw bad(
                "the key in \(files.keyPath) cannot be used\(isEncrypted ? " because it is encrypted: give an unencrypted key" : "")",
                status)
        }
        return key
    }

    private static func bad(_ what: String, _ status: Int32) -> HTTPServerError {
        HTTPServerError(
            .badCertificate, "\(what): \(status < 0 ? String(cString: gnutls_strerror(status)) : "it is empty")")
    }

    private static func keyID(of key: gnutls_privkey_t) -> [UInt8]? {
        var made: gnutls_pubkey_t?
        guard gnutls_pubkey_init(&made) >= 0 else { return nil }
        defer { gnutls_pubkey_deinit(made) }
        guard gnutls_pubkey_import_privkey(made, key, 0, 0) >= 0 else { return nil }
        return keyID(of: made)
    }

    private static func keyID(of key: gnutls_pubkey_t?) -> [UInt8]? {
        var id = [UInt8](repeating: 0, count: 64)
        var size = id.count
        guard gnutls_pubkey_get_key_id(key, 0, &id, &size) >= 0 else { return nil }
        return Array(id.prefix(size))
    }
}

/// The bytes of a PEM file.
struct PEMFile {
    private var bytes: [UInt8]

    private static let maxBytes = 1 << 20

    /// - Throws: ``HTTPServerError`` if the file cannot be read.
    static func read(_ path: String, _ what: String, _ option: String) throws(HTTPServerError) -> PEMFile {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw unreadable(path, what, option) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: maxBytes)
        var count = 0
        while count < maxBytes {
            let read = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress.map { $0 + count }, $0.count - count)
            }
            guard read >= 0 else { throw unreadable(path, what, option) }
            guard read > 0 else { break }
            count += read
        }
        guard count < maxBytes else {
            throw HTTPServerError(
                .badCertificate, "the \(what) \(path) is larger than \(maxBytes) bytes: give a PEM file with \(option)"
            )
        }
        return PEMFile(bytes: Array(bytes.prefix(count)))
    }

    /// Calls `body` with the bytes for GnuTLS.
    func withDatum<Result>(_ body: (UnsafePointer<gnutls_datum_t>) -> Result) -> Result {
        var bytes = bytes
        return bytes.withUnsafeMutableBufferPointer { buffer in
            var datum = gnutls_datum_t(data: buffer.baseAddress, size: UInt32(buffer.count))
            return withUnsafePointer(to: &datum, body)
        }
    }

    private static func unreadable(_ path: String, _ what: String, _ option: String) -> HTTPServerError {
        HTTPServerError(
            .badCertificate,
            "the \(what) \(path) cannot be read: \(String(cString: strerror(errno))); give a PEM file with \(option)")
    }
}
