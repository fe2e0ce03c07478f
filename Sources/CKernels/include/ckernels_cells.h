// What recurrent cells do with the products of their gates.
#ifndef CKERNELS_CELLS_H
#define CKERNELS_CELLS_H

#include "ckernels_base.h"

typedef struct {
    // Rows, and elements of a row of the memory; a row of gates has four times as many.
    ptrdiff_t rows, cells;
    // Where in a row of gates each gate begins: that of the input, of the new content, of forgetting, of the output.
    ptrdiff_t input, content, forget, output;
    // Elements from one row to the next; 0 for a row that is the same for all.
    ptrdiff_t first_step, second_step, memory_step;
    float forget_bias;
} ck_lstm_gates;

// A number for each cell that the memory is multiplied with before it is added to a gate. That of the output takes the next memory.
typedef struct {
    const float *forget, *input, *output;
} ck_lstm_peepholes;

// For gates = first + second + bias: next = memory * sigmoid(forget + forget_bias) + sigmoid(input) * tanh(content), and
// result = tanh(next) * sigmoid(output), with what peepholes add to the gates. `second`, `bias`, one row, and
// `peepholes` may be NULL.
void ck_lstm_gates_f32(const ck_lstm_gates *task, const float *first, const float *second, const float *bias,
                       const ck_lstm_peepholes *peepholes, const float *memory, float *next, float *result);

#endif
