/// The rules while a `checkpoint` file is missing, or names a prefix that does not exist.
extension ReloadMachine {
    /// Whether the version that was named last stays wanted, because the file may come back soon.
    var isWaitingForPointer: Bool {
        guard current != nil, let since = pointer.lostSince else { return false }
        return !hasPassed(timing.pointerWait, since: since)
    }

    /// When the wait for the file ends.
    var pointerTime: Time? {
        current == nil ? nil : pointer.lostSince.map { $0.advanced(by: timing.pointerWait) }
    }
}

/// Whether a `checkpoint` file names an existing checkpoint, and since when it does not.
struct PointerWait<Time: InstantProtocol & Sendable>: Sendable {
    /// Whether it ever named an existing checkpoint.
    private var wasThere = false
    /// The time since it no longer does.
    private(set) var lostSince: Time?

    /// Applies the result of a check.
    mutating func update(_ listing: ModelListing, at now: Time) {
        guard listing.lostPointer != nil else {
            wasThere = true
            lostSince = nil
            return
        }
        if wasThere { lostSince = lostSince ?? now }
    }

    /// Additional warnings: a file that existed has disappeared permanently.
    func warnings(of listing: ModelListing) -> [String] {
        guard lostSince != nil, let reason = listing.lostPointer, !listing.warnings.contains(reason) else { return [] }
        return [reason]
    }
}
