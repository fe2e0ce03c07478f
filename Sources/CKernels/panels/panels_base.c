// Products with panels for any processor: sums of four floats, in 12 registers of 16 or in 24 of 32.
#define PANELS_TARGET
#define PANELS_VECTORS 1
#include "panels_tile.h"
#include "panels_winograd.h"
#include "panels_depthwise.h"
#include "panels_scores.h"

#if defined(__aarch64__)
TILES_6(1)
FETCHING_6(1)
static const tile_function floats[] = {NAMES_6(tile, 1)}, pairs[] = {NAMES_6(pairs, 1)}, aheads[] = {NAMES_6(ahead, 1)}, twices[] = {NAMES_6(twice, 1)},
                           streams[] = {NAMES_6(stream, 1)};
enum { MAX_ROWS = 6 };
#else
TILES_3(1)
FETCHING_3(1)
static const tile_function floats[] = {NAMES_3(tile, 1)}, pairs[] = {NAMES_3(pairs, 1)}, aheads[] = {NAMES_3(ahead, 1)}, twices[] = {NAMES_3(twice, 1)},
                           streams[] = {NAMES_3(stream, 1)};
enum { MAX_ROWS = 3 };
#endif

void ck_panel_rows_base(const ck_panel_product *product, const float *const *sources, ptrdiff_t source_stride, const float *panel,
                        int64_t row, int64_t count, int64_t column) {
    static const tile_set float_set = {MAX_ROWS, floats, aheads, twices, streams}, pair_set = {MAX_ROWS, pairs, NULL, NULL, NULL};
    rows_of_panel(product->precision == CK_BF16 ? &pair_set : &float_set, product, sources, source_stride, panel, CK_LANES, row, count, column);
}

TURNS(base)
WINOGRAD(base)
SCORES(base, MAX_ROWS)

DEPTHWISE(base, 2)
