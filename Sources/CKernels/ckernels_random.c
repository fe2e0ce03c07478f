#include "ckernels_philox.h"

// How many blocks a group of truncated numbers has for itself: TensorFlow sets aside 256 words a number.
enum { WORDS_A_NUMBER = 256 };

ck_philox ck_philox_of_seeds(uint64_t seed0, uint64_t seed1) {
    const block4 mixed = philox((ck_philox){0x02461e293ec8f720u, seed1, seed0});
    return (ck_philox){
        .key = mixed.words[0] | (uint64_t)mixed.words[1] << 32, .upper = mixed.words[2] | (uint64_t)mixed.words[3] << 32};
}

// GROUP: how many numbers a block gives; MAKE makes them, of the type N, in `made`. STORE: what becomes of one.
#define FILL(NAME, T, N, GROUP, MAKE, STORE)                                            \
    static void NAME(ck_philox from, void *ys, ptrdiff_t count) {                       \
        T *y = ys;                                                                      \
        for (ptrdiff_t i = 0; i < count; i += GROUP) {                                  \
            const block4 bits = philox(after(from, (uint64_t)(i / GROUP)));             \
            N made[GROUP];                                                              \
            MAKE;                                                                       \
            for (ptrdiff_t j = 0; j < GROUP && i + j < count; j++) y[i + j] = STORE(made[j]); \
        }                                                                               \
    }

#define SAME(x) (x)
#define EACH_WORD(EXPRESSION) for (int j = 0; j < PHILOX_WORDS; j++) { const uint32_t word = bits.words[j]; made[j] = EXPRESSION; }

FILL(uniform_f32, float, float, 4, EACH_WORD(unit_f32(word)), SAME)
FILL(uniform_f64, double, double, 2,
     for (int j = 0; j < 2; j++) made[j] = unit_f64(bits.words[2 * j], bits.words[2 * j + 1]), SAME)
// Exact: as many random bits as the fraction has.
FILL(uniform_f16, uint16_t, float, 4, EACH_WORD((float)(word & 0x3ffu) / 1024), to_f16)
FILL(uniform_bf16, uint16_t, float, 4, EACH_WORD((float)(word & 0x7fu) / 128), to_bf16)

#define NORMALS                                                                     \
    for (int j = 0; j < 4; j += 2) {                                                \
        const pair_f32 pair = normal_f32(bits.words[j], bits.words[j + 1]);         \
        made[j] = pair.first;                                                       \
        made[j + 1] = pair.second;                                                  \
    }
FILL(normal_f32s, float, float, 4, NORMALS, SAME)
FILL(normal_f64s, double, double, 2,
     const pair_f64 pair = normal_f64(bits.words); made[0] = pair.first; made[1] = pair.second, SAME)
FILL(normal_f16s, uint16_t, float, 4, NORMALS, to_f16)
FILL(normal_bf16s, uint16_t, float, 4, NORMALS, to_bf16)

// Pairs are drawn until the group is full; each group begins at a place of its own.
#define TRUNCATED(NAME, T, N, GROUP, DRAW, STORE)                                                              \
    static void NAME(ck_philox from, void *ys, ptrdiff_t count) {                                              \
        T *y = ys;                                                                                             \
        const uint64_t step = GROUP * WORDS_A_NUMBER / PHILOX_WORDS;                                           \
        for (ptrdiff_t i = 0; i < count; i += GROUP) {                                                         \
            word_stream stream = words_from(after(from, (uint64_t)(i / GROUP) * step));                        \
            const ptrdiff_t end = i + GROUP < count ? i + GROUP : count;                                       \
            for (ptrdiff_t at = i; at < end;) {                                                                \
                DRAW;                                                                                          \
                if (-2 < pair.first && pair.first < 2) y[at++] = STORE(pair.first);                            \
                if (at < end && -2 < pair.second && pair.second < 2) y[at++] = STORE(pair.second);             \
            }                                                                                                  \
        }                                                                                                      \
    }

#define DRAW_F32 const uint32_t x0 = next_word(&stream), x1 = next_word(&stream); const pair_f32 pair = normal_f32(x0, x1)
#define DRAW_F64                                                  \
    uint32_t x[4];                                                \
    for (int j = 0; j < 4; j++) x[j] = next_word(&stream);        \
    const pair_f64 pair = normal_f64(x)
TRUNCATED(truncated_f32, float, float, 4, DRAW_F32, SAME)
TRUNCATED(truncated_f64, double, double, 2, DRAW_F64, SAME)
TRUNCATED(truncated_f16, uint16_t, float, 4, DRAW_F32, to_f16)
TRUNCATED(truncated_bf16, uint16_t, float, 4, DRAW_F32, to_bf16)

#define BY_TYPE(F32, F64, F16, BF16) \
    type == CK_FLOAT32 ? F32 : type == CK_FLOAT64 ? F64 : type == CK_FLOAT16 ? F16 : type == CK_BFLOAT16 ? BF16 : NULL

ck_random_fn ck_uniform_loop(int type) { return BY_TYPE(uniform_f32, uniform_f64, uniform_f16, uniform_bf16); }
ck_random_fn ck_normal_loop(int type) { return BY_TYPE(normal_f32s, normal_f64s, normal_f16s, normal_bf16s); }
ck_random_fn ck_truncated_normal_loop(int type) {
    return BY_TYPE(truncated_f32, truncated_f64, truncated_f16, truncated_bf16);
}

void ck_uniform_int32(ck_philox from, uint32_t low, uint32_t range, uint32_t *y, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += 4) {
        const block4 bits = philox(after(from, (uint64_t)i / 4));
        for (ptrdiff_t j = 0; j < 4 && i + j < count; j++)
            y[i + j] = low + (range == 0 ? bits.words[j] : bits.words[j] % range);
    }
}

void ck_uniform_int64(ck_philox from, uint64_t low, uint64_t range, uint64_t *y, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += 2) {
        const block4 bits = philox(after(from, (uint64_t)i / 2));
        for (ptrdiff_t j = 0; j < 2 && i + j < count; j++) {
            const uint64_t word = bits.words[2 * j] | (uint64_t)bits.words[2 * j + 1] << 32;
            y[i + j] = low + (range == 0 ? word : word % range);
        }
    }
}
