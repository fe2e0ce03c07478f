// The kernel of products with panels, compiled once for each level. A file defines PANELS_TARGET and PANELS_VECTORS, the number of vectors
// of CK_LANES floats in a panel, and makes the tiles that it needs: so many rows of the result, so many vectors of columns.
#include <string.h>

#include "../ckernels_compile.h"
#include "panels_levels.h"

#pragma clang fp contract(fast)
// Vectors are passed to functions that are always inlined alone.
#pragma clang diagnostic ignored "-Wpsabi"

typedef float lanes __attribute__((ext_vector_type(16), aligned(4), may_alias));
typedef int32_t lane_bits __attribute__((ext_vector_type(16)));
typedef uint32_t lane_words __attribute__((ext_vector_type(16), aligned(4), may_alias));

// The most vectors of a panel. Arrays of them have this size whatever the tile, so that they stay in registers.
enum { MOST_VECTORS = 4 };

CK_INLINE lanes choose(lane_bits condition, lanes yes, lanes no) {
    return (lanes)((condition & (lane_bits)yes) | (~condition & (lane_bits)no));
}

CK_INLINE lanes finish_as(const ck_finish finish, const ck_panel_product *product, lanes sum) {
    const lanes zero = 0, six = 6;
    switch (finish) {
        case CK_FINISH_RELU: return choose(sum < zero, zero, sum);
        case CK_FINISH_RELU_NUMBER: return choose(sum > zero, sum, zero);
        case CK_FINISH_RELU6: return choose(sum < zero, zero, choose(sum > six, six, sum));
        case CK_FINISH_RELU6_NUMBER: return choose(sum > zero, choose(sum < six, sum, six), zero);
        case CK_FINISH_LEAKY_RELU: return choose(sum > zero, sum, sum * product->alpha);
        default: return sum;
    }
}

CK_INLINE lanes finished(const ck_panel_product *product, lanes sum) { return finish_as(product->finish, product, sum); }

// Applies the finish, which is a constant wherever this is inlined.
CK_INLINE void finish_tile(const int rows, const int vectors, const ck_finish finish, const ck_panel_product *product,
                           lanes (*sums)[MOST_VECTORS]) {
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) sums[r][v] = finish_as(finish, product, sums[r][v]);
}

// Finishes a tile of whole vectors, and writes it. What is done is asked once, not for each vector.
CK_INLINE void write_tile(const int rows, const int vectors, const ck_panel_product *product, const float *bias, const float *residual,
                          float *output, lanes (*sums)[MOST_VECTORS]) {
    const ptrdiff_t stride = product->output_stride;
    if (bias) {
        lanes values[MOST_VECTORS];
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) values[v] = *(const lanes *)(bias + v * CK_LANES);
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) sums[r][v] += values[v];
    }
    if (residual) {
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) sums[r][v] += *(const lanes *)(residual + r * stride + v * CK_LANES);
    }
    switch (product->finish) {
        case CK_FINISH_NONE:
        case CK_FINISH_FUNCTION: break;
        case CK_FINISH_RELU: finish_tile(rows, vectors, CK_FINISH_RELU, product, sums); break;
        case CK_FINISH_RELU_NUMBER: finish_tile(rows, vectors, CK_FINISH_RELU_NUMBER, product, sums); break;
        case CK_FINISH_RELU6: finish_tile(rows, vectors, CK_FINISH_RELU6, product, sums); break;
        case CK_FINISH_RELU6_NUMBER: finish_tile(rows, vectors, CK_FINISH_RELU6_NUMBER, product, sums); break;
        case CK_FINISH_LEAKY_RELU: finish_tile(rows, vectors, CK_FINISH_LEAKY_RELU, product, sums); break;
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) *(lanes *)(output + r * stride + v * CK_LANES) = sums[r][v];
}

// Adds the products of a factor of each row with weights of one row of the matrix.
CK_INLINE void add_products(const int rows, const int vectors, const float *const *pointers, int64_t level, const lanes *weights,
                            lanes (*sums)[MOST_VECTORS]) {
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
        const lanes factor = pointers[r][level];
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) sums[r][v] += factor * weights[v];
    }
}

