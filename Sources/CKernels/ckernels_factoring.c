#include "ckernels_matrix_types.h"
#include <float.h>

// What routines ask for a row or a column.
enum { BLOCK = 32 };

#define MAKE_QR(S, T, R, ORTHOGONAL)                                                                              \
    static int S##qr(const ck_matrix_task *task, const void *const *in, void *const *out, void *memory) {         \
        char *scratch = memory;                                                                                   \
        const int m = task->rows, n = task->columns, k = m < n ? m : n, inner = task->full ? m : k;               \
        const int wide = inner > n ? inner : n, work_count = BLOCK * (wide > 0 ? wide : 1);                       \
        T *a = piece(&scratch, (size_t)m * (size_t)wide * sizeof(T));                                             \
        T *tau = piece(&scratch, (size_t)k * sizeof(T)), *work = piece(&scratch, (size_t)work_count * sizeof(T)); \
        T *q = out[0], *r = out[1];                                                                               \
        int info = 0;                                                                                             \
        if (m == 0 || inner == 0) return CK_DONE;                                                                 \
        S##turn(in[0], m, n, a);                                                                                  \
        if (n > 0) copenblas.S##geqrf_(&m, &n, a, &m, tau, work, &work_count, &info);                             \
        for (ptrdiff_t i = 0; i < inner; i++)                                                                     \
            for (ptrdiff_t j = 0; j < n; j++) r[i * n + j] = i <= j ? a[j * m + i] : 0;                           \
        ORTHOGONAL(&m, &inner, &k, a, &m, tau, work, &work_count, &info);                                         \
        S##turn(a, inner, m, q);                                                                                  \
        return CK_DONE;                                                                                           \
    }
MAKE_QR(s, float, float, copenblas.sorgqr_)
MAKE_QR(d, double, double, copenblas.dorgqr_)
MAKE_QR(c, complex64, float, copenblas.cungqr_)
MAKE_QR(z, complex128, double, copenblas.zungqr_)

