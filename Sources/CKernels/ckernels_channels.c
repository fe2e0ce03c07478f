#include "ckernels_channels.h"
#include "ckernels_compile.h"

#define NORMALIZE(S, T)                                                                                                \
    CK_MULTIVERSION void ck_normalize_##S(const T *x, const T *mean, const T *factor, const T *shift, T *y,            \
                                          ptrdiff_t count, ptrdiff_t period) {                                         \
        for (; count > 0; count -= period, x += period, y += period) {                                                 \
            const ptrdiff_t some = count < period ? count : period;                                                    \
            CK_LOOP for (ptrdiff_t i = 0; i < some; i++) y[i] = (x[i] - mean[i]) * factor[i] + shift[i];               \
        }                                                                                                              \
    }                                                                                                                  \
    CK_MULTIVERSION void ck_normalize_plane_##S(const T *x, T mean, T factor, T shift, T *y, ptrdiff_t count) {        \
        CK_LOOP for (ptrdiff_t i = 0; i < count; i++) y[i] = (x[i] - mean) * factor + shift;                           \
    }

NORMALIZE(f32, float)
NORMALIZE(f64, double)

// FACTOR: of the element with index `at` of z, or the difference. There is a loop for each, because a vector that is loaded
// for no lane, from no memory, takes a hundred times as long.
#define ADD_CHANNELS(FACTOR)                                                    \
    if (inner == 1) {                                                           \
        CK_LOOP for (ptrdiff_t at = first; at < end; at++) {                    \
            const double difference = x[at] - center[at];                       \
            sum[at] += difference;                                              \
            product[at] += difference * (FACTOR);                               \
        }                                                                       \
    } else {                                                                    \
        for (ptrdiff_t c = first; c < end; c++) {                               \
            for (ptrdiff_t at = c * inner; at < (c + 1) * inner; at++) {        \
                const double difference = x[at] - center[c];                    \
                sum[c] += difference;                                           \
                product[c] += difference * (FACTOR);                            \
            }                                                                   \
        }                                                                       \
    }

CK_MULTIVERSION void ck_channel_sums_f32(const float *x, const double *center, const float *z, ptrdiff_t outer,
                                         ptrdiff_t channels, ptrdiff_t inner, ptrdiff_t first, ptrdiff_t end,
                                         double *sum, double *product) {
    for (ptrdiff_t c = first; c < end; c++) sum[c] = product[c] = 0;
    for (; outer > 0; outer--, x += channels * inner) {
        if (z) {
            ADD_CHANNELS(z[at])
            z += channels * inner;
        } else {
            ADD_CHANNELS(difference)
        }
    }
}
