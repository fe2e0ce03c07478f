#include "ckernels_cells.h"
#include "ckernels_math.h"

// Each element takes up to three exponentials: one vector in flight leaves enough registers.
#define LOOP_CELLS CK_PRAGMA(clang loop vectorize(assume_safety) vectorize_width(16) interleave_count(1))

enum { BLOCK = 16 };

// The sum of the terms of a gate, from input `at`.
#define SUM(at) (in[at][n] + (has_second ? in[(at) + 1][n] : 0.0f) + (has_bias ? in[(at) + 2][n] : 0.0f))

CK_INLINE void gates_of(const int has_second, const int has_bias, const float *const *in, float *const *out,
                        ptrdiff_t count) {
    LOOP_CELLS for (ptrdiff_t n = 0; n < count; n++) {
        out[0][n] = ck_sigmoid_f32(SUM(0));
        out[1][n] = ck_sigmoid_f32(SUM(3)) * in[6][n];
    }
}

CK_INLINE void output_of(const int has_second, const int has_bias, const float *const *in, float *const *out,
                         ptrdiff_t count) {
    LOOP_CELLS for (ptrdiff_t n = 0; n < count; n++) {
        const float update = in[0][n];
        out[0][n] = update * in[4][n] + (1.0f - update) * ck_tanh_f32(SUM(1));
    }
}

CK_INLINE void cell_of(const int has_second, const int has_bias, const float *const *in, float *const *out,
                       ptrdiff_t count) {
    (void)has_second;
    (void)has_bias;
    LOOP_CELLS for (ptrdiff_t n = 0; n < count; n++) {
        const float update = ck_sigmoid_f32(in[0][n] + in[1][n]), reset = ck_sigmoid_f32(in[2][n] + in[3][n]);
        out[0][n] = update * in[6][n] + (1.0f - update) * ck_tanh_f32(in[4][n] + reset * in[5][n]);
    }
}
#undef SUM

// The rest of a row that fills no vector is computed in a vector of its own, with zeros behind it.
#define VARIANT(name, part_of, input_count, output_count, has_second, has_bias)                                         \
    CK_MULTIVERSION static void name(ptrdiff_t rows, ptrdiff_t cells, const ck_columns *inputs, float *const *outputs) { \
        const ptrdiff_t whole = cells / BLOCK * BLOCK;                                                                  \
        const size_t bytes = (size_t)(cells - whole) * sizeof(float);                                                   \
        for (ptrdiff_t row = 0; row < rows; row++) {                                                                    \
            const float *in[input_count], *in_block[input_count];                                                       \
            float *out[output_count], *out_block[output_count];                                                         \
            float blocks[input_count][BLOCK] = {{0}}, results[output_count][BLOCK];                                     \
            for (int k = 0; k < (input_count); k++) {                                                                   \
                in[k] = inputs[k].data ? inputs[k].data + row * inputs[k].step : NULL;                                  \
                if (bytes > 0 && in[k]) memcpy(blocks[k], in[k] + whole, bytes);                                        \
                in_block[k] = blocks[k];                                                                                \
            }                                                                                                           \
            for (int k = 0; k < (output_count); k++) {                                                                  \
                out[k] = outputs[k] + row * cells;                                                                      \
                out_block[k] = results[k];                                                                              \
            }                                                                                                           \
            part_of(has_second, has_bias, in, out, whole);                                                              \
            if (bytes == 0) continue;                                                                                   \
            part_of(has_second, has_bias, in_block, out_block, BLOCK);                                                  \
            for (int k = 0; k < (output_count); k++) memcpy(out[k] + whole, results[k], bytes);                         \
        }                                                                                                               \
    }
VARIANT(gates_alone, gates_of, CK_GRU_GATES_INPUTS, 2, 0, 0)
VARIANT(gates_biased, gates_of, CK_GRU_GATES_INPUTS, 2, 0, 1)
VARIANT(gates_summed, gates_of, CK_GRU_GATES_INPUTS, 2, 1, 0)
VARIANT(gates_summed_biased, gates_of, CK_GRU_GATES_INPUTS, 2, 1, 1)
VARIANT(output_alone, output_of, CK_GRU_OUTPUT_INPUTS, 1, 0, 0)
VARIANT(output_biased, output_of, CK_GRU_OUTPUT_INPUTS, 1, 0, 1)
VARIANT(output_summed, output_of, CK_GRU_OUTPUT_INPUTS, 1, 1, 0)
VARIANT(output_summed_biased, output_of, CK_GRU_OUTPUT_INPUTS, 1, 1, 1)
VARIANT(cell_whole, cell_of, CK_GRU_CELL_INPUTS, 1, 1, 0)

void ck_gru_gates_f32(ptrdiff_t rows, ptrdiff_t cells, const ck_columns *inputs, float *update, float *reset_state) {
    float *const outputs[] = {update, reset_state};
    if (inputs[1].data)
        (inputs[2].data ? gates_summed_biased : gates_summed)(rows, cells, inputs, outputs);
    else
        (inputs[2].data ? gates_biased : gates_alone)(rows, cells, inputs, outputs);
}

void ck_gru_output_f32(ptrdiff_t rows, ptrdiff_t cells, const ck_columns *inputs, float *result) {
    if (inputs[2].data)
        (inputs[3].data ? output_summed_biased : output_summed)(rows, cells, inputs, &result);
    else
        (inputs[3].data ? output_biased : output_alone)(rows, cells, inputs, &result);
}

void ck_gru_cell_f32(ptrdiff_t rows, ptrdiff_t cells, const ck_columns *inputs, float *result) {
    cell_whole(rows, cells, inputs, &result);
}
