// Optimizers. The formulas are those of tensorflow/core/kernels/training_ops.cc, in its order of operations.
#include "ckernels_training.h"
#include "ckernels_math.h"
#include "ckernels_types.h"

#define ABS(x) __builtin_elementwise_abs(x)
#define SQRT(x) __builtin_elementwise_sqrt(x)
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define SIGN(T, x) ((T)((x) > 0) - (T)((x) < 0))

// A loop that sees the elements as `w` (the trained variable), `s`, `t` and `u` (slots) and `g` (the gradient). What `PREPARE` works out
// of the numbers `h` is the same for all elements. A rule without a slot gets the variable in its place, and does not touch it.
#define RULE(NAME, T, PREPARE, BODY)                                                                             \
    CK_MULTIVERSION static void NAME(                                                                            \
        void *const *variables, const void *gradient, const double *numbers, size_t count) {                     \
        T h[CK_TRAIN_MAX_NUMBERS];                                                                               \
        for (int i = 0; i < CK_TRAIN_MAX_NUMBERS; i++) h[i] = (T)numbers[i];                                     \
        T *const restrict vw = variables[0];                                                                     \
        T *const vs = variables[1], *const vt = variables[2], *const vu = variables[3];                          \
        const T *const vg = gradient;                                                                            \
        (void)vs, (void)vt, (void)vu, (void)h;                                                                   \
        PREPARE;                                                                                                 \
        CK_LOOP for (size_t i = 0; i < count; i++) {                                                             \
            const T g = vg[i];                                                                                   \
            T w = vw[i];                                                                                         \
            BODY;                                                                                                \
            vw[i] = w;                                                                                           \
        }                                                                                                        \
    }

// What a proximal step leaves of `x`: shrunk by `l1`, scaled by `l2`.
#define PROXIMAL(T, x, rate, l1, l2) \
    ((l1) > 0 ? SIGN(T, x) * MAX(ABS(x) - (rate) * (l1), (T)0) / (1 + (l2) * (rate)) : (x) / (1 + (l2) * (rate)))

