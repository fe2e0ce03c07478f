// What is used of LAPACK, which OpenBLAS has: Fortran's interface, with 32-bit integers. Not part of the module.
#ifndef CKERNELS_LAPACK_H
#define CKERNELS_LAPACK_H

// S: the prefix of real routines, or of complex ones; T: the type of elements; R: that of their real parts.
#define LAPACK_COMMON(S, T, R)                                                                                        \
    void S##getrf_(const int *m, const int *n, T *a, const int *lda, int *pivots, int *info);                         \
    void S##getrs_(const char *trans, const int *n, const int *right, const T *a, const int *lda, const int *pivots,  \
                   T *b, const int *ldb, int *info, long);                                                            \
    void S##potrf_(const char *uplo, const int *n, T *a, const int *lda, int *info, long);                            \
    void S##potrs_(const char *uplo, const int *n, const int *right, const T *a, const int *lda, T *b,                \
                   const int *ldb, int *info, long);                                                                  \
    void S##geqrf_(const int *m, const int *n, T *a, const int *lda, T *tau, T *work, const int *lwork, int *info);   \
    void S##trsm_(const char *side, const char *uplo, const char *trans, const char *diag, const int *m, const int *n,\
                  const T *alpha, const T *a, const int *lda, T *b, const int *ldb, long, long, long, long);          \
    void S##gemm_(const char *transa, const char *transb, const int *m, const int *n, const int *k, const T *alpha,   \
                  const T *a, const int *lda, const T *b, const int *ldb, const T *beta, T *c, const int *ldc, long,  \
                  long);

#define LAPACK_REAL(S, T)                                                                                             \
    LAPACK_COMMON(S, T, T)                                                                                            \
    void S##orgqr_(const int *m, const int *n, const int *k, T *a, const int *lda, const T *tau, T *work,             \
                   const int *lwork, int *info);                                                                      \
    void S##gesvd_(const char *u, const char *v, const int *m, const int *n, T *a, const int *lda, T *s, T *us,       \
                   const int *ldu, T *vt, const int *ldvt, T *work, const int *lwork, int *info, long, long);         \
    void S##syev_(const char *vectors, const char *uplo, const int *n, T *a, const int *lda, T *w, T *work,           \
                  const int *lwork, int *info, long, long);                                                           \
    void S##gelsy_(const int *m, const int *n, const int *right, T *a, const int *lda, T *b, const int *ldb,          \
                   int *pivots, const T *condition, int *rank, T *work, const int *lwork, int *info);

#define LAPACK_COMPLEX(S, T, R)                                                                                       \
    LAPACK_COMMON(S, T, R)                                                                                            \
    void S##ungqr_(const int *m, const int *n, const int *k, T *a, const int *lda, const T *tau, T *work,             \
                   const int *lwork, int *info);                                                                      \
    void S##gesvd_(const char *u, const char *v, const int *m, const int *n, T *a, const int *lda, R *s, T *us,       \
                   const int *ldu, T *vt, const int *ldvt, T *work, const int *lwork, R *reals, int *info, long,      \
                   long);                                                                                             \
    void S##heev_(const char *vectors, const char *uplo, const int *n, T *a, const int *lda, R *w, T *work,           \
                  const int *lwork, R *reals, int *info, long, long);                                                 \
    void S##gelsy_(const int *m, const int *n, const int *right, T *a, const int *lda, T *b, const int *ldb,          \
                   int *pivots, const R *condition, int *rank, T *work, const int *lwork, R *reals, int *info);

LAPACK_REAL(s, float)
LAPACK_REAL(d, double)
LAPACK_COMPLEX(c, float _Complex, float)
LAPACK_COMPLEX(z, double _Complex, double)

#endif
