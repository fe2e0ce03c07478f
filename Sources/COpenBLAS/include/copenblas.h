// What is used of OpenBLAS, which is opened when the first kernel that needs it is made: a program that needs none of it
// starts without 36 MB of library, its constructors and its buffers.
#ifndef COPENBLAS_H
#define COPENBLAS_H

#include <stdbool.h>

typedef enum { CblasRowMajor = 101 } CBLAS_ORDER;
typedef enum { CblasNoTrans = 111, CblasTrans = 112, CblasConjTrans = 113 } CBLAS_TRANSPOSE;

// ROUTINE(name, parameters). S: the prefix of real routines, or of complex ones; T: the type of elements; R: that of their
// real parts; F: how factors are passed. LAPACK has Fortran's interface, with 32-bit integers.
#define COPENBLAS_COMMON(ROUTINE, S, T, F)                                                                             \
    ROUTINE(cblas_##S##gemm,                                                                                           \
            (CBLAS_ORDER order, CBLAS_TRANSPOSE left, CBLAS_TRANSPOSE right, int m, int n, int k, F alpha, const T *a, \
             int lda, const T *b, int ldb, F beta, T *c, int ldc))                                                     \
    ROUTINE(S##getrf_, (const int *m, const int *n, T *a, const int *lda, int *pivots, int *info))                     \
    ROUTINE(S##getrs_, (const char *trans, const int *n, const int *right, const T *a, const int *lda,                 \
                        const int *pivots, T *b, const int *ldb, int *info, long))                                     \
    ROUTINE(S##potrf_, (const char *uplo, const int *n, T *a, const int *lda, int *info, long))                        \
    ROUTINE(S##potrs_, (const char *uplo, const int *n, const int *right, const T *a, const int *lda, T *b,            \
                        const int *ldb, int *info, long))                                                              \
    ROUTINE(S##geqrf_, (const int *m, const int *n, T *a, const int *lda, T *tau, T *work, const int *lwork,           \
                        int *info))                                                                                    \
    ROUTINE(S##trsm_, (const char *side, const char *uplo, const char *trans, const char *diag, const int *m,          \
                       const int *n, const T *alpha, const T *a, const int *lda, T *b, const int *ldb, long, long,     \
                       long, long))                                                                                    \
    ROUTINE(S##gemm_, (const char *transa, const char *transb, const int *m, const int *n, const int *k,               \
                       const T *alpha, const T *a, const int *lda, const T *b, const int *ldb, const T *beta, T *c,    \
                       const int *ldc, long, long))

#define COPENBLAS_REAL(ROUTINE, S, T)                                                                                  \
    COPENBLAS_COMMON(ROUTINE, S, T, T)                                                                                 \
    ROUTINE(cblas_##S##gemv,                                                                                           \
            (CBLAS_ORDER order, CBLAS_TRANSPOSE trans, int m, int n, T alpha, const T *a, int lda, const T *x,         \
             int step, T beta, T *y, int result_step))                                                                 \
    ROUTINE(S##orgqr_, (const int *m, const int *n, const int *k, T *a, const int *lda, const T *tau, T *work,         \
                        const int *lwork, int *info))                                                                  \
    ROUTINE(S##gesvd_, (const char *u, const char *v, const int *m, const int *n, T *a, const int *lda, T *s, T *us,   \
                        const int *ldu, T *vt, const int *ldvt, T *work, const int *lwork, int *info, long, long))     \
    ROUTINE(S##syev_, (const char *vectors, const char *uplo, const int *n, T *a, const int *lda, T *w, T *work,       \
                       const int *lwork, int *info, long, long))                                                       \
    ROUTINE(S##gelsy_, (const int *m, const int *n, const int *right, T *a, const int *lda, T *b, const int *ldb,      \
                        int *pivots, const T *condition, int *rank, T *work, const int *lwork, int *info))

#define COPENBLAS_COMPLEX(ROUTINE, S, T, R)                                                                            \
    COPENBLAS_COMMON(ROUTINE, S, T, const void *)                                                                      \
    ROUTINE(S##ungqr_, (const int *m, const int *n, const int *k, T *a, const int *lda, const T *tau, T *work,         \
                        const int *lwork, int *info))                                                                  \
    ROUTINE(S##gesvd_, (const char *u, const char *v, const int *m, const int *n, T *a, const int *lda, R *s, T *us,   \
                        const int *ldu, T *vt, const int *ldvt, T *work, const int *lwork, R *reals, int *info, long,  \
                        long))                                                                                         \
    ROUTINE(S##heev_, (const char *vectors, const char *uplo, const int *n, T *a, const int *lda, R *w, T *work,       \
                       const int *lwork, R *reals, int *info, long, long))                                             \
    ROUTINE(S##gelsy_, (const int *m, const int *n, const int *right, T *a, const int *lda, T *b, const int *ldb,      \
                        int *pivots, const R *condition, int *rank, T *work, const int *lwork, R *reals, int *info))

// Complex elements are `void` here: their memory is all that is handed on.
#define COPENBLAS_ROUTINES(ROUTINE)             \
    COPENBLAS_REAL(ROUTINE, s, float)           \
    COPENBLAS_REAL(ROUTINE, d, double)          \
    COPENBLAS_COMPLEX(ROUTINE, c, void, float)  \
    COPENBLAS_COMPLEX(ROUTINE, z, void, double)

#define COPENBLAS_MEMBER(NAME, PARAMETERS) void(*NAME) PARAMETERS;
typedef struct {
    COPENBLAS_ROUTINES(COPENBLAS_MEMBER)
} copenblas_routines;
#undef COPENBLAS_MEMBER

// NULL before the library is open.
extern copenblas_routines copenblas;

// Opens the library, once; whether it and all routines are there. Any thread may call it.
bool copenblas_open(void);
// Why the library cannot be used; NULL where it is open, or nobody has opened it.
const char *copenblas_failure(void);
// For which processor the library chose its kernels; NULL where it is not open.
const char *copenblas_core(void);

extern bool copenblas_opened;
// Whether the routines may be called. Costs a load.
static inline bool copenblas_is_open(void) { return __atomic_load_n(&copenblas_opened, __ATOMIC_ACQUIRE); }

// The products of two matrices, and of a matrix and a vector, for Swift.
#define COPENBLAS_PRODUCT(S, T, F)                                                                                     \
    static inline void cblas_##S##gemm(CBLAS_ORDER order, CBLAS_TRANSPOSE left, CBLAS_TRANSPOSE right, int m, int n,   \
                                       int k, F alpha, const T *a, int lda, const T *b, int ldb, F beta, T *c,         \
                                       int ldc) {                                                                      \
        copenblas.cblas_##S##gemm(order, left, right, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);                   \
    }
#define COPENBLAS_VECTOR(S, T)                                                                                         \
    static inline void cblas_##S##gemv(CBLAS_ORDER order, CBLAS_TRANSPOSE trans, int m, int n, T alpha, const T *a,    \
                                       int lda, const T *x, int step, T beta, T *y, int result_step) {                 \
        copenblas.cblas_##S##gemv(order, trans, m, n, alpha, a, lda, x, step, beta, y, result_step);                   \
    }
COPENBLAS_PRODUCT(s, float, float)
COPENBLAS_PRODUCT(d, double, double)
COPENBLAS_PRODUCT(c, void, const void *)
COPENBLAS_PRODUCT(z, void, const void *)
COPENBLAS_VECTOR(s, float)
COPENBLAS_VECTOR(d, double)
#undef COPENBLAS_PRODUCT
#undef COPENBLAS_VECTOR

#endif
