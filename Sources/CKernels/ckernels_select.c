#include "ckernels_compile.h"
#include "ckernels_elementwise.h"

typedef struct { uint64_t parts[2]; } wide;

#define SELECT(NAME, T)                                                                                          \
    static void NAME(const uint8_t *condition, const void *left, const void *right, void *ys, ptrdiff_t n) { \
        const T *a = left, *b = right;                                                                           \
        T *y = ys;                                                                                               \
        CK_LOOP for (ptrdiff_t i = 0; i < n; i++) { const T p = a[i], q = b[i]; y[i] = condition[i] ? p : q; }   \
    }
SELECT(select_1, uint8_t)
SELECT(select_2, uint16_t)
SELECT(select_4, uint32_t)
SELECT(select_8, uint64_t)
SELECT(select_16, wide)

ck_select_fn ck_select_loop(int width) {
    switch (width) {
    case 1: return select_1;
    case 2: return select_2;
    case 4: return select_4;
    case 8: return select_8;
    case 16: return select_16;
    default: return NULL;
    }
}
