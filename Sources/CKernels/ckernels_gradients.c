// Gradients, 0 where the one that comes in is 0 for some: `a` is the gradient that comes in, or what stands first in TensorFlow's op.
#include "ckernels_compile.h"
#include "ckernels_families.h"
#include "ckernels_math.h"
#include "ckernels_types.h"

#define RECTIFIED(S, T)                                       \
    BINARY(relu_grad_##S, T, T, a * (T)(b > 0))                 \
    BINARY(relu6_grad_##S, T, T, a * (T)(b > 0 && b < 6))
EACH_FLOAT(RECTIFIED)
EACH_SIGNED(RECTIFIED)
EACH_UNSIGNED(RECTIFIED)

#define FLOATING(S, T)                                                                              \
    BINARY(elu_grad_##S, T, T, b < 0 ? (b + 1) * a : a)                                             \
    BINARY(selu_grad_##S, T, T, b < 0 ? a * (b + (T)CK_SELU_SCALE_ALPHA) : a * (T)CK_SELU_SCALE)    \
    BINARY_MATH(softplus_grad_##S, T, CK_LOOP_F64, a / (ck_exp_##S(-b) + 1))                        \
    BINARY(softsign_grad_##S, T, T, a / ((1 + __builtin_elementwise_abs(b)) * (1 + __builtin_elementwise_abs(b)))) \
    BINARY(tanh_grad_##S, T, T, b * (1 - a * a))                                                    \
    BINARY(sigmoid_grad_##S, T, T, b * a * (1 - a))                                                 \
    BINARY(sqrt_grad_##S, T, T, b == 0 ? 0 : (T)0.5 * b / a)                                        \
    BINARY(rsqrt_grad_##S, T, T, b == 0 ? 0 : (T)-0.5 * b * (a * a * a))                            \
    BINARY(reciprocal_grad_##S, T, T, b == 0 ? 0 : -b * (a * a))
EACH_FLOAT(FLOATING)

// The last three with the conjugate of the output.
#define COMPLEX(S, T, PART)                                             \
    BINARY_CALLS(tanh_grad_##S, T, b * (1 - a * a))                     \
    BINARY_CALLS(sigmoid_grad_##S, T, b * a * (1 - a))                  \
    BINARY_CALLS(sqrt_grad_##S, T, b == 0 ? 0 : 0.5 * b / conj(a))      \
    BINARY_CALLS(rsqrt_grad_##S, T, b == 0 ? 0 : -0.5 * b * conj(a * a * a)) \
    BINARY_CALLS(reciprocal_grad_##S, T, b == 0 ? 0 : -b * conj(a * a))
EACH_COMPLEX(COMPLEX)

const ck_binary_fn ck_binary_gradients[CK_BINARY_COUNT][CK_TYPE_COUNT] = {
    [CK_RELU_GRAD] = {FLOATS(relu_grad), SIGNED(relu_grad), UNSIGNED(relu_grad)},
    [CK_RELU6_GRAD] = {FLOATS(relu6_grad), SIGNED(relu6_grad), UNSIGNED(relu6_grad)},
    [CK_ELU_GRAD] = {FLOATS(elu_grad)},
    [CK_SELU_GRAD] = {FLOATS(selu_grad)},
    [CK_SOFTPLUS_GRAD] = {FLOATS(softplus_grad)},
    [CK_SOFTSIGN_GRAD] = {FLOATS(softsign_grad)},
    [CK_TANH_GRAD] = {FLOATS(tanh_grad), COMPLEXES(tanh_grad)},
    [CK_SIGMOID_GRAD] = {FLOATS(sigmoid_grad), COMPLEXES(sigmoid_grad)},
    [CK_SQRT_GRAD] = {FLOATS(sqrt_grad), COMPLEXES(sqrt_grad)},
    [CK_RSQRT_GRAD] = {FLOATS(rsqrt_grad), COMPLEXES(rsqrt_grad)},
    [CK_RECIPROCAL_GRAD] = {FLOATS(reciprocal_grad), COMPLEXES(reciprocal_grad)},
};
