import Testing

@testable import Settings

@Suite("Amounts of memory")
struct MemorySizeTests {
    @Test(
        "are read, and written as short as they can be",
        arguments: [
            ("1048576", "1MiB"), ("512MiB", "512MiB"), ("1.5GiB", "1536MiB"), ("2GiB", "2GiB"), ("80%", "80%"),
            ("1001", "1001"), ("100%", "100%"),
        ])
    func amounts(text: String, written: String) { #expect(MemorySize(text)?.text == written) }

    @Test(
        "others are refused",
        arguments: [
            "", "0", "-1", "0%", "101%", "1.5%", "GiB", "1 GiB", "1gb", "1e3MiB", "nanGiB", "9999999999TiB", "-1GiB",
            "99999999999999999999", "0GiB",
        ])
    func faults(text: String) { #expect(MemorySize(text) == nil) }

    @Test("a percentage is of what there is")
    func parts() {
        #expect(MemorySize.percent(80).bytes(of: 1000) == 800)
        #expect(MemorySize.bytes(7).bytes(of: 1000) == 7)
    }
}
