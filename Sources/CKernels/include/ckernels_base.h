// What all families of kernels share: element types, and how a loop is compiled for several CPUs.
#ifndef CKERNELS_BASE_H
#define CKERNELS_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Element types by the numbers of TensorFlow's DataType; tables are indexed by them.
enum {
    CK_FLOAT32 = 1,
    CK_FLOAT64 = 2,
    CK_INT32 = 3,
    CK_UINT8 = 4,
    CK_INT16 = 5,
    CK_INT8 = 6,
    CK_COMPLEX64 = 8,
    CK_INT64 = 9,
    CK_BOOL = 10,
    CK_QINT8 = 11,
    CK_QUINT8 = 12,
    CK_QINT32 = 13,
    CK_BFLOAT16 = 14,
    CK_QINT16 = 15,
    CK_QUINT16 = 16,
    CK_UINT16 = 17,
    CK_COMPLEX128 = 18,
    CK_FLOAT16 = 19,
    CK_UINT32 = 22,
    CK_UINT64 = 23,
    CK_TYPE_COUNT = 24
};

#endif
