// Loops that compute each element of the output from one element of each input.
//
// An output may be the very memory of an input whose elements have the same width; else it must not overlap it.
#ifndef CKERNELS_ELEMENTWISE_H
#define CKERNELS_ELEMENTWISE_H

#include "ckernels_base.h"

typedef enum {
    CK_NEGATE, CK_ABS, CK_SQUARE, CK_SQRT, CK_RSQRT, CK_EXP, CK_LOG, CK_SIGMOID, CK_TANH, CK_RELU, CK_RELU6, CK_FLOOR,
    CK_UNARY_COUNT
} ck_unary;

typedef enum {
    CK_ADD, CK_SUBTRACT, CK_MULTIPLY, CK_DIVIDE, CK_REAL_DIVIDE, CK_DIVIDE_NO_NAN, CK_POWER, CK_MAXIMUM, CK_MINIMUM,
    CK_SQUARED_DIFFERENCE, CK_EQUAL, CK_NOT_EQUAL, CK_GREATER, CK_GREATER_EQUAL, CK_LESS, CK_LESS_EQUAL,
    CK_BINARY_COUNT
} ck_binary;

typedef void (*ck_unary_fn)(const void *x, void *y, ptrdiff_t count);

// A step is 1, or 0 for an operand that is one element (not both); the other sizes count elements.
// Returns nonzero if an element has no value: an integer divided by zero, or to a negative power.
typedef int (*ck_binary_fn)(
    const void *a, ptrdiff_t step_a, const void *b, ptrdiff_t step_b, void *y, ptrdiff_t count);

// The loop of a formula for an element type, a TensorFlow number; NULL where there is none.
ck_unary_fn ck_unary_loop(ck_unary formula, int type);
ck_binary_fn ck_binary_loop(ck_binary formula, int type);
// Converts from one element type to another; floats that do not fit into an integer give what x86 gives.
ck_unary_fn ck_cast_loop(int from, int to);

// Runs a loop over broadcast operands. `axes` has three numbers an axis, outermost first: its size, then the bytes from one
// element of `a`, and of `b`, to the next along it, 0 where it repeats; on the last axis steps (0 or 1) instead of bytes.
// The output is dense; elements of the operands have `width` bytes. 1 <= rank <= CK_MAX_AXES.
enum { CK_MAX_AXES = 8 };
int ck_broadcast(
    ck_binary_fn loop, const ptrdiff_t *axes, int rank, const void *a, const void *b, void *y, ptrdiff_t width,
    ptrdiff_t output_width);

// y[i] = condition[i] ? a[i] : b[i] for elements of 1, 2, 4, 8 or 16 bytes; NULL for other widths.
typedef void (*ck_select_fn)(const uint8_t *condition, const void *a, const void *b, void *y, ptrdiff_t count);
ck_select_fn ck_select_loop(int width);

#endif
