// Products with panels for x86-64-v4: 24 sums of 16 floats, four of weights.
#if defined(__x86_64__)

#define PANELS_TARGET __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
#define PANELS_VECTORS 4
#include "panels_tile.h"
#include "panels_winograd.h"
#include "panels_depthwise.h"

TILES_6(4)
FETCHING_6(4)
TILES_8(3)
TILES_12(2)
TILES_12(1)

void ck_panel_rows_avx512(const ck_panel_product *product, const float *const *sources, ptrdiff_t source_stride, const float *panel,
                          int64_t row, int64_t count, int64_t column) {
    static const tile_function four[] = {NAMES_6(tile, 4)}, aheads[] = {NAMES_6(ahead, 4)}, streams[] = {NAMES_6(stream, 4)},
                               three[] = {NAMES_8(tile, 3)}, two[] = {NAMES_12(tile, 2)}, one[] = {NAMES_12(tile, 1)};
    static const tile_set sets[] = {{12, one}, {12, two}, {8, three}, {6, four, aheads, streams}};
    const int64_t width = product->columns - column, vectors = (width + CK_LANES - 1) / CK_LANES;
    rows_of_panel(&sets[vectors < 4 ? vectors - 1 : 3], product, sources, source_stride, panel, row, count, column);
}

TURNS(avx512)
WINOGRAD(avx512)

DEPTHWISE(avx512, 4)

#endif
