#include "ckernels_cells.h"
#include "ckernels_math.h"

// Each element takes five exponentials: one vector in flight leaves enough registers.
#define LOOP_CELLS CK_PRAGMA(clang loop vectorize(assume_safety) vectorize_width(16) interleave_count(1))

enum { BLOCK = 16 };

// One row. The rest of a row that fills no vector is computed in a vector of its own, with zeros behind it.
CK_INLINE void gates_of(const int has_second, const int has_bias, const int has_peepholes, const ck_lstm_gates *task,
                        const float *first, const float *second, const float *bias, const ck_lstm_peepholes *peepholes,
                        const float *memory, float *next, float *result, ptrdiff_t count) {
    const float *peep_f = has_peepholes ? peepholes->forget : NULL, *peep_i = has_peepholes ? peepholes->input : NULL,
                *peep_o = has_peepholes ? peepholes->output : NULL;
    const ptrdiff_t i = task->input, j = task->content, f = task->forget, o = task->output;
    const float forget_bias = task->forget_bias;
#define GATE(at) (first[(at) + n] + (has_second ? second[(at) + n] : 0.0f) + (has_bias ? bias[(at) + n] : 0.0f))
#define SEEING(gate, peephole, memory) (has_peepholes ? (gate) + (peephole)[n] * (memory) : (gate))
    LOOP_CELLS for (ptrdiff_t n = 0; n < count; n++) {
        const float old = memory[n] * ck_sigmoid_f32(SEEING(GATE(f) + forget_bias, peep_f, memory[n]));
        const float new = ck_sigmoid_f32(SEEING(GATE(i), peep_i, memory[n])) * ck_tanh_f32(GATE(j));
        const float sum = old + new;
        next[n] = sum;
        result[n] = ck_tanh_f32(sum) * ck_sigmoid_f32(SEEING(GATE(o), peep_o, sum));
    }
#undef GATE
#undef SEEING
}

// `at` is the place of the rest in the row.
CK_INLINE void rest_of(const int has_second, const int has_bias, const int has_peepholes, const ck_lstm_gates *task,
                       const float *first, const float *second, const float *bias, const ck_lstm_peepholes *peepholes,
                       const float *memory, float *next, float *result, ptrdiff_t at, ptrdiff_t count) {
    const ptrdiff_t places[4] = {task->input, task->content, task->forget, task->output};
    const size_t bytes = (size_t)count * sizeof(float);
    float gates[3][4 * BLOCK] = {{0}}, memories[BLOCK] = {0}, nexts[BLOCK], results[BLOCK];
    for (int gate = 0; gate < 4; gate++) {
        memcpy(gates[0] + gate * BLOCK, first + places[gate], bytes);
        if (has_second) memcpy(gates[1] + gate * BLOCK, second + places[gate], bytes);
        if (has_bias) memcpy(gates[2] + gate * BLOCK, bias + places[gate], bytes);
    }
    memcpy(memories, memory, bytes);
    ck_lstm_gates block = *task;
    block.input = 0;
    block.content = BLOCK;
    block.forget = 2 * BLOCK;
    block.output = 3 * BLOCK;
    float seen[3][BLOCK] = {{0}};
    const ck_lstm_peepholes holes = {seen[0], seen[1], seen[2]};
    if (has_peepholes) {
        memcpy(seen[0], peepholes->forget + at, bytes);
        memcpy(seen[1], peepholes->input + at, bytes);
        memcpy(seen[2], peepholes->output + at, bytes);
    }
    gates_of(has_second, has_bias, has_peepholes, &block, gates[0], gates[1], gates[2], &holes, memories, nexts,
             results, BLOCK);
    memcpy(next, nexts, bytes);
    memcpy(result, results, bytes);
}

CK_INLINE void rows_of(const int has_second, const int has_bias, const int has_peepholes, const ck_lstm_gates *task,
                       const float *first, const float *second, const float *bias, const ck_lstm_peepholes *peepholes,
                       const float *memory, float *next, float *result) {
    const ptrdiff_t whole = task->cells / BLOCK * BLOCK, rest = task->cells - whole;
    for (ptrdiff_t row = 0; row < task->rows; row++) {
        gates_of(has_second, has_bias, has_peepholes, task, first, second, bias, peepholes, memory, next, result, whole);
        if (rest > 0)
            rest_of(has_second, has_bias, has_peepholes, task, first + whole, has_second ? second + whole : second,
                    has_bias ? bias + whole : bias, peepholes, memory + whole, next + whole, result + whole, whole, rest);
        first += task->first_step;
        if (has_second) second += task->second_step;
        memory += task->memory_step;
        next += task->cells;
        result += task->cells;
    }
}

#define VARIANT(name, has_second, has_bias, has_peepholes)                                                               \
    CK_MULTIVERSION static void name(const ck_lstm_gates *task, const float *first, const float *second, const float *bias, \
                                     const ck_lstm_peepholes *peepholes, const float *memory, float *next,              \
                                     float *result) {                                                                   \
        rows_of(has_second, has_bias, has_peepholes, task, first, second, bias, peepholes, memory, next, result);       \
    }
VARIANT(gates_alone, 0, 0, 0)
VARIANT(gates_biased, 0, 1, 0)
VARIANT(gates_summed, 1, 0, 0)
VARIANT(gates_summed_biased, 1, 1, 0)
VARIANT(gates_seeing, 0, 0, 1)
VARIANT(gates_biased_seeing, 0, 1, 1)
VARIANT(gates_summed_seeing, 1, 0, 1)
VARIANT(gates_summed_biased_seeing, 1, 1, 1)

void ck_lstm_gates_f32(const ck_lstm_gates *task, const float *first, const float *second, const float *bias,
                       const ck_lstm_peepholes *peepholes, const float *memory, float *next, float *result) {
    if (peepholes && second)
        (bias ? gates_summed_biased_seeing : gates_summed_seeing)(task, first, second, bias, peepholes, memory, next, result);
    else if (peepholes)
        (bias ? gates_biased_seeing : gates_seeing)(task, first, second, bias, peepholes, memory, next, result);
    else if (second)
        (bias ? gates_summed_biased : gates_summed)(task, first, second, bias, peepholes, memory, next, result);
    else
        (bias ? gates_biased : gates_alone)(task, first, second, bias, peepholes, memory, next, result);
}
