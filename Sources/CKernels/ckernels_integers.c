// What is peculiar to integers: division, which may fault, and bits.
#include "ckernels_compile.h"
#include "ckernels_families.h"
#include "ckernels_types.h"

// Vectors have no integer division. Doubles give the exact quotient of integers of up to 32 bits: no fraction is so near to
// a whole number that it would be rounded to it. The least number by -1 wraps around.
#define TRUNC(X) __builtin_elementwise_trunc(X)
#define FLOOR(X) __builtin_elementwise_floor(X)

// `q`: the quotient's low 32 bits.
#define NARROW(NAME, T, ROUND, EXPRESSION)                                                        \
    CK_INLINE T one_##NAME(T a, T b) {                                                             \
        const double quotient = ROUND((double)a / (double)(b == 0 ? 1 : b));                       \
        const uint32_t q = (uint32_t)(int32_t)(quotient > 2147483647.0 ? quotient - 4294967296.0 : quotient); \
        return (T)(EXPRESSION);                                                                    \
    }                                                                                              \
    CK_MULTIVERSION_LIGHT static int NAME(BINARY_PARAMETERS) {                                     \
        int fault = 0;                                                                             \
        const T *divisors = right;                                                                 \
        for (ptrdiff_t i = 0; i < (step_b ? n : n > 0); i++) fault |= divisors[i] == 0;            \
        BINARY_LOOPS(CK_LOOP, T, T, one_##NAME(a, b))                                              \
        return fault;                                                                              \
    }
#define REST ((uint32_t)a - q * (uint32_t)b)
#define NARROW_SIGNED(S, T)                    \
    NARROW(divide_##S, T, TRUNC, q)            \
    NARROW(floor_divide_##S, T, FLOOR, q)      \
    NARROW(floor_mod_##S, T, FLOOR, REST)
#define NARROW_UNSIGNED(S, T)                  \
    NARROW(divide_##S, T, TRUNC, q)            \
    NARROW(floor_mod_##S, T, TRUNC, REST)

NARROW_SIGNED(i8, int8_t)
NARROW_SIGNED(i16, int16_t)
NARROW_SIGNED(i32, int32_t)
NARROW(truncate_mod_i32, int32_t, TRUNC, REST)
NARROW_UNSIGNED(u8, uint8_t)
NARROW_UNSIGNED(u16, uint16_t)
NARROW_UNSIGNED(u32, uint32_t)

CK_INLINE int64_t divided(int64_t a, int64_t b) { return b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b; }
CK_INLINE int64_t rest(int64_t a, int64_t b) { return b == -1 ? 0 : a % b; }
// Towards minus infinity; the rest has the divisor's sign.
CK_INLINE int64_t floored(int64_t a, int64_t b) { return divided(a, b) - (rest(a, b) != 0 && (a < 0) != (b < 0)); }
CK_INLINE int64_t floored_rest(int64_t a, int64_t b) {
    const int64_t r = rest(a, b);
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
BINARY_CALLS(divide_i64, int64_t, b == 0 ? (fault = 1, 0) : divided(a, b))
BINARY_CALLS(floor_divide_i64, int64_t, b == 0 ? (fault = 1, 0) : floored(a, b))
BINARY_CALLS(truncate_mod_i64, int64_t, b == 0 ? (fault = 1, 0) : rest(a, b))
BINARY_CALLS(floor_mod_i64, int64_t, b == 0 ? (fault = 1, 0) : floored_rest(a, b))
BINARY_CALLS(divide_u64, uint64_t, b == 0 ? (fault = 1, 0) : a / b)
BINARY_CALLS(floor_mod_u64, uint64_t, b == 0 ? (fault = 1, 0) : a % b)

CK_INLINE uint64_t power(uint64_t base, uint64_t exponent) {
    uint64_t result = 1;
    for (; exponent; exponent >>= 1, base *= base)
        if (exponent & 1) result *= base;
    return result;
}

#define POWER_SIGNED(S, T) \
    BINARY_CALLS(power_##S, T, b < 0 ? (fault = 1, 0) : (T)power((uint64_t)a, (uint64_t)b))
EACH_SIGNED(POWER_SIGNED)

#define BITS(S, T)                   \
    BINARY(and_##S, T, T, a & b)     \
    BINARY(or_##S, T, T, a | b)      \
    BINARY(xor_##S, T, T, a ^ b)
EACH_UNSIGNED(BITS)

// The distance is held within the width.
#define DISTANCE(T) ((unsigned)(b < 0 ? 0 : b > (T)(sizeof(T) * 8 - 1) ? (T)(sizeof(T) * 8 - 1) : b))
#define SHIFTS(S, T)                                               \
    BINARY(shift_left_##S, T, T, (uint64_t)a << DISTANCE(T))       \
    BINARY(shift_right_##S, T, T, a >> DISTANCE(T))
EACH_SIGNED(SHIFTS)
#undef DISTANCE
#define DISTANCE(T) ((unsigned)(b > sizeof(T) * 8 - 1 ? sizeof(T) * 8 - 1 : b))
EACH_UNSIGNED(SHIFTS)

const ck_binary_fn ck_binary_integers[CK_BINARY_COUNT][CK_TYPE_COUNT] = {
    [CK_DIVIDE] = {SIGNED(divide), UNSIGNED(divide)},
    [CK_TRUNCATE_DIVIDE] = {SIGNED(divide), UNSIGNED(divide)},
    [CK_FLOOR_DIVIDE] =
        {SIGNED(floor_divide), [CK_UINT8] = divide_u8, [CK_UINT16] = divide_u16, [CK_UINT32] = divide_u32,
         [CK_UINT64] = divide_u64},
    [CK_FLOOR_MOD] = {SIGNED(floor_mod), UNSIGNED(floor_mod)},
    [CK_TRUNCATE_MOD] = {[CK_INT32] = truncate_mod_i32, [CK_INT64] = truncate_mod_i64},
    [CK_POWER] = {SIGNED(power)},
    [CK_AND] = {SIGNED_BITS(and), UNSIGNED(and)},
    [CK_OR] = {SIGNED_BITS(or), UNSIGNED(or)},
    [CK_XOR] = {SIGNED_BITS(xor), UNSIGNED(xor)},
    [CK_SHIFT_LEFT] = {SIGNED(shift_left), UNSIGNED(shift_left)},
    [CK_SHIFT_RIGHT] = {SIGNED(shift_right), UNSIGNED(shift_right)},
};
