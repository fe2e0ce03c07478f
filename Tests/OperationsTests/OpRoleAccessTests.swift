import OperationSupport
import Operations
import TensorFlowProtos
import Testing
import VectorSupport

@Suite("Access to roles of ops")
struct OpRoleAccessTests {
    /// Whether an op has each role: by a cast, and by its member.
    private static let roles: [(name: String, has: @Sendable (any Op) -> (cast: Bool, member: Bool))] = [
        ("BatchedProductOp", { ($0 is any BatchedProductOp, $0.asBatchedProduct != nil) }),
        ("ChannelAffineOp", { ($0 is any ChannelAffineOp, $0.asChannelAffine != nil) }),
        ("ChoosingOp", { ($0 is any ChoosingOp, $0.asChoosing != nil) }),
        ("ConvertingOp", { ($0 is any ConvertingOp, $0.asConverting != nil) }),
        ("CountingOp", { ($0 is any CountingOp, $0.asCounting != nil) }),
        ("DrawingOp", { ($0 is any DrawingOp, $0.asDrawing != nil) }),
        ("DroppingOp", { ($0 is any DroppingOp, $0.asDropping != nil) }),
        ("ElementwiseOp", { ($0 is any ElementwiseOp, $0.asElementwise != nil) }),
        ("FinishingOp", { ($0 is any FinishingOp, $0.asFinishing != nil) }),
        ("FusibleActivation", { ($0 is any FusibleActivation, $0.asFusibleActivation != nil) }),
        ("FusibleLink", { ($0 is any FusibleLink, $0.asFusibleLink != nil) }),
        ("FusibleProduct", { ($0 is any FusibleProduct, $0.asFusibleProduct != nil) }),
        ("ImageOp", { ($0 is any ImageOp, $0.asImage != nil) }),
        ("JoiningOp", { ($0 is any JoiningOp, $0.asJoining != nil) }),
        ("LinearOp", { ($0 is any LinearOp, $0.asLinear != nil) }),
        ("MovementOp", { ($0 is any MovementOp, $0.asMovement != nil) }),
        ("PackableOp", { ($0 is any PackableOp, $0.asPackable != nil) }),
        ("PaddedOp", { ($0 is any PaddedOp, $0.asPadded != nil) }),
        ("PaddingOp", { ($0 is any PaddingOp, $0.asPadding != nil) }),
        ("PartableProduct", { ($0 is any PartableProduct, $0.asPartableProduct != nil) }),
        ("PartingOp", { ($0 is any PartingOp, $0.asParting != nil) }),
        ("PartwiseOp", { ($0 is any PartwiseOp, $0.asPartwise != nil) }),
        ("PlaceholderOp", { ($0 is any PlaceholderOp, $0.asPlaceholder != nil) }),
        ("ProductRanking", { ($0 is any ProductRanking, $0.asProductRanking != nil) }),
        ("ReducingOp", { ($0 is any ReducingOp, $0.asReducing != nil) }),
        ("RowStoreOp", { ($0 is any RowStoreOp, $0.asRowStore != nil) }),
        ("RowwiseOp", { ($0 is any RowwiseOp, $0.asRowwise != nil) }),
        ("SlicingOp", { ($0 is any SlicingOp, $0.asSlicing != nil) }),
        ("SoftmaxingOp", { ($0 is any SoftmaxingOp, $0.asSoftmaxing != nil) }),
        ("TransposableProduct", { ($0 is any TransposableProduct, $0.asTransposable != nil) }),
    ]

    @Test("each op has the roles that its type conforms to, and each role is that of some op")
    func members() throws {
        var found: Set<String> = []
        for family in VectorFamily.ops {
            var known: Set<String> = []
            for vector in try VectorFile.read(family.path) where known.insert(vector.node.op).inserted {
                guard let op = try? RecordedOp(vector).op else { continue }
                for (name, has) in Self.roles {
                    let (cast, member) = has(op)
                    #expect(cast == member, "\(name) of \(vector.node.op)")
                    if member { found.insert(name) }
                }
            }
        }
        // These are made by passes, or have no recorded run.
        let others: Set = ["DrawingOp", "FinishingOp", "PartwiseOp", "PlaceholderOp", "RowStoreOp"]
        let missing = Set(Self.roles.map(\.name)).subtracting(found).subtracting(others)
        #expect(missing.isEmpty)
    }
}