// Adds the products of all factors of a tap with a panel of floats. For each level of the depth, so many vectors from `ahead` on are fetched
// into the second cache.
CK_INLINE void add_floats(const int rows, const int vectors, const int fetches, const float *const *pointers, int64_t depth,
                          const float *panel, const float *ahead, lanes (*sums)[MOST_VECTORS]) {
#pragma clang loop unroll(disable)
    for (int64_t level = 0; level < depth; level++, panel += vectors * CK_LANES, ahead += fetches * CK_LANES) {
        lanes weights[MOST_VECTORS];
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) weights[v] = *(const lanes *)(panel + v * CK_LANES);
        add_products(rows, vectors, pointers, level, weights, sums);
#pragma clang loop unroll(full)
        for (int v = 0; v < fetches; v++) __builtin_prefetch(ahead + v * CK_LANES, 0, 2);
    }
}

// The same with a panel of pairs of bfloat16, whose rows are `step` words apart.
CK_INLINE void add_pairs(const int rows, const int vectors, const float *const *pointers, int64_t depth, const float *panel, ptrdiff_t step,
                         lanes (*sums)[MOST_VECTORS]) {
    lanes weights[MOST_VECTORS];
    int64_t level = 0;
#pragma clang loop unroll(disable)
    for (; level + 1 < depth; level += 2, panel += step) {
        lane_words pairs[MOST_VECTORS];
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) {
            pairs[v] = *(const lane_words *)(panel + v * CK_LANES);
            weights[v] = (lanes)(pairs[v] << 16);
        }
        add_products(rows, vectors, pointers, level, weights, sums);
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) weights[v] = (lanes)(pairs[v] & 0xffff0000u);
        add_products(rows, vectors, pointers, level + 1, weights, sums);
    }
    if (level < depth) {
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) weights[v] = (lanes)(*(const lane_words *)(panel + v * CK_LANES) << 16);
        add_products(rows, vectors, pointers, level, weights, sums);
    }
}

// A part of the depth of a product: whole taps, or some levels of one tap.
typedef struct {
    int64_t tap, taps, level, levels;
    // Whether it is the first one, and the last one.
    bool begins, ends;
} depth_part;

// Loads the sums that an earlier part of the depth left, or leaves them.
CK_INLINE void carry(const int rows, const int vectors, const bool load, float *carried, lanes (*sums)[MOST_VECTORS]) {
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) {
            lanes *place = (lanes *)(carried + (r * vectors + v) * CK_LANES);
            if (load) {
                sums[r][v] = *place;
            } else {
                *place = sums[r][v];
            }
        }
}

// Rows, vectors, fetches and whether the panel holds pairs are constants wherever this is inlined. `panel` is where the part begins.
CK_INLINE void tile(const int rows, const int vectors, const bool pairs, const int fetches, const ck_panel_product *product,
                    const depth_part *part, const float *const *sources, ptrdiff_t source_stride, const float *panel, ptrdiff_t step,
                    const float *ahead, float *carried, int64_t row, int64_t column) {
    lanes sums[rows][MOST_VECTORS];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) sums[r][v] = 0;
    if (!part->begins) carry(rows, vectors, true, carried, sums);
    const int64_t levels = part->levels;
    sources += part->tap * source_stride;
    for (int64_t tap = 0; tap < part->taps; tap++, sources += source_stride) {
        const float *pointers[rows];
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) pointers[r] = sources[r] + part->level;
        if (pairs) {
            add_pairs(rows, vectors, pointers, levels, panel, step, sums);
            panel += levels / 2 * step;
        } else {
            add_floats(rows, vectors, fetches, pointers, levels, panel, ahead, sums);
            panel += levels * vectors * CK_LANES;
            ahead += levels * fetches * CK_LANES;
        }
    }
    if (!part->ends) {
        carry(rows, vectors, false, carried, sums);
        return;
    }
    const int64_t width = product->columns - column;
    float *output = product->output + row * product->output_stride + column;
    const float *residual = product->residual ? product->residual + row * product->output_stride + column : NULL;
    const float *bias = product->bias ? product->bias + column : NULL;
    if (width >= vectors * CK_LANES) {
        write_tile(rows, vectors, product, bias, residual, output, sums);
    } else {
        // Sums are in registers: their numbers must be constants here too.
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) {
                const int64_t left = width - v * CK_LANES;
                const size_t bytes = (size_t)(left < CK_LANES ? left : CK_LANES) * sizeof(float);
                lanes sum = sums[r][v], part = 0;
                if (bias) {
                    memcpy(&part, bias + v * CK_LANES, bytes);
                    sum += part;
                }
                if (residual) {
                    memcpy(&part, residual + r * product->output_stride + v * CK_LANES, bytes);
                    sum += part;
                }
                sum = finished(product, sum);
                memcpy(output + r * product->output_stride + v * CK_LANES, &sum, bytes);
            }
        }
    }
    if (product->finish == CK_FINISH_FUNCTION) {
        const int64_t count = width < vectors * CK_LANES ? width : vectors * CK_LANES;
        for (int r = 0; r < rows; r++) {
            float *out = output + r * product->output_stride;
            product->function(out, out, count);
        }
    }
}

