import Foundation

// libFuzzer has `main`: it calls these two functions.
//
//     fuzz-readers list                    names of the readers
//     fuzz-readers seeds FOLDER READER     writes FOLDER/READER/ and FOLDER/READER.dict
//     METASERVE_FUZZ_READER=READER fuzz-readers [what libFuzzer takes]

/// The reader that the environment names.
private let chosen: any FuzzReader = {
    let name = ProcessInfo.processInfo.environment["METASERVE_FUZZ_READER"] ?? ""
    do {
        if let reader = FuzzReaders.named(name) { return try reader.init() }
        stop("METASERVE_FUZZ_READER is \"\(name)\"; known are \(FuzzReaders.names)")
    } catch { stop("reader \(name): \(error)") }
}()

/// Ends the program with an error of usage.
private func stop(_ reason: String) -> Never {
    FileHandle.standardError.write(Data((reason + "\n").utf8))
    _exit(2)
}

/// Called once, before any input is read.
@_cdecl("LLVMFuzzerInitialize")
public func initializeFuzzer(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>
) -> Int32 {
    let arguments = CommandLine.arguments.dropFirst()
    switch arguments.first {
    case "list": print(FuzzReaders.names)
    case "seeds":
        guard arguments.count == 3, let name = arguments.last, let reader = FuzzReaders.named(name) else {
            stop("usage: fuzz-readers seeds FOLDER READER")
        }
        do { try Seeds.write(of: reader, to: arguments[arguments.startIndex + 1]) } catch {
            stop("seeds of \(name): \(error)")
        }
    default:
        _ = chosen
        return 0
    }
    fflush(nil)
    _exit(0)
}

/// Called for each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    chosen.read(UnsafeRawBufferPointer(start: data, count: count))
    return 0
}
