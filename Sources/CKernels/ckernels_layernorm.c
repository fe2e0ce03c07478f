#include "ckernels_layernorm.h"
#include "ckernels_compile.h"

// Floats are added up in lanes, and the sums of blocks in double precision.
enum { BLOCK = 4096 };

#define ROW_MEAN(NAME, TERM)                                                                        \
    CK_INLINE float NAME(const float *x, float center, ptrdiff_t count) {                           \
        double total = 0;                                                                           \
        for (ptrdiff_t first = 0; first < count; first += BLOCK) {                                  \
            const ptrdiff_t end = count - first < BLOCK ? count : first + BLOCK;                    \
            float sum = 0;                                                                          \
            CK_LOOP_F32 for (ptrdiff_t i = first; i < end; i++) {                                   \
                const float term = x[i] - center;                                                   \
                sum += TERM;                                                                        \
            }                                                                                       \
            total += sum;                                                                           \
        }                                                                                           \
        return (float)(total / (double)count);                                                      \
    }
ROW_MEAN(mean_of, term)
ROW_MEAN(variance_of, term * term)

CK_MULTIVERSION void ck_layer_norm_f32(const float *x, const float *scale, const float *offset, float *y,
                                       ptrdiff_t rows, ptrdiff_t count, ptrdiff_t period, float epsilon) {
    for (; rows > 0; rows--) {
        const float mean = mean_of(x, 0, count);
        const float factor = 1 / __builtin_elementwise_sqrt(variance_of(x, mean, count) + epsilon);
        for (ptrdiff_t first = 0; first < count; first += period, x += period, y += period) {
            if (scale && offset) {
                CK_LOOP for (ptrdiff_t i = 0; i < period; i++) y[i] = (x[i] - mean) * (factor * scale[i]) + offset[i];
            } else if (scale) {
                CK_LOOP for (ptrdiff_t i = 0; i < period; i++) y[i] = (x[i] - mean) * (factor * scale[i]);
            } else if (offset) {
                CK_LOOP for (ptrdiff_t i = 0; i < period; i++) y[i] = (x[i] - mean) * factor + offset[i];
            } else {
                CK_LOOP for (ptrdiff_t i = 0; i < period; i++) y[i] = (x[i] - mean) * factor;
            }
        }
    }
}
