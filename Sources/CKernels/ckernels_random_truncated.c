// Normally distributed numbers between bounds. Robert: Simulation of truncated normal variables (1995), with TensorFlow's
// choice among the ways of proposing a number.
#include "ckernels_philox.h"

enum { MAX_TRIES = 1000 };

// As many numbers as a block gives.
typedef struct { float x[4]; } group_f32;
typedef struct { double x[2]; } group_f64;

static group_f32 uniforms_f32(ck_philox *at) {
    const block4 bits = philox(*at);
    *at = after(*at, 1);
    group_f32 group;
    for (int j = 0; j < 4; j++) group.x[j] = unit_f32(bits.words[j]);
    return group;
}

static group_f32 normals_f32(ck_philox *at) {
    const block4 bits = philox(*at);
    *at = after(*at, 1);
    const pair_f32 low = normal_f32(bits.words[0], bits.words[1]), high = normal_f32(bits.words[2], bits.words[3]);
    return (group_f32){{low.first, low.second, high.first, high.second}};
}

static group_f64 uniforms_f64(ck_philox *at) {
    const block4 bits = philox(*at);
    *at = after(*at, 1);
    return (group_f64){{unit_f64(bits.words[0], bits.words[1]), unit_f64(bits.words[2], bits.words[3])}};
}

static group_f64 normals_f64(ck_philox *at) {
    const block4 bits = philox(*at);
    *at = after(*at, 1);
    const pair_f64 pair = normal_f64(bits.words);
    return (group_f64){{pair.first, pair.second}};
}

// Writes `count` numbers of one batch and moves the place on; false where the bounds are none, or accept nothing.
#define TRUNCATED(S, T, GROUP, EXP, LOG, SQRT)                                                                \
    static bool normals_between_##S(ck_philox *at, T mean, T deviation, T least, T most, T *y, ptrdiff_t count) { \
        if (!(deviation > 0 && least < most && (isfinite(least) || isfinite(most)))) return false;           \
        if ((isinf(least) && least < 0) || most < mean) {                                                     \
            const T kept = least;                                                                             \
            least = most;                                                                                     \
            most = kept;                                                                                      \
            deviation = -deviation;                                                                           \
        }                                                                                                     \
        const T low = (least - mean) / deviation, high = (most - mean) / deviation, width = high - low;       \
        const T root = SQRT(low * low + 4);                                                                   \
        const T cutoff = 2 * EXP((T)0.5 + low * (low - root) / 4) / (low + root);                             \
        const bool is_wide = (low < (T)-1.3 && high >= 0) || (high > (T)1.3 && low <= 0);                     \
        const T top = low < 0 ? 0 : low * low, alpha = (low + root) / 2;                                      \
        int tries = 0;                                                                                        \
        for (ptrdiff_t done = 0; done < count;) {                                                             \
            group_##S from, second;                                                                           \
            if (is_wide) {                                                                                    \
                from = normals_##S(at);                                                                       \
            } else {                                                                                          \
                from = uniforms_##S(at);                                                                      \
                if (width < cutoff) second = uniforms_##S(at);                                                \
            }                                                                                                 \
            for (int i = 0; i < GROUP && done < count; i++) {                                                 \
                T z;                                                                                          \
                bool accepts;                                                                                 \
                if (is_wide) {                                                                                \
                    z = from.x[i];                                                                            \
                    accepts = z >= low && z <= high;                                                          \
                } else if (width < cutoff) {                                                                  \
                    z = from.x[i] * width + low;                                                              \
                    accepts = second.x[i] <= EXP((top - z * z) / 2);                                          \
                } else {                                                                                      \
                    z = -LOG(from.x[i++]) / alpha + low;                                                      \
                    const T x = low < alpha ? alpha - z : low - alpha;                                        \
                    accepts = from.x[i] <= EXP(-x * x / 2) && z < high;                                       \
                }                                                                                             \
                if (accepts) {                                                                                \
                    y[done++] = z * deviation + mean;                                                         \
                    tries = 0;                                                                                \
                } else if (++tries >= MAX_TRIES) {                                                           \
                    return false;                                                                             \
                }                                                                                             \
            }                                                                                                 \
        }                                                                                                     \
        return true;                                                                                          \
    }                                                                                                         \
    static bool truncated_##S(ck_philox from, const ck_truncation *of, void *ys) {                            \
        T *y = ys;                                                                                            \
        const T *means = of->means, *deviations = of->deviations, *least = of->least, *most = of->most;       \
        for (ptrdiff_t b = 0, i = 0; i < of->count; b++, i += of->batch) {                                    \
            const ptrdiff_t left = of->count - i, count = left < of->batch ? left : of->batch;                \
            if (!normals_between_##S(                                                                         \
                    &from, means[b * of->mean_step], deviations[b * of->deviation_step],                      \
                    least[b * of->min_step], most[b * of->max_step], y + i, count))                        \
                return false;                                                                                 \
        }                                                                                                     \
        return true;                                                                                          \
    }

TRUNCATED(f32, float, 4, expf, logf, sqrtf)
TRUNCATED(f64, double, 2, exp, log, sqrt)

ck_truncated_fn ck_bounded_normal_loop(int type) {
    return type == CK_FLOAT32 ? truncated_f32 : type == CK_FLOAT64 ? truncated_f64 : NULL;
}
