#include "ckernels_softmax.h"
#include "ckernels_math.h"

enum { LANES = 32, SHORT_ROW = 16, CHUNK = 512 };

// lane[l] = fold of lane[l] and from[l], for whole and then part of the lanes, and of the lanes at last.
#define FOLD(COUNT, T, FROM, EXPRESSION)                  \
    CK_LOOP for (ptrdiff_t l = 0; l < (COUNT); l++) {     \
        const T a = lane[l], b = (FROM)[l];               \
        lane[l] = EXPRESSION;                             \
    }
#define FOLD_ROW(T, FROM, COUNT, EXPRESSION)                                                     \
    ptrdiff_t i = 0;                                                                             \
    for (; i + LANES <= (COUNT); i += LANES) FOLD(LANES, T, (FROM) + i, EXPRESSION)              \
    FOLD((COUNT) - i, T, (FROM) + i, EXPRESSION)                                                 \
    for (int half = LANES / 2; half > 0; half /= 2) FOLD(half, T, lane + half, EXPRESSION)

// The steps of a row: its largest element, e^(x - m), the sum of that, and what the op makes of it.
#define ROWS(S, T, LOOP, BLOCK)                                                                              \
    CK_INLINE T largest_##S(const T *x, ptrdiff_t count) {                                                   \
        T best = -(T)INFINITY;                                                                               \
        if (count < SHORT_ROW) {                                                                             \
            for (ptrdiff_t i = 0; i < count; i++) best = x[i] > best ? x[i] : best;                          \
            return best;                                                                                     \
        }                                                                                                    \
        T lane[LANES];                                                                                       \
        for (int l = 0; l < LANES; l++) lane[l] = best;                                                      \
        FOLD_ROW(T, x, count, b > a ? b : a)                                                                 \
        return lane[0];                                                                                      \
    }                                                                                                        \
    CK_INLINE double sum_##S(const T *x, ptrdiff_t count) {                                                  \
        if (count < SHORT_ROW) {                                                                             \
            T total = 0;                                                                                     \
            for (ptrdiff_t i = 0; i < count; i++) total += x[i];                                             \
            return total;                                                                                    \
        }                                                                                                    \
        T lane[LANES] = {0};                                                                                 \
        FOLD_ROW(T, x, count, a + b)                                                                         \
        return lane[0];                                                                                      \
    }                                                                                                        \
    CK_INLINE void exponentials_##S(const T *x, T largest, T *y, ptrdiff_t count) {                          \
        const ptrdiff_t whole = count - count % BLOCK;                                                       \
        LOOP for (ptrdiff_t i = 0; i < whole; i++) y[i] = ck_exp_##S(x[i] - largest);                        \
        if (whole == count) return;                                                                          \
        T rest[BLOCK] = {0};                                                                                 \
        const size_t bytes = (size_t)(count - whole) * sizeof(T);                                            \
        memcpy(rest, x + whole, bytes);                                                                      \
        LOOP for (int i = 0; i < BLOCK; i++) rest[i] = ck_exp_##S(rest[i] - largest);                        \
        memcpy(y + whole, rest, bytes);                                                                      \
    }                                                                                                        \
    CK_INLINE double sum_of_exponentials_##S(const T *x, T largest, ptrdiff_t count) {                       \
        T chunk[CHUNK];                                                                                      \
        double total = 0;                                                                                    \
        for (ptrdiff_t i = 0; i < count; i += CHUNK) {                                                       \
            const ptrdiff_t size = count - i < CHUNK ? count - i : CHUNK;                                    \
            exponentials_##S(x + i, largest, chunk, size);                                                   \
            total += sum_##S(chunk, size);                                                                   \
        }                                                                                                    \
        return total;                                                                                        \
    }                                                                                                        \
    /* Short rows: as many as a chunk holds are exponentiated in one go. */                                  \
    CK_INLINE void shift_rows_##S(const T *x, T *y, ptrdiff_t rows, ptrdiff_t count) {                       \
        for (ptrdiff_t r = 0; r < rows; r++) {                                                               \
            const T largest = largest_##S(x + r * count, count);                                             \
            for (ptrdiff_t i = r * count; i < (r + 1) * count; i++) y[i] = x[i] - largest;                   \
        }                                                                                                    \
    }                                                                                                        \
    CK_INLINE void softmax_short_##S(const T *x, T *y, ptrdiff_t rows, ptrdiff_t count) {                    \
        shift_rows_##S(x, y, rows, count);                                                                   \
        exponentials_##S(y, 0, y, rows * count);                                                             \
        for (ptrdiff_t r = 0; r < rows; r++) {                                                               \
            const T factor = (T)(1 / sum_##S(y + r * count, count));                                         \
            for (ptrdiff_t i = r * count; i < (r + 1) * count; i++) y[i] *= factor;                          \
        }                                                                                                    \
    }                                                                                                        \
    CK_MULTIVERSION static void softmax_##S(const void *xs, void *ys, ptrdiff_t rows, ptrdiff_t count) {     \
        const T *x = xs;                                                                                     \
        T *y = ys;                                                                                           \
        if (count <= 2 * LANES) {                                                                            \
            const ptrdiff_t some = count > 0 ? 4 * CHUNK / count : 1;                                        \
            for (; rows > 0; rows -= some, x += some * count, y += some * count)                             \
                softmax_short_##S(x, y, rows < some ? rows : some, count);                                   \
            return;                                                                                          \
        }                                                                                                    \
        for (; rows > 0; rows--, x += count, y += count) {                                                   \
            const T largest = largest_##S(x, count);                                                         \
            double sum = 0;                                                                                  \
            for (ptrdiff_t i = 0; i < count; i += CHUNK) {                                                   \
                const ptrdiff_t size = count - i < CHUNK ? count - i : CHUNK;                                \
                exponentials_##S(x + i, largest, y + i, size);                                               \
                sum += sum_##S(y + i, size);                                                                 \
            }                                                                                                \
            const T factor = (T)(1 / sum);                                                                   \
            CK_LOOP for (ptrdiff_t i = 0; i < count; i++) y[i] *= factor;                                    \
        }                                                                                                    \
    }                                                                                                        \
    CK_INLINE void log_softmax_short_##S(const T *x, T *y, ptrdiff_t rows, ptrdiff_t count) {                \
        T powers[4 * CHUNK];                                                                                 \
        shift_rows_##S(x, y, rows, count);                                                                   \
        exponentials_##S(y, 0, powers, rows * count);                                                        \
        for (ptrdiff_t r = 0; r < rows; r++) {                                                               \
            const T logarithm = (T)log(sum_##S(powers + r * count, count));                                  \
            for (ptrdiff_t i = r * count; i < (r + 1) * count; i++) y[i] -= logarithm;                       \
        }                                                                                                    \
    }                                                                                                        \
    CK_MULTIVERSION static void log_softmax_##S(const void *xs, void *ys, ptrdiff_t rows, ptrdiff_t count) { \
        const T *x = xs;                                                                                     \
        T *y = ys;                                                                                           \
        if (count <= 2 * LANES) {                                                                            \
            const ptrdiff_t some = count > 0 ? 4 * CHUNK / count : 1;                                        \
            for (; rows > 0; rows -= some, x += some * count, y += some * count)                             \
                log_softmax_short_##S(x, y, rows < some ? rows : some, count);                               \
            return;                                                                                          \
        }                                                                                                    \
        for (; rows > 0; rows--, x += count, y += count) {                                                   \
            const T largest = largest_##S(x, count);                                                         \
            const T logarithm = (T)log(sum_of_exponentials_##S(x, largest, count));                          \
            CK_LOOP for (ptrdiff_t i = 0; i < count; i++) y[i] = x[i] - largest - logarithm;                  \
        }                                                                                                    \
    }                                                                                                        \
    CK_INLINE T spread_##S(const T *from, ptrdiff_t step, T *row, ptrdiff_t count) {                         \
        for (ptrdiff_t i = 0; i < count; i++) row[i] = from[i * step];                                       \
        return largest_##S(row, count);                                                                      \
    }                                                                                                        \
    CK_MULTIVERSION static void cross_entropy_##S(                                                           \
        ck_matrix logits, ck_matrix labels, void *losses, void *gradients, ptrdiff_t rows, ptrdiff_t count) { \
        T *loss = losses;                                                                                    \
        T *gradient = gradients;                                                                             \
        for (ptrdiff_t r = 0; r < rows; r++, gradient += count) {                                            \
            const T *x = (const T *)logits.elements + r * logits.row_step;                                   \
            const T *label = (const T *)labels.elements + r * labels.row_step;                               \
            /* The gradient's row holds x, then e^(x - m), then the result. */                               \
            const T largest = spread_##S(x, logits.step, gradient, count);                                   \
            exponentials_##S(gradient, largest, gradient, count);                                            \
            const double sum = sum_##S(gradient, count);                                                     \
            const T logarithm = (T)log(sum), factor = (T)(1 / sum);                                          \
            double total = 0;                                                                                \
            for (ptrdiff_t i = 0; i < count; i++) {                                                          \
                const T l = label[i * labels.step];                                                          \
                total += l * (logarithm - (x[i * logits.step] - largest));                                   \
                gradient[i] = gradient[i] * factor - l;                                                      \
            }                                                                                                \
            loss[r] = (T)total;                                                                              \
        }                                                                                                    \
    }

