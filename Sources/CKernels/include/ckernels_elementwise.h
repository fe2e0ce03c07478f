// Loops that compute each element of the output from one element of each input.
//
// An output may be the very memory of an input whose elements have the same width; else it must not overlap it.
#ifndef CKERNELS_ELEMENTWISE_H
#define CKERNELS_ELEMENTWISE_H

#include "ckernels_base.h"

typedef enum {
    // Arithmetic, and what is made of it.
    CK_NEGATE, CK_ABS, CK_SIGN, CK_SQUARE, CK_SQRT, CK_RSQRT, CK_RECIPROCAL, CK_FLOOR, CK_CEIL, CK_ROUND, CK_RELU, CK_RELU6,
    // The same, and 0 for NaN; of whole numbers the same.
    CK_RELU_NUMBER, CK_RELU6_NUMBER,
    CK_SOFTSIGN, CK_INVERT, CK_NOT, CK_POPULATION,
    // The square root of any number, of integers without its fraction.
    CK_ROOT,
    // To bool.
    CK_IS_NAN, CK_IS_INFINITE, CK_IS_FINITE,
    // Elementary functions.
    CK_EXP, CK_EXPM1, CK_LOG, CK_LOG1P, CK_SIN, CK_COS, CK_TAN, CK_ASIN, CK_ACOS, CK_ATAN, CK_SINH, CK_COSH, CK_TANH,
    CK_ASINH, CK_ACOSH, CK_ATANH, CK_ERF, CK_ERFC, CK_SIGMOID, CK_ELU, CK_SELU, CK_SOFTPLUS,
    // Special functions.
    CK_ERFINV, CK_NDTRI, CK_LGAMMA, CK_DIGAMMA, CK_BESSEL_I0, CK_BESSEL_I1, CK_BESSEL_I0E, CK_BESSEL_I1E, CK_BESSEL_J0,
    CK_BESSEL_J1, CK_BESSEL_K0, CK_BESSEL_K1, CK_BESSEL_K0E, CK_BESSEL_K1E, CK_BESSEL_Y0, CK_BESSEL_Y1, CK_DAWSON,
    CK_EXPINT, CK_FRESNEL_SIN, CK_FRESNEL_COS, CK_SPENCE,
    // Of complex numbers; all but the first to their parts' type.
    CK_CONJUGATE, CK_REAL, CK_IMAGINARY, CK_MAGNITUDE, CK_ANGLE,
    // x / 2 * (1 + erf(x / sqrt 2)), and with tanh as its authors wrote it; no op of a graph, but of several.
    CK_GELU, CK_GELU_TANH,
    CK_UNARY_COUNT
} ck_unary;

typedef enum {
    CK_ADD, CK_SUBTRACT, CK_MULTIPLY, CK_DIVIDE, CK_REAL_DIVIDE, CK_DIVIDE_NO_NAN, CK_POWER, CK_MAXIMUM, CK_MINIMUM,
    CK_SQUARED_DIFFERENCE, CK_MULTIPLY_NO_NAN, CK_TRUNCATE_DIVIDE, CK_FLOOR_DIVIDE, CK_FLOOR_MOD, CK_TRUNCATE_MOD,
    // To bool.
    CK_EQUAL, CK_NOT_EQUAL, CK_GREATER, CK_GREATER_EQUAL, CK_LESS, CK_LESS_EQUAL,
    // Bits.
    CK_AND, CK_OR, CK_XOR, CK_SHIFT_LEFT, CK_SHIFT_RIGHT,
    // Functions.
    CK_XDIVY, CK_XLOGY, CK_XLOG1PY, CK_ATAN2, CK_NEXT_AFTER, CK_IGAMMA, CK_IGAMMAC, CK_ZETA, CK_POLYGAMMA,
    // Two reals to a complex number.
    CK_COMPLEX,
    // Gradients; first the one that comes in where it is the first input of TensorFlow's op, else as that op has it.
    CK_RELU_GRAD, CK_RELU6_GRAD, CK_ELU_GRAD, CK_SELU_GRAD, CK_SOFTPLUS_GRAD, CK_SOFTSIGN_GRAD, CK_TANH_GRAD,
    CK_SIGMOID_GRAD, CK_SQRT_GRAD, CK_RSQRT_GRAD, CK_RECIPROCAL_GRAD,
    CK_BINARY_COUNT
} ck_binary;

typedef enum {
    // min(max(a, b), c), as TensorFlow orders it.
    CK_CLIP,
    // b > 0 ? a : a * c
    CK_LEAKY_RELU_GRAD,
    // To bool: |a - b| < c.
    CK_NEAR,
    // The regularised incomplete beta function of a, b at c.
    CK_BETAINC,
    CK_TERNARY_COUNT
} ck_ternary;

typedef void (*ck_unary_fn)(const void *x, void *y, ptrdiff_t count);

// A step is 1, or 0 for an operand that is one element (not both); the other sizes count elements.
// Returns nonzero if an element has no value: an integer divided by zero, or to a negative power.
typedef int (*ck_binary_fn)(
    const void *a, ptrdiff_t step_a, const void *b, ptrdiff_t step_b, void *y, ptrdiff_t count);

// As `ck_binary_fn`; a step may be 0 for any operand.
typedef void (*ck_ternary_fn)(
    const void *a, ptrdiff_t step_a, const void *b, ptrdiff_t step_b, const void *c, ptrdiff_t step_c, void *y,
    ptrdiff_t count);

// The loop of a formula for an element type, a TensorFlow number; NULL where there is none.
ck_unary_fn ck_unary_loop(ck_unary formula, int type);
ck_binary_fn ck_binary_loop(ck_binary formula, int type);
ck_ternary_fn ck_ternary_loop(ck_ternary formula, int type);
// Converts from one element type to another; floats that do not fit into an integer give what x86 gives.
ck_unary_fn ck_cast_loop(int from, int to);
// Cuts off the bits of a float that the narrower type does not have, in place; NULL where there is nothing to cut.
ck_unary_fn ck_truncate_loop(int from, int to);

// Runs a loop over broadcast operands. `axes` has three numbers an axis, outermost first: its size, then the bytes from one
// element of `a`, and of `b`, to the next along it, 0 where it repeats; on the last axis steps (0 or 1) instead of bytes.
// The output is dense; elements of the operands have `width` bytes. 1 <= rank <= CK_MAX_AXES.
enum { CK_MAX_AXES = 8 };
int ck_broadcast(
    ck_binary_fn loop, const ptrdiff_t *axes, int rank, const void *a, const void *b, void *y, ptrdiff_t width,
    ptrdiff_t output_width);

// The elements [first, first + count) of an operand that is repeated along some axes of an output. `axes` has two numbers an
// axis, outermost first: its size, then the elements from one of the operand to the next along it, 0 where it repeats; on the
// last axis 0 or 1. Elements have 1, 2, 4, 8 or 16 bytes.
void ck_repeat(
    const ptrdiff_t *axes, int rank, const void *from, ptrdiff_t first, ptrdiff_t count, void *to, ptrdiff_t width);

// y[i] = condition[i] ? a[i] : b[i] for elements of 1, 2, 4, 8 or 16 bytes; NULL for other widths.
typedef void (*ck_select_fn)(const uint8_t *condition, const void *a, const void *b, void *y, ptrdiff_t count);
ck_select_fn ck_select_loop(int width);

// y = a x b for rows of three elements; NULL for a type that has none.
typedef void (*ck_cross_fn)(const void *a, const void *b, void *y, ptrdiff_t rows);
ck_cross_fn ck_cross_loop(int type);

#endif
