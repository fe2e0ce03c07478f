#include "ckernels_matrix_types.h"

ptrdiff_t ck_matrix_scratch(const ck_matrix_task *task, int type) {
    const ptrdiff_t m = task->rows, n = task->columns, long_side = m > n ? m : n;
    const ptrdiff_t width = type == CK_FLOAT32 ? 4 : type == CK_COMPLEX128 ? 16 : 8;
    ptrdiff_t total, more, bytes;
    if (__builtin_mul_overflow(m, 2 * n, &total) || __builtin_mul_overflow(long_side, task->right, &more)) return -1;
    if (__builtin_add_overflow(total, more, &total)) return -1;
    if (task->full && (__builtin_mul_overflow(long_side, long_side, &more) || __builtin_add_overflow(total, more, &total)))
        return -1;
    // Vectors, pivots and what the routines ask for themselves.
    if (__builtin_add_overflow(total, 80 * (m + n + task->right + 8), &total)) return -1;
    return __builtin_mul_overflow(total, width, &bytes) ? -1 : bytes;
}

// The factors of a column-major copy; false for a pivot of zero.
#define MAKE_REAL_PIVOTS(S, T)                                                       \
    CK_INLINE void S##eliminate(int n, T *a, int *pivots) {                          \
        int info = 0;                                                                \
        if (n > 0) copenblas.S##getrf_(&n, &n, a, &n, pivots, &info);                \
    }
MAKE_REAL_PIVOTS(s, float)
MAKE_REAL_PIVOTS(d, double)

// LAPACK takes the sum of the parts as a complex number's size when it looks for a pivot, TensorFlow the absolute value.
#define MAKE_COMPLEX_PIVOTS(S, T, R, ABS)                                            \
    static void S##eliminate(int n, T *a, int *pivots) {                             \
        for (ptrdiff_t k = 0; k < n; k++) {                                          \
            T *column = a + k * n;                                                   \
            ptrdiff_t best = k;                                                      \
            for (ptrdiff_t i = k + 1; i < n; i++)                                    \
                if (ABS(column[i]) > ABS(column[best])) best = i;                    \
            pivots[k] = (int)best + 1;                                               \
            for (ptrdiff_t j = 0; best != k && j < n; j++) {                         \
                const T kept = a[j * n + k];                                         \
                a[j * n + k] = a[j * n + best];                                      \
                a[j * n + best] = kept;                                              \
            }                                                                        \
            if (column[k] == 0) continue;                                            \
            for (ptrdiff_t i = k + 1; i < n; i++) column[i] /= column[k];            \
            for (ptrdiff_t j = k + 1; j < n; j++) {                                  \
                const T factor = a[j * n + k];                                       \
                for (ptrdiff_t i = k + 1; i < n; i++) a[j * n + i] -= column[i] * factor; \
            }                                                                        \
        }                                                                            \
    }
MAKE_COMPLEX_PIVOTS(c, complex64, float, cabsf)
MAKE_COMPLEX_PIVOTS(z, complex128, double, cabs)