#define RULES(S, T)                                                                                              \
    RULE(gradient_descent_##S, T, , w -= g * h[0])                                                               \
    RULE(proximal_gradient_descent_##S, T, ,                                                                     \
        const T x = w - g * h[0]; w = PROXIMAL(T, x, h[0], h[1], h[2]))                                          \
    RULE(momentum_##S, T, , const T a = vs[i] * h[1] + g; vs[i] = a; w -= a * h[0])                              \
    RULE(nesterov_momentum_##S, T, ,                                                                             \
        const T a = vs[i] * h[1] + g; vs[i] = a; w -= g * h[0] + a * h[1] * h[0])                                \
    RULE(keras_momentum_##S, T, , const T a = vs[i] * h[1] - g * h[0]; vs[i] = a; w += a)                        \
    RULE(keras_nesterov_momentum_##S, T, ,                                                                       \
        const T a = vs[i] * h[1] - g * h[0]; vs[i] = a; w += a * h[1] - g * h[0])                                \
    RULE(adagrad_##S, T, , const T a = vs[i] + g * g; vs[i] = a; w -= g * h[0] / SQRT(a))                        \
    RULE(adagrad_fixed_##S, T, , w -= g * h[0] / SQRT(vs[i]))                                                    \
    RULE(adagrad_v2_##S, T, , const T a = vs[i] + g * g; vs[i] = a; w -= g * h[0] / (SQRT(a) + h[1]))            \
    RULE(adagrad_v2_fixed_##S, T, , w -= g * h[0] / (SQRT(vs[i]) + h[1]))                                        \
    RULE(proximal_adagrad_##S, T, ,                                                                              \
        const T a = vs[i] + g * g; vs[i] = a; const T rate = h[0] / SQRT(a); const T x = w - g * rate;           \
        w = PROXIMAL(T, x, rate, h[1], h[2]))                                                                    \
    RULE(adagrad_da_##S, T, const T steps = h[3] * h[1]; const T decay = h[2] * h[3] * h[0],                     \
        const T a = vs[i] + g; const T q = vt[i] + g * g; vs[i] = a; vt[i] = q;                                  \
        w = (h[1] > 0 ? h[0] * -SIGN(T, a) * MAX(ABS(a) - steps, (T)0) : h[0] * -a) / (decay + SQRT(q)))         \
    RULE(adadelta_##S, T, const T kept = 1 - h[1],                                                               \
        const T a = vs[i] * h[1] + g * g * kept; vs[i] = a;                                                      \
        const T x = SQRT(vt[i] + h[2]) / SQRT(a + h[2]) * g; w -= x * h[0];                                      \
        vt[i] = vt[i] * h[1] + x * x * kept)                                                                     \
    RULE(adam_##S, T, const T rate = h[2] * SQRT(1 - h[1]) / (1 - h[0]); const T one = 1 - h[3]; const T two = 1 - h[4], \
        const T m = vs[i] + (g - vs[i]) * one; const T v = vt[i] + (g * g - vt[i]) * two; vs[i] = m; vt[i] = v;  \
        w -= m * rate / (SQRT(v) + h[5]))                                                                        \
    RULE(nesterov_adam_##S, T,                                                                                   \
        const T rate = h[2] * SQRT(1 - h[1]) / (1 - h[0]); const T one = 1 - h[3]; const T two = 1 - h[4],       \
        const T m = vs[i] + (g - vs[i]) * one; const T v = vt[i] + (g * g - vt[i]) * two; vs[i] = m; vt[i] = v;  \
        w -= (g * one + h[3] * m) * rate / (SQRT(v) + h[5]))                                                     \
    RULE(amsgrad_##S, T,                                                                                         \
        const T rate = h[2] * SQRT(1 - h[1]) / (1 - h[0]); const T one = 1 - h[3]; const T two = 1 - h[4],       \
        const T m = vs[i] + (g - vs[i]) * one; const T v = vt[i] + (g * g - vt[i]) * two; vs[i] = m; vt[i] = v;  \
        const T x = MAX(vu[i], v); vu[i] = x; w -= m * rate / (SQRT(x) + h[5]))                                  \
    RULE(adamax_##S, T, const T rate = h[1] / (1 - h[0]); const T one = 1 - h[2],                                \
        const T m = vs[i] + (g - vs[i]) * one; const T v = MAX(h[3] * vt[i], ABS(g)); vs[i] = m; vt[i] = v;      \
        w -= rate * (m / (v + h[4])))                                                                            \
    RULE(rmsprop_##S, T, const T kept = 1 - h[1],                                                                \
        const T q = vs[i] + (g * g - vs[i]) * kept; vs[i] = q;                                                   \
        const T m = vt[i] * h[2] + g * h[0] / SQRT(q + h[3]); vt[i] = m; w -= m)                                 \
    RULE(centered_rmsprop_##S, T, const T kept = 1 - h[1],                                                       \
        const T q = vt[i] + (g * g - vt[i]) * kept; const T a = vs[i] + (g - vs[i]) * kept; vt[i] = q; vs[i] = a; \
        const T m = vu[i] * h[2] + g * h[0] / SQRT(q - a * a + h[3]); vu[i] = m; w -= m)                         \
    RULE(add_sign_##S, T, const T kept = 1 - h[3],                                                               \
        const T m = vs[i] * h[3] + g * kept; vs[i] = m; w -= h[0] * (h[1] + h[2] * SIGN(T, g) * SIGN(T, m)) * g)   \
    RULE(power_sign_##S, T, const T kept = 1 - h[3]; const T power = h[1] * h[2],                                \
        const T m = vs[i] * h[3] + g * kept; vs[i] = m;                                                          \
        w -= h[0] * ck_exp_##S(power * SIGN(T, g) * SIGN(T, m)) * g)
EACH_FLOAT(RULES)

// An element of `w`, `s` (the sum of squares) and `t` (the linear slot). `ROOT(x)` is x^-power.
#define FTRL_STEP(T, BY_RATE, ROOT)                                                                              \
    const T g = vg[i], w = vw[i], old = vs[i], new = old + g * g, shrunk = g + 2 * shrinkage * w;                \
    const T new_root = ROOT(new), linear = vt[i] + (BY_RATE ? shrunk * rate : shrunk) - (new_root - ROOT(old)) * scale * w; \
    const T divisor = new_root * scale + 2 * (BY_RATE ? l2 * rate : l2);                                         \
    vw[i] = ABS(linear) > edge ? (edge * SIGN(T, linear) - linear) / divisor : 0;                                \
    vt[i] = linear;                                                                                              \
    vs[i] = new;

// Numbers: rate, l1, l2, shrinkage of l2, power of the rate. `BY_RATE`: the linear slot is multiplied by the rate.
#define FTRL(NAME, S, T, BY_RATE)                                                                                \
    CK_MULTIVERSION static void NAME##_##S(                                                                      \
        void *const *variables, const void *gradient, const double *numbers, size_t count) {                     \
        T *const vw = variables[0], *const vs = variables[1], *const vt = variables[2];                          \
        const T *const vg = gradient;                                                                            \
        const T rate = (T)numbers[0], l1 = (T)numbers[1], l2 = (T)numbers[2], shrinkage = (T)numbers[3];         \
        const T power = (T)numbers[4], edge = BY_RATE ? l1 * rate : l1, scale = BY_RATE ? 1 : 1 / rate;          \
        if (power == (T)-0.5) {                                                                                  \
            CK_LOOP for (size_t i = 0; i < count; i++) { FTRL_STEP(T, BY_RATE, SQRT) }                           \
        } else {                                                                                                 \
            for (size_t i = 0; i < count; i++) { FTRL_STEP(T, BY_RATE, POWER_##S) }                              \
        }                                                                                                        \
    }
#define POWER_f32(x) powf(x, -power)
#define POWER_f64(x) pow(x, -power)
#define FTRLS(S, T) FTRL(ftrl, S, T, 0) FTRL(ftrl_by_rate, S, T, 1)
EACH_FLOAT(FTRLS)

static const ck_train_fn loops[CK_TRAIN_COUNT][CK_TYPE_COUNT] = {
    [CK_TRAIN_GRADIENT_DESCENT] = {FLOATS(gradient_descent)},
    [CK_TRAIN_PROXIMAL_GRADIENT_DESCENT] = {FLOATS(proximal_gradient_descent)},
    [CK_TRAIN_MOMENTUM] = {FLOATS(momentum)},
    [CK_TRAIN_NESTEROV_MOMENTUM] = {FLOATS(nesterov_momentum)},
    [CK_TRAIN_KERAS_MOMENTUM] = {FLOATS(keras_momentum)},
    [CK_TRAIN_KERAS_NESTEROV_MOMENTUM] = {FLOATS(keras_nesterov_momentum)},
    [CK_TRAIN_ADAGRAD] = {FLOATS(adagrad)},
    [CK_TRAIN_ADAGRAD_FIXED] = {FLOATS(adagrad_fixed)},
    [CK_TRAIN_ADAGRAD_V2] = {FLOATS(adagrad_v2)},
    [CK_TRAIN_ADAGRAD_V2_FIXED] = {FLOATS(adagrad_v2_fixed)},
    [CK_TRAIN_PROXIMAL_ADAGRAD] = {FLOATS(proximal_adagrad)},
    [CK_TRAIN_ADAGRAD_DA] = {FLOATS(adagrad_da)},
    [CK_TRAIN_ADADELTA] = {FLOATS(adadelta)},
    [CK_TRAIN_ADAM] = {FLOATS(adam)},
    [CK_TRAIN_NESTEROV_ADAM] = {FLOATS(nesterov_adam)},
    [CK_TRAIN_AMSGRAD] = {FLOATS(amsgrad)},
    [CK_TRAIN_ADAMAX] = {FLOATS(adamax)},
    [CK_TRAIN_RMSPROP] = {FLOATS(rmsprop)},
    [CK_TRAIN_CENTERED_RMSPROP] = {FLOATS(centered_rmsprop)},
    [CK_TRAIN_ADD_SIGN] = {FLOATS(add_sign)},
    [CK_TRAIN_POWER_SIGN] = {FLOATS(power_sign)},
    [CK_TRAIN_FTRL] = {FLOATS(ftrl)},
    [CK_TRAIN_FTRL_BY_RATE] = {FLOATS(ftrl_by_rate)},
};

ck_train_fn ck_train_loop(int rule, int type) {
    if (rule < 0 || rule >= CK_TRAIN_COUNT || type < 0 || type >= CK_TYPE_COUNT) return NULL;
    return loops[rule][type];
}