ROWS(f32, float, CK_LOOP_F32, CK_BLOCK_F32)
ROWS(f64, double, CK_LOOP_F64, CK_BLOCK_F64)

#define BY_TYPE(NAME) type == CK_FLOAT32 ? NAME##_f32 : type == CK_FLOAT64 ? NAME##_f64 : NULL

ck_rows_fn ck_softmax_loop(int type) { return BY_TYPE(softmax); }
ck_rows_fn ck_log_softmax_loop(int type) { return BY_TYPE(log_softmax); }
ck_cross_entropy_fn ck_cross_entropy_loop(int type) { return BY_TYPE(cross_entropy); }

CK_MULTIVERSION void ck_add_score_terms_f32(const ck_score_terms *terms, float *x, ptrdiff_t rows, ptrdiff_t count) {
    const float factor = terms->factor, divisor = terms->divisor;
    for (ptrdiff_t r = 0; r < rows; r++, x += count) {
        if (factor != 1) CK_LOOP for (ptrdiff_t i = 0; i < count; i++) x[i] *= factor;
        if (divisor != 1) CK_LOOP for (ptrdiff_t i = 0; i < count; i++) x[i] /= divisor;
        if (!terms->mask) continue;
        const float *mask = terms->mask + r * terms->row_step;
        if (terms->step)
            CK_LOOP for (ptrdiff_t i = 0; i < count; i++) x[i] += mask[i];
        else
            CK_LOOP for (ptrdiff_t i = 0; i < count; i++) x[i] += mask[0];
    }
}