typedef void (*tile_function)(const ck_panel_product *, const depth_part *, const float *const *, ptrdiff_t, const float *, ptrdiff_t,
                              const float *, float *, int64_t, int64_t);

#define TILE_OF(NAME, ROWS, VECTORS, PAIRS, FETCHES)                                                                              \
    PANELS_TARGET static void NAME##_##ROWS##_##VECTORS(const ck_panel_product *product, const depth_part *part,                  \
                                                        const float *const *sources, ptrdiff_t source_stride, const float *panel, \
                                                        ptrdiff_t step, const float *ahead, float *carried, int64_t row,          \
                                                        int64_t column) {                                                         \
        tile(ROWS, VECTORS, PAIRS, FETCHES, product, part, sources, source_stride, panel, step, ahead, carried, row, column);     \
    }
// A tile over floats, which lie one row of the panel after another, and a tile over pairs.
#define TILE(ROWS, VECTORS) TILE_OF(tile, ROWS, VECTORS, false, 0) TILE_OF(pairs, ROWS, VECTORS, true, 0)
#define TILES_3(VECTORS) TILE(1, VECTORS) TILE(2, VECTORS) TILE(3, VECTORS)
#define TILES_6(VECTORS) TILES_3(VECTORS) TILE(4, VECTORS) TILE(5, VECTORS) TILE(6, VECTORS)
#define TILES_8(VECTORS) TILES_6(VECTORS) TILE(7, VECTORS) TILE(8, VECTORS)
#define TILES_12(VECTORS) TILES_8(VECTORS) TILE(9, VECTORS) TILE(10, VECTORS) TILE(11, VECTORS) TILE(12, VECTORS)
// Those that fetch one vector or two of what comes next for each level, and those that fetch their own.
#define FETCHING(ROWS, VECTORS)                                                                                                   \
    TILE_OF(ahead, ROWS, VECTORS, false, 1)                                                                                       \
    TILE_OF(twice, ROWS, VECTORS, false, 2)                                                                                       \
    TILE_OF(stream, ROWS, VECTORS, false, VECTORS)
#define FETCHING_3(VECTORS) FETCHING(1, VECTORS) FETCHING(2, VECTORS) FETCHING(3, VECTORS)
#define FETCHING_6(VECTORS) FETCHING_3(VECTORS) FETCHING(4, VECTORS) FETCHING(5, VECTORS) FETCHING(6, VECTORS)
#define NAMES_3(NAME, VECTORS) NAME##_1_##VECTORS, NAME##_2_##VECTORS, NAME##_3_##VECTORS
#define NAMES_6(NAME, VECTORS) NAMES_3(NAME, VECTORS), NAME##_4_##VECTORS, NAME##_5_##VECTORS, NAME##_6_##VECTORS
#define NAMES_8(NAME, VECTORS) NAMES_6(NAME, VECTORS), NAME##_7_##VECTORS, NAME##_8_##VECTORS
#define NAMES_12(NAME, VECTORS) NAMES_8(NAME, VECTORS), NAME##_9_##VECTORS, NAME##_10_##VECTORS, NAME##_11_##VECTORS, NAME##_12_##VECTORS

// Tiles of panels of one width, of 1 to `most` rows. Those that fetch are NULL for panels of pairs, and for a last panel, which is narrow.
typedef struct {
    int64_t most;
    const tile_function *tiles, *aheads, *twices, *streams;
} tile_set;

// Computes a part of the depth for all rows of a panel, in tiles of nearly the same height: a last one of a row or two would be slow.
//
// Panels come from memory, which is slower than the products of a few rows. Where there are several tiles, the first ones fetch what lies
// behind the part. Else the only one fetches what it is about to read itself.
static void rows_of_part(const tile_set *set, const ck_panel_product *product, const depth_part *part, const float *const *sources,
                         ptrdiff_t source_stride, const float *panel, ptrdiff_t step, int64_t size, float *carried, int64_t row, int64_t count,
                         int64_t column, bool goes_on) {
    // Floats of a part that leaves room for the next one in the second cache; of weights that may be there from the last run.
    enum { DISTANCE = 1024, MOST = 192 << 10, CACHED = 256 << 10 };
    const int64_t tile_count = (count + set->most - 1) / set->most;
    const bool fetches = set->streams && tile_count > 1 && goes_on && size <= MOST;
    const bool streams = set->streams && tile_count == 1 && product->taps * product->depth * product->columns > CACHED;
    // As many tiles as fetch the next part once: of four vectors all, or, where there are few tiles, two with two vectors each.
    const bool one = tile_count > 3 || PANELS_VECTORS == 1;
    const int64_t parts = one ? PANELS_VECTORS : 2;
    for (int64_t done = 0, number = 0; number < tile_count; number++) {
        const int64_t rows = (count - done) / (tile_count - number);
        const tile_function *tiles = set->tiles;
        const float *ahead = panel;
        if (fetches && number < parts) {
            tiles = one ? set->aheads : set->twices;
            ahead = panel + size + number * (size / parts);
        } else if (streams) {
            tiles = set->streams;
            ahead = panel + DISTANCE;
        }
        tiles[rows - 1](product, part, sources + done, source_stride, panel, step, ahead, carried + done * step, row + done, column);
        done += rows;
    }
}