#define MAKE_FACTORS(S, T, R, CONJ, ABS)                                                                          \
    static bool S##factor(const ck_matrix_task *task, const T *x, T *a, int *pivots) {                            \
        const int n = task->columns;                                                                              \
        S##turn(x, n, n, a);                                                                                      \
        S##eliminate(n, a, pivots);                                                                               \
        for (ptrdiff_t i = 0; i < n; i++)                                                                         \
            if (!(ABS(a[i * n + i]) > 0)) return false;                                                           \
        return true;                                                                                              \
    }                                                                                                             \
    static int S##inverse(const ck_matrix_task *task, const void *const *in, void *const *out, void *memory) {    \
        char *scratch = memory;                                                                                   \
        const int n = task->columns;                                                                              \
        const size_t bytes = (size_t)n * (size_t)n * sizeof(T);                                                   \
        T *a = piece(&scratch, bytes), *b = piece(&scratch, bytes);                                               \
        int *pivots = piece(&scratch, (size_t)n * sizeof *pivots), info = 0;                                      \
        if (n == 0) return CK_DONE;                                                                               \
        if (!S##factor(task, in[0], a, pivots)) return CK_SINGULAR;                                               \
        memset(b, 0, bytes);                                                                                      \
        for (ptrdiff_t i = 0; i < n; i++) b[i * n + i] = 1;                                                       \
        copenblas.S##getrs_(task->adjoint ? "C" : "N", &n, &n, a, &n, pivots, b, &n, &info, 1);                   \
        S##turn(b, n, n, out[0]);                                                                                 \
        return CK_DONE;                                                                                           \
    }                                                                                                             \
    static int S##solve(const ck_matrix_task *task, const void *const *in, void *const *out, void *memory) {      \
        char *scratch = memory;                                                                                   \
        const int n = task->columns;                                                                              \
        T *a = piece(&scratch, (size_t)n * (size_t)n * sizeof(T));                                                \
        T *b = piece(&scratch, (size_t)n * (size_t)task->right * sizeof(T));                                      \
        int *pivots = piece(&scratch, (size_t)n * sizeof *pivots), info = 0;                                      \
        if (n == 0 || task->right == 0) return CK_DONE;                                                           \
        if (!S##factor(task, in[0], a, pivots)) return CK_SINGULAR;                                               \
        S##turn(in[1], n, task->right, b);                                                                        \
        copenblas.S##getrs_(task->adjoint ? "C" : "N", &n, &task->right, a, &n, pivots, b, &n, &info, 1);         \
        S##turn(b, task->right, n, out[0]);                                                                       \
        return CK_DONE;                                                                                           \
    }                                                                                                             \
    static void S##sign_and_log(const ck_matrix_task *task, const void *x, void *memory, T *sign, double *log_) { \
        char *scratch = memory;                                                                                   \
        const int n = task->columns;                                                                              \
        T *a = piece(&scratch, (size_t)n * (size_t)n * sizeof(T));                                                \
        int *pivots = piece(&scratch, (size_t)n * sizeof *pivots);                                                \
        *sign = 1;                                                                                                \
        *log_ = 0;                                                                                                \
        S##factor(task, x, a, pivots);                                                                            \
        for (ptrdiff_t i = 0; i < n; i++) {                                                                       \
            const T pivot = a[i * n + i];                                                                         \
            const R size = ABS(pivot);                                                                            \
            *sign *= (pivots[i] == i + 1 ? 1 : -1) * (size == 0 ? pivot : pivot / size);                          \
            *log_ += log((double)size);                                                                           \
        }                                                                                                         \
    }                                                                                                             \
    static int S##log_det(const ck_matrix_task *task, const void *const *in, void *const *out, void *memory) {    \
        double log_;                                                                                              \
        S##sign_and_log(task, in[0], memory, out[0], &log_);                                                      \
        *(T *)out[1] = (T)log_;                                                                                   \
        return CK_DONE;                                                                                           \
    }                                                                                                             \
    static int S##det(const ck_matrix_task *task, const void *const *in, void *const *out, void *memory) {        \
        double log_;                                                                                              \
        T sign;                                                                                                   \
        S##sign_and_log(task, in[0], memory, &sign, &log_);                                                       \
        *(T *)out[0] = sign * (R)exp(log_);                                                                       \
        return CK_DONE;                                                                                           \
    }                                                                                                             \
    static int S##triangular(const ck_matrix_task *task, const void *const *in, void *const *out, void *memory) { \
        const int n = task->columns;                                                                              \
        const T one = 1, *a = in[0];                                                                              \
        (void)memory;                                                                                             \
        if (n == 0 || task->right == 0) return CK_DONE;                                                           \
        memmove(out[0], in[1], (size_t)n * (size_t)task->right * sizeof(T));                                      \
        /* Row-major matrices are the columns' transposes: x a = b with both sides turned. */                     \
        copenblas.S##trsm_("R", task->lower ? "U" : "L", task->adjoint ? "C" : "N", "N", &task->right, &n, &one, a, &n, \
                 out[0], &task->right, 1, 1, 1, 1);                                                               \
        return CK_DONE;                                                                                           \
    }                                                                                                             \
    static int S##cholesky(const ck_matrix_task *task, const void *const *in, void *const *out, void *memory) {   \
        const int n = task->columns;                                                                              \
        T *y = out[0];                                                                                            \
        int info = 0;                                                                                             \
        (void)memory;                                                                                             \
        if (n == 0) return CK_DONE;                                                                               \
        memmove(y, in[0], (size_t)n * (size_t)n * sizeof(T));                                                     \
        copenblas.S##potrf_("U", &n, y, &n, &info, 1);                                                            \
        for (ptrdiff_t r = 0; r < n; r++)                                                                         \
            for (ptrdiff_t c = 0; c < n; c++)                                                                     \
                if (c > r || info != 0) y[r * n + c] = c > r ? 0 : (T)NAN;                                        \
        return CK_DONE;                                                                                           \
    }                                                                                                             \
    static int S##lu(const ck_matrix_task *task, const void *const *in, void *const *out, void *memory) {         \
        char *scratch = memory;                                                                                   \
        const int n = task->columns;                                                                              \
        T *a = piece(&scratch, (size_t)n * (size_t)n * sizeof(T));                                                \
        int *pivots = piece(&scratch, (size_t)n * sizeof *pivots), *order = piece(&scratch, (size_t)n * sizeof *order); \
        if (n == 0) return CK_DONE;                                                                               \
        if (!S##factor(task, in[0], a, pivots)) return CK_SINGULAR;                                               \
        S##turn(a, n, n, out[0]);                                                                                 \
        for (int i = 0; i < n; i++) order[i] = i;                                                                 \
        for (int i = 0; i < n; i++) {                                                                             \
            const int other = pivots[i] - 1, kept = order[i];                                                     \
            order[i] = order[other];                                                                              \
            order[other] = kept;                                                                                  \
        }                                                                                                         \
        for (int i = 0; i < n; i++) {                                                                             \
            if (task->index_type == CK_INT32) ((int32_t *)out[1])[i] = order[i];                                  \
            else ((int64_t *)out[1])[i] = order[i];                                                               \
        }                                                                                                         \
        return CK_DONE;                                                                                           \
    }
FOR_MATRIX_TYPES(MAKE_FACTORS)

ck_matrix_fn ck_matrix_inverse(int type) { return BY_MATRIX_TYPE(inverse); }
ck_matrix_fn ck_log_determinant(int type) { return BY_MATRIX_TYPE(log_det); }
ck_matrix_fn ck_determinant(int type) { return BY_MATRIX_TYPE(det); }
ck_matrix_fn ck_matrix_solve(int type) { return BY_MATRIX_TYPE(solve); }
ck_matrix_fn ck_triangular_solve(int type) { return BY_MATRIX_TYPE(triangular); }
ck_matrix_fn ck_cholesky(int type) { return BY_MATRIX_TYPE(cholesky); }
ck_matrix_fn ck_lu(int type) { return BY_MATRIX_TYPE(lu); }
