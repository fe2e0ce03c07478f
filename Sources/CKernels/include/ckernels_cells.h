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

// Some columns of a matrix: elements from one row to the next, 0 for a row that is the same for all. `data` may be NULL where a sum has no
// such term.
typedef struct {
    const float *data;
    ptrdiff_t step;
} ck_columns;

// What the steps of a cell with gates to reset and to update take, in this order. A gate is a sum: of a matrix, perhaps a second one, and
// perhaps a bias. Both gates have the same terms.
enum { CK_GRU_GATES_INPUTS = 7, CK_GRU_OUTPUT_INPUTS = 5, CK_GRU_CELL_INPUTS = 7 };

// Inputs: update (first, second, bias), reset (first, second, bias), state. Writes sigmoid(update) and sigmoid(reset) * state.
void ck_gru_gates_f32(ptrdiff_t rows, ptrdiff_t cells, const ck_columns *inputs, float *update, float *reset_state);

// Inputs: update, content (first, second, bias), state. Writes update * state + (1 - update) * tanh(content).
void ck_gru_output_f32(ptrdiff_t rows, ptrdiff_t cells, const ck_columns *inputs, float *result);

// Inputs: update (first, second), reset (first, second), content (first, second), state. With u = sigmoid(update) and
// r = sigmoid(reset), writes u * state + (1 - u) * tanh(first + r * second).
void ck_gru_cell_f32(ptrdiff_t rows, ptrdiff_t cells, const ck_columns *inputs, float *result);

#endif
