// Products with panels for x86-64-v3: twelve sums of eight floats, two of weights.
#if defined(__x86_64__)

#define PANELS_TARGET __attribute__((target("arch=x86-64-v3")))
#define PANELS_VECTORS 1
#include "panels_tile.h"
#include "panels_winograd.h"
#include "panels_depthwise.h"
#include "panels_scores.h"

TILES_6(1)
FETCHING_6(1)

void ck_panel_rows_avx2(const ck_panel_product *product, const float *const *sources, ptrdiff_t source_stride, const float *panel,
                        int64_t row, int64_t count, int64_t column) {
    static const tile_function floats[] = {NAMES_6(tile, 1)}, pairs[] = {NAMES_6(pairs, 1)}, aheads[] = {NAMES_6(ahead, 1)}, twices[] = {NAMES_6(twice, 1)},
                               streams[] = {NAMES_6(stream, 1)};
    static const tile_set float_set = {6, floats, aheads, twices, streams}, pair_set = {6, pairs, NULL, NULL, NULL};
    rows_of_panel(product->precision == CK_BF16 ? &pair_set : &float_set, product, sources, source_stride, panel, CK_LANES, row, count, column);
}

TURNS(avx2)
WINOGRAD(avx2)
SCORES(avx2, 6)

DEPTHWISE(avx2, 2)

#endif
