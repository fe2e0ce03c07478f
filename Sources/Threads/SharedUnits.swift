internal import Synchronization

/// Units of work, numbered from 0, that several threads share: each takes the next unit when it has completed one.
package final class SharedUnits: Sendable {
    private let count: Int
    private let next = Atomic<Int>(0)

    private init(_ count: Int) { self.count = count }

    /// One of the threads.
    package struct Worker: Sendable {
        fileprivate let units: SharedUnits
        /// The source that a helper came from; nil for the calling thread.
        fileprivate let source: (any HelperSource)?

        /// Takes the next unit.
        ///
        /// - Returns: nil if all units are taken, and for a helper whose processor somebody waits for.
        package func next() -> Int? {
            if let source, source.isWanted { return nil }
            let unit = units.next.add(1, ordering: .relaxed).oldValue
            return unit < units.count ? unit : nil
        }

        /// Lets nobody take another unit. All units below those that were taken have been taken, and are completed.
        package func stop() { units.next.store(units.count, ordering: .relaxed) }
    }

    /// Calls a function on this thread, and at the same time on helpers. Returns when all of them have ended.
    ///
    /// - Parameters:
    ///   - count: The number of units.
    ///   - source: The source of helpers; nil for none.
    ///   - body: Takes units from its worker until there are none.
    package static func run(
        _ count: Int, helpers source: (any HelperSource)?, _ body: @escaping @Sendable (Worker) -> Void
    ) {
        let units = SharedUnits(count)
        let helpers = count > 1 ? source?.borrow(upTo: count - 1) ?? 0 : 0
        guard helpers > 0, let source else { return body(Worker(units: units, source: nil)) }
        let begun = source.team.run(helpers: helpers) { number in
            guard number > 0 else { return body(Worker(units: units, source: nil)) }
            body(Worker(units: units, source: source))
            source.giveBack(1)
        }
        if begun < helpers { source.giveBack(helpers - begun) }
    }
}