// Computes all rows of a panel. A panel that is larger than what stays in the second cache beside the rows is done part by part.
static void rows_of_panel(const tile_set *set, const ck_panel_product *product, const float *const *sources, ptrdiff_t source_stride,
                          const float *panel, ptrdiff_t step, int64_t row, int64_t count, int64_t column) {
    enum { LEVELS = 512, WHOLE = 768 };
    const int64_t taps = product->taps, depth = product->depth;
    const bool is_last = column + PANELS_VECTORS * CK_LANES >= product->columns;
    depth_part part = {0, taps, 0, depth, true, true};
    float carried[CK_CARRIED_ROWS * PANELS_VECTORS * CK_LANES] __attribute__((aligned(64)));
    if (taps * depth <= WHOLE || count <= set->most || count > CK_CARRIED_ROWS) {
        rows_of_part(set, product, &part, sources, source_stride, panel, step, taps * depth * step, carried, row, count, column,
                     !is_last || product->goes_on);
        return;
    }
    const bool pairs = product->precision == CK_BF16;
    const int64_t splits = (depth + LEVELS - 1) / LEVELS, levels = ((depth + splits - 1) / splits + 1) / 2 * 2, group = splits > 1 ? 1 : LEVELS / depth;
    for (int64_t tap = 0; tap < taps; tap += part.taps)
        for (int64_t level = 0; level < depth; level += part.levels) {
            part = (depth_part){tap, taps - tap < group ? taps - tap : group, level, depth - level < levels ? depth - level : levels, tap + level == 0,
                                false};
            part.ends = tap + part.taps == taps && level + part.levels == depth;
            const int64_t size = (pairs ? (part.levels + 1) / 2 * part.taps : part.levels * part.taps) * step;
            rows_of_part(set, product, &part, sources, source_stride, panel, step, size, carried, row, count, column,
                         !part.ends || !is_last || product->goes_on);
            panel += size;
        }
}

CK_INLINE lanes low_pairs(lanes a, lanes b) { return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23); }
CK_INLINE lanes high_pairs(lanes a, lanes b) {
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

// Turns CK_LANES columns of a matrix that lie one after another, `stride` floats apart, into rows `step` floats apart. `depth` is a
// multiple of CK_LANES. Four times, each vector meets the one half of all away: then rows are columns.
CK_INLINE void turn(const float *source, ptrdiff_t stride, int64_t depth, float *target, ptrdiff_t step) {
    for (int64_t start = 0; start < depth; start += CK_LANES) {
        lanes rows[CK_LANES], next[CK_LANES];
#pragma clang loop unroll(full)
        for (int row = 0; row < CK_LANES; row++) rows[row] = *(const lanes *)(source + row * stride + start);
#pragma clang loop unroll(full)
        for (int pass = 0; pass < 4; pass++) {
#pragma clang loop unroll(full)
            for (int row = 0; row < CK_LANES / 2; row++) {
                next[2 * row] = low_pairs(rows[row], rows[row + CK_LANES / 2]);
                next[2 * row + 1] = high_pairs(rows[row], rows[row + CK_LANES / 2]);
            }
#pragma clang loop unroll(full)
            for (int row = 0; row < CK_LANES; row++) rows[row] = next[row];
        }
#pragma clang loop unroll(full)
        for (int row = 0; row < CK_LANES; row++) *(lanes *)(target + (start + row) * step) = rows[row];
    }
}

#define TURNS(LEVEL)                                                                                                                 \
    PANELS_TARGET void ck_turn_##LEVEL(const float *source, ptrdiff_t stride, int64_t depth, float *target, ptrdiff_t step) {        \
        turn(source, stride, depth, target, step);                                                                                   \
    }
