internal import TensorFlowProtos

/// The outputs of ops by name. A function's body names a tensor `node:output:index`, a graph `node:number`.
struct OpSignatures {
    /// An output argument.
    private struct Output {
        let name: String
        /// The attribute with the number of its tensors, or with their dtypes; empty for a single tensor.
        let countAttribute: String
    }

    private var outputs: [String: [Output]] = [:]

    /// - Parameters:
    ///   - ops: The file's own list of ops.
    ///   - functions: The file's functions, which can be called like ops.
    init(ops: OpList, functions: [FunctionDef]) {
        outputs = Self.wellKnown
        for definition in ops.op + functions.map(\.signature) {
            outputs[definition.name] = definition.outputArg.map {
                Output(name: $0.name, countAttribute: $0.numberAttr.isEmpty ? $0.typeListAttr : $0.numberAttr)
            }
        }
    }

    /// The number of an op's output.
    ///
    /// - Parameters:
    ///   - name: The argument's name.
    ///   - index: The index of the tensor in the argument.
    ///   - node: The node, whose attributes state how many tensors each argument has.
    /// - Returns: nil if the op has no output with that name. An undeclared op has one output.
    func output(named name: String, _ index: Int, of node: NodeDef) -> Int? {
        guard let outputs = outputs[node.op] else { return index }
        var number = index
        for output in outputs {
            if output.name == name { return number }
            let (sum, overflow) = number.addingReportingOverflow(Self.count(of: output, node))
            if overflow { return nil }
            number = sum
        }
        return nil
    }

    private static func count(of output: Output, _ node: NodeDef) -> Int {
        guard !output.countAttribute.isEmpty, let attribute = node.attr[output.countAttribute] else { return 1 }
        if case .list(let list)? = attribute.value { return list.type.count }
        return max(0, Int(attribute.i))
    }

    /// Ops of TensorFlow with several outputs, for files without a list of ops. The attribute with the number of tensors follows a star.
    private static let wellKnown: [String: [Output]] = {
        let table = """
            BatchSelfAdjointEigV2 e v
            BatchSvd s u v
            BlockLSTM i cs f o ci co h
            BlockLSTMV2 i cs f o ci co h
            BroadcastGradientArgs r0 r1
            CTCBeamSearchDecoder decoded_indices*top_paths decoded_values*top_paths decoded_shape*top_paths log_probability
            CTCGreedyDecoder decoded_indices decoded_values decoded_shape log_probability
            CombinedNonMaxSuppression nmsed_boxes nmsed_scores nmsed_classes valid_detections
            FusedBatchNorm y batch_mean batch_variance reserve_space_1 reserve_space_2
            FusedBatchNormGrad x_backprop scale_backprop offset_backprop reserve_space_3 reserve_space_4
            FusedBatchNormGradV2 x_backprop scale_backprop offset_backprop reserve_space_3 reserve_space_4
            FusedBatchNormGradV3 x_backprop scale_backprop offset_backprop reserve_space_4 reserve_space_5
            FusedBatchNormV2 y batch_mean batch_variance reserve_space_1 reserve_space_2
            FusedBatchNormV3 y batch_mean batch_variance reserve_space_1 reserve_space_2 reserve_space_3
            GRUBlockCell r u c h
            LSTMBlockCell i cs f o ci co h
            ListDiff out idx
            LogMatrixDeterminant sign log_abs_determinant
            LookupTableExport keys values
            LookupTableExportV2 keys values
            Lu lu p
            MaxPoolWithArgmax output argmax
            Merge output value_index
            NonMaxSuppressionV4 selected_indices valid_outputs
            NonMaxSuppressionV5 selected_indices selected_scores valid_outputs
            ParseExample sparse_indices*Nsparse sparse_values*sparse_types sparse_shapes*Nsparse dense_values*Tdense
            ParseExampleV2 sparse_indices*num_sparse sparse_values*sparse_types sparse_shapes*num_sparse \
            dense_values*Tdense ragged_values*ragged_value_types ragged_row_splits*ragged_split_types
            ParseSingleExample sparse_indices*num_sparse sparse_values*sparse_types sparse_shapes*num_sparse dense_values*Tdense
            Qr q r
            QuantizeDownAndShrinkRange output output_min output_max
            QuantizeV2 output output_min output_max
            QuantizedAvgPool output min_output max_output
            QuantizedBiasAdd output min_out max_out
            QuantizedConv2D output min_output max_output
            QuantizedMatMul out min_out max_out
            QuantizedMaxPool output min_output max_output
            QuantizedRelu activations min_activations max_activations
            QuantizedRelu6 activations min_activations max_activations
            QuantizedReshape output output_min output_max
            RaggedGather output_nested_splits*OUTPUT_RAGGED_RANK output_dense_values
            RaggedRange rt_nested_splits rt_dense_values
            RaggedTensorToSparse sparse_indices sparse_values sparse_dense_shape
            RefMerge output value_index
            RefSwitch output_false output_true
            RequantizationRange output_min output_max
            Requantize output output_min output_max
            SampleDistortedBoundingBox begin size bboxes
            SampleDistortedBoundingBoxV2 begin size bboxes
            SelfAdjointEigV2 e v
            SoftmaxCrossEntropyWithLogits loss backprop
            SparseAdd sum_indices sum_values sum_shape
            SparseConcat output_indices output_values output_shape
            SparseFillEmptyRows output_indices output_values empty_row_indicator reverse_index_map
            SparseReduceMaxSparse output_indices output_values output_shape
            SparseReduceSumSparse output_indices output_values output_shape
            SparseReorder output_indices output_values
            SparseReshape output_indices output_shape
            SparseSlice output_indices output_values output_shape
            SparseSoftmaxCrossEntropyWithLogits loss backprop
            SparseSparseMaximum output_indices output_values
            SparseSparseMinimum output_indices output_values
            SparseSplit output_indices*num_split output_values*num_split output_shape*num_split
            StatelessRandomGetKeyCounter key counter
            StatelessRandomGetKeyCounterAlg key counter alg
            StringNGrams ngrams ngrams_splits
            StringSplit indices values shape
            StringSplitV2 indices values shape
            Svd s u v
            Switch output_false output_true
            TensorArrayConcat value lengths
            TensorArrayConcatV2 value lengths
            TensorArrayConcatV3 value lengths
            TensorArrayGradV3 grad_handle flow_out
            TensorArrayV3 handle flow
            TensorListConcat tensor lengths
            TensorListConcatV2 tensor lengths
            TensorListPopBack output_handle tensor
            TopK values indices
            TopKV2 values indices
            UnicodeDecode row_splits char_values
            UnicodeDecodeWithOffsets row_splits char_values char_to_byte_starts
            Unique y idx
            UniqueV2 y idx
            UniqueWithCounts y idx count
            UniqueWithCountsV2 y idx count
            """
        var result: [String: [Output]] = [:]
        for line in table.split(separator: "\n") {
            let words = line.split(separator: " ")
            result[String(words[0])] = words.dropFirst().map { word in
                let parts = word.split(separator: "*")
                return Output(name: String(parts[0]), countAttribute: parts.count > 1 ? String(parts[1]) : "")
            }
        }
        return result
    }()
}
