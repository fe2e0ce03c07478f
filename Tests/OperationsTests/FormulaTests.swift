import Kernels
import Testing

@Suite("Elementwise formulas")
struct FormulaTests {
    @Test("Swift has a case for each formula of C")
    func counts() {
        #expect(UnaryFormula.allCases.count == UnaryFormula.countInC)
        #expect(BinaryFormula.allCases.count == BinaryFormula.countInC)
        #expect(TernaryFormula.allCases.count == TernaryFormula.countInC)
    }
}