// A row-major matrix is its transpose to LAPACK, whose left vectors are the conjugates of the right ones.
// REALS: what complex routines ask for besides.
#define MAKE_VALUES(S, T, R, CONJ, EIGEN, REALS)                                                                  \
    static bool S##is_finite(const T *x, ptrdiff_t count) {                                                       \
        for (ptrdiff_t i = 0; i < count; i++)                                                                     \
            if (!isfinite(creal((complex128)x[i])) || !isfinite(cimag((complex128)x[i]))) return false;           \
        return true;                                                                                              \
    }                                                                                                             \
    static void S##fill_nan(T *x, ptrdiff_t count) {                                                              \
        for (ptrdiff_t i = 0; i < count; i++) x[i] = (T)NAN;                                                      \
    }                                                                                                             \
    static int S##svd(const ck_matrix_task *task, const void *const *in, void *const *out, void *memory) {        \
        char *scratch = memory;                                                                                   \
        const int m = task->rows, n = task->columns, k = m < n ? m : n, left = task->full ? m : k,                \
                  right = task->full ? n : k, work_count = 16 * (m + n + 1);                                      \
        T *a = piece(&scratch, (size_t)m * (size_t)n * sizeof(T));                                                \
        T *v = piece(&scratch, task->vectors ? (size_t)n * (size_t)right * sizeof(T) : 0);                        \
        T *work = piece(&scratch, (size_t)work_count * sizeof(T)), *values = out[0];                              \
        R *real_values = piece(&scratch, (size_t)k * sizeof(R)), *reals = piece(&scratch, 5 * (size_t)k * sizeof(R)); \
        const char *job = !task->vectors ? "N" : task->full ? "A" : "S";                                          \
        int info = 0;                                                                                             \
        const int ldv = n > 0 ? n : 1, ldu = left > 0 ? left : 1;                                                 \
        (void)reals;                                                                                              \
        if (m == 0 || n == 0) {                                                                                   \
            if (!task->vectors || !task->full) return CK_DONE;                                                    \
            for (ptrdiff_t i = 0; i < (ptrdiff_t)m * m; i++) ((T *)out[1])[i] = i % (m + 1) == 0;                 \
            for (ptrdiff_t i = 0; i < (ptrdiff_t)n * n; i++) ((T *)out[2])[i] = i % (n + 1) == 0;                 \
            return CK_DONE;                                                                                       \
        }                                                                                                         \
        memcpy(a, in[0], (size_t)m * (size_t)n * sizeof(T));                                                      \
        if (S##is_finite(a, (ptrdiff_t)m * n)) {                                                                  \
            copenblas.S##gesvd_(job, job, &n, &m, a, &n, real_values, v, &ldv, task->vectors ? out[1] : v, &ldu, work, \
                      &work_count, REALS & info, 1, 1);                                                           \
        } else {                                                                                                  \
            info = 1;                                                                                             \
        }                                                                                                         \
        if (info != 0) {                                                                                          \
            S##fill_nan(values, k);                                                                               \
            if (!task->vectors) return CK_DONE;                                                                   \
            S##fill_nan(out[1], (ptrdiff_t)m * left);                                                             \
            S##fill_nan(out[2], (ptrdiff_t)n * right);                                                            \
            return CK_DONE;                                                                                       \
        }                                                                                                         \
        for (ptrdiff_t i = 0; i < k; i++) values[i] = real_values[i];                                             \
        if (task->vectors) S##turn_adjoint(v, right, n, out[2]);                                                  \
        return CK_DONE;                                                                                           \
    }                                                                                                             \
    static int S##eigen(const ck_matrix_task *task, const void *const *in, void *const *out, void *memory) {      \
        char *scratch = memory;                                                                                   \
        const int n = task->columns, work_count = (BLOCK + 2) * (n > 0 ? n : 1);                                  \
        T *a = piece(&scratch, (size_t)n * (size_t)n * sizeof(T)), *values = out[0];                              \
        T *work = piece(&scratch, (size_t)work_count * sizeof(T));                                                \
        R *real_values = piece(&scratch, (size_t)n * sizeof(R)), *reals = piece(&scratch, 3 * (size_t)n * sizeof(R)); \
        int info = 0;                                                                                             \
        (void)reals;                                                                                              \
        if (n == 0) return CK_DONE;                                                                               \
        memcpy(a, in[0], (size_t)n * (size_t)n * sizeof(T));                                                      \
        if (!S##is_finite(a, (ptrdiff_t)n * n)) return CK_NOT_CONVERGED;                                          \
        EIGEN(task->vectors ? "V" : "N", "U", &n, a, &n, real_values, work, &work_count, REALS & info, 1, 1);     \
        if (info != 0) return CK_NOT_CONVERGED;                                                                   \
        for (ptrdiff_t i = 0; i < n; i++) values[i] = real_values[i];                                             \
        if (task->vectors) S##turn_adjoint(a, n, n, out[1]);                                                      \
        return CK_DONE;                                                                                           \
    }                                                                                                             \
    static int S##squares(const ck_matrix_task *task, const void *const *in, void *const *out, void *memory) {    \
        char *scratch = memory;                                                                                   \
        const int m = task->rows, n = task->columns, k = m < n ? m : n, wide = m > n ? m : n, right = task->right; \
        const int work_count = 4 * (m + n + right) + BLOCK * (m + n + 1);                                         \
        T *a = piece(&scratch, (size_t)m * (size_t)n * sizeof(T));                                                \
        T *b = piece(&scratch, (size_t)wide * (size_t)right * sizeof(T)), *y = out[0];                            \
        int info = 0;                                                                                             \
        if (n == 0 || right == 0) return CK_DONE;                                                                 \
        if (m == 0) {                                                                                             \
            memset(y, 0, (size_t)n * (size_t)right * sizeof(T));                                                  \
            return CK_DONE;                                                                                       \
        }                                                                                                         \
        S##turn(in[0], m, n, a);                                                                                  \
        const T *given = in[1];                                                                                   \
        if (task->fast) {                                                                                         \
            const T one = 1, none = 0;                                                                            \
            T *square = piece(&scratch, (size_t)k * (size_t)k * sizeof(T));                                       \
            const bool is_tall = m >= n;                                                                          \
            copenblas.S##gemm_(is_tall ? "C" : "N", is_tall ? "N" : "C", &k, &k, &wide, &one, a, &m, a, &m, &none, square, \
                     &k, 1, 1);                                                                                   \
            for (ptrdiff_t i = 0; i < k; i++) square[i * k + i] += (R)task->added;                                \
            copenblas.S##potrf_("L", &k, square, &k, &info, 1);                                                   \
            if (info != 0) return CK_SINGULAR;                                                                    \
            /* The right side as the routine wants it: turned. */                                                 \
            if (is_tall) {                                                                                        \
                copenblas.S##gemm_("C", "T", &n, &right, &m, &one, a, &m, given, &right, &none, b, &n, 1, 1);     \
                copenblas.S##potrs_("L", &n, &right, square, &n, b, &n, &info, 1);                                \
                S##turn(b, right, n, y);                                                                          \
            } else {                                                                                              \
                S##turn(given, m, right, b);                                                                      \
                copenblas.S##potrs_("L", &m, &right, square, &m, b, &m, &info, 1);                                \
                /* y turned is b turned times the conjugate of a. */                                              \
                for (ptrdiff_t i = 0; i < n; i++)                                                                 \
                    for (ptrdiff_t j = 0; j < right; j++) {                                                       \
                        T sum = 0;                                                                                \
                        for (ptrdiff_t l = 0; l < m; l++) sum += CONJ(a[i * m + l]) * b[j * m + l];               \
                        y[i * right + j] = sum;                                                                   \
                    }                                                                                             \
            }                                                                                                     \
            return CK_DONE;                                                                                       \
        }                                                                                                         \
        int *pivots = piece(&scratch, (size_t)n * sizeof *pivots), rank = 0;                                      \
        T *work = piece(&scratch, (size_t)work_count * sizeof(T));                                                \
        R *reals = piece(&scratch, 2 * (size_t)n * sizeof(R));                                                    \
        const R condition = (sizeof(R) == 4 ? FLT_EPSILON : DBL_EPSILON) * (R)k;                                  \
        (void)reals;                                                                                              \
        memset(pivots, 0, (size_t)n * sizeof *pivots);                                                            \
        for (ptrdiff_t r = 0; r < m; r++)                                                                         \
            for (ptrdiff_t j = 0; j < right; j++) b[j * wide + r] = given[r * right + j];                         \
        copenblas.S##gelsy_(&m, &n, &right, a, &m, b, &wide, pivots, &condition, &rank, work, &work_count, REALS & info); \
        for (ptrdiff_t i = 0; i < n; i++)                                                                         \
            for (ptrdiff_t j = 0; j < right; j++) y[i * right + j] = b[j * wide + i];                             \
        return CK_DONE;                                                                                           \
    }

#define NO_REALS
#define THEIR_REALS reals,
MAKE_VALUES(s, float, float, SAME, copenblas.ssyev_, NO_REALS)
MAKE_VALUES(d, double, double, SAME, copenblas.dsyev_, NO_REALS)
MAKE_VALUES(c, complex64, float, conjf, copenblas.cheev_, THEIR_REALS)
MAKE_VALUES(z, complex128, double, conj, copenblas.zheev_, THEIR_REALS)

ck_matrix_fn ck_qr(int type) { return BY_MATRIX_TYPE(qr); }
ck_matrix_fn ck_svd(int type) { return BY_MATRIX_TYPE(svd); }
ck_matrix_fn ck_hermitian_eigen(int type) { return BY_MATRIX_TYPE(eigen); }
ck_matrix_fn ck_least_squares(int type) { return BY_MATRIX_TYPE(squares); }
