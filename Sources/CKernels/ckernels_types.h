// What the tables of loops are made of: formulas for each type, and rows of a table by type.
// Not part of the module: only the kernels' own sources include it.
#ifndef CKERNELS_TYPES_H
#define CKERNELS_TYPES_H

#include "ckernels_base.h"
#include "ckernels_compile.h"
#include <complex.h>

#define EACH_FLOAT(DO) DO(f32, float) DO(f64, double)
#define EACH_SIGNED(DO) DO(i8, int8_t) DO(i16, int16_t) DO(i32, int32_t) DO(i64, int64_t)
#define EACH_UNSIGNED(DO) DO(u8, uint8_t) DO(u16, uint16_t) DO(u32, uint32_t) DO(u64, uint64_t)
#define EACH_COMPLEX(DO) DO(c64, float _Complex, float) DO(c128, double _Complex, double)

#define FLOATS(NAME) [CK_FLOAT32] = NAME##_f32, [CK_FLOAT64] = NAME##_f64
#define COMPLEXES(NAME) [CK_COMPLEX64] = NAME##_c64, [CK_COMPLEX128] = NAME##_c128
#define SIGNED(NAME) [CK_INT8] = NAME##_i8, [CK_INT16] = NAME##_i16, [CK_INT32] = NAME##_i32, [CK_INT64] = NAME##_i64
#define UNSIGNED(NAME) \
    [CK_UINT8] = NAME##_u8, [CK_UINT16] = NAME##_u16, [CK_UINT32] = NAME##_u32, [CK_UINT64] = NAME##_u64
// Signed integers through the unsigned loop of their width.
#define SIGNED_BITS(NAME) \
    [CK_INT8] = NAME##_u8, [CK_INT16] = NAME##_u16, [CK_INT32] = NAME##_u32, [CK_INT64] = NAME##_u64
// Quantised numbers, which only their bits are compared of.
#define QUANTIZED_BITS(NAME)                                                                      \
    [CK_QINT8] = NAME##_u8, [CK_QUINT8] = NAME##_u8, [CK_QINT16] = NAME##_u16, [CK_QUINT16] = NAME##_u16, \
    [CK_QINT32] = NAME##_u32

CK_INLINE double _Complex ck_complex(double real, double imaginary) { return __builtin_complex(real, imaginary); }

#endif
