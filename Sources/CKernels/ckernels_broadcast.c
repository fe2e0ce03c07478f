#include "ckernels_elementwise.h"
#include <string.h>

// Rows as short as this are put together, so that a loop has something to do.
enum { SHORT_ROW_BYTES = 128, TILE_BYTES = 1024 };

// How an operand meets the rows of the innermost two axes.
typedef enum {
    // As it lies in memory.
    RUNNING,
    // The same short row again and again: copies of it lie side by side in a tile.
    SAME_ROW,
    // One element for each short row: each is repeated in a tile.
    ONE_A_ROW,
    OTHER
} meeting;

static meeting meeting_of(ptrdiff_t row_bytes, ptrdiff_t outer, ptrdiff_t inner, ptrdiff_t width) {
    if (inner == 1) return outer == row_bytes ? RUNNING : outer == 0 ? SAME_ROW : OTHER;
    return outer == width ? ONE_A_ROW : OTHER;
}

// How many short rows are put together, of which one operand runs on; 0 where they are not of that kind.
static ptrdiff_t rows_of_tile(const ptrdiff_t *outer, const ptrdiff_t *inner, ptrdiff_t width) {
    const ptrdiff_t row_bytes = inner[0] * width;
    if (row_bytes > SHORT_ROW_BYTES) return 0;
    const meeting left = meeting_of(row_bytes, outer[1], inner[1], width);
    const meeting right = meeting_of(row_bytes, outer[2], inner[2], width);
    const bool fits = (left == RUNNING && (right == SAME_ROW || right == ONE_A_ROW))
        || (right == RUNNING && (left == SAME_ROW || left == ONE_A_ROW));
    return fits ? TILE_BYTES / row_bytes : 0;
}

#define REPEAT(T)                                                                       \
    {                                                                                   \
        const T *elements = (const T *)from;                                            \
        T *to = (T *)tile;                                                              \
        for (ptrdiff_t r = 0; r < rows; r++)                                            \
            for (ptrdiff_t i = 0; i < count; i++) to[r * count + i] = elements[r];      \
    }

typedef struct { uint64_t parts[2]; } wide;

// Repeats each of `rows` elements `count` times.
static void repeat(const char *from, char *tile, ptrdiff_t rows, ptrdiff_t count, ptrdiff_t width) {
    switch (width) {
    case 1: REPEAT(uint8_t) break;
    case 2: REPEAT(uint16_t) break;
    case 4: REPEAT(uint32_t) break;
    case 8: REPEAT(uint64_t) break;
    default: REPEAT(wide) break;
    }
}

static int tiled(
    ck_binary_fn loop, const ptrdiff_t *outer, const ptrdiff_t *inner, ptrdiff_t tile_rows, const char *a, const char *b,
    char *y, ptrdiff_t width, ptrdiff_t output_width) {
    _Alignas(64) char tile[TILE_BYTES];
    const ptrdiff_t row_bytes = inner[0] * width;
    const bool left_repeats = meeting_of(row_bytes, outer[1], inner[1], width) != RUNNING;
    const char *repeated = left_repeats ? a : b;
    const bool is_same = (left_repeats ? outer[1] : outer[2]) == 0;
    int fault = 0;
    if (is_same)
        for (ptrdiff_t r = 0; r < tile_rows && r < outer[0]; r++) memcpy(tile + r * row_bytes, repeated, (size_t)row_bytes);
    for (ptrdiff_t r = 0; r < outer[0]; r += tile_rows) {
        const ptrdiff_t rows = outer[0] - r < tile_rows ? outer[0] - r : tile_rows;
        if (!is_same) repeat(repeated + r * width, tile, rows, inner[0], width);
        const char *pa = left_repeats ? tile : a + r * row_bytes, *pb = left_repeats ? b + r * row_bytes : tile;
        fault |= loop(pa, 1, pb, 1, y + r * inner[0] * output_width, rows * inner[0]);
    }
    return fault;
}

int ck_broadcast(
    ck_binary_fn loop, const ptrdiff_t *axes, int rank, const void *a, const void *b, void *y, ptrdiff_t width,
    ptrdiff_t output_width) {
    const ptrdiff_t *inner = axes + 3 * (rank - 1);
    const ptrdiff_t tile_rows = rank > 1 ? rows_of_tile(inner - 3, inner, width) : 0;
    const int first = tile_rows > 0 ? rank - 3 : rank - 2;
    const ptrdiff_t step_bytes = inner[0] * output_width * (tile_rows > 0 ? inner[-3] : 1);
    ptrdiff_t position[CK_MAX_AXES] = {0};
    const char *pa = a, *pb = b;
    char *py = y;
    int fault = 0;
    for (;;) {
        fault |= tile_rows > 0 ? tiled(loop, inner - 3, inner, tile_rows, pa, pb, py, width, output_width)
                               : loop(pa, inner[1], pb, inner[2], py, inner[0]);
        py += step_bytes;
        int axis = first;
        for (; axis >= 0; axis--) {
            const ptrdiff_t *at = axes + 3 * axis;
            pa += at[1];
            pb += at[2];
            if (++position[axis] < at[0]) break;
            pa -= at[1] * at[0];
            pb -= at[2] * at[0];
            position[axis] = 0;
        }
        if (axis < 0) return fault;
    }
}

#define FILL(T)                                                        \
    {                                                                  \
        const T element = *(const T *)from;                            \
        T *elements = (T *)to;                                         \
        for (ptrdiff_t i = 0; i < count; i++) elements[i] = element;   \
    }

static void fill(const char *from, char *to, ptrdiff_t count, ptrdiff_t width) {
    switch (width) {
    case 1: memset(to, *from, (size_t)count); break;
    case 2: FILL(uint16_t) break;
    case 4: FILL(uint32_t) break;
    case 8: FILL(uint64_t) break;
    default: FILL(wide) break;
    }
}

void ck_repeat(
    const ptrdiff_t *axes, int rank, const void *from, ptrdiff_t first, ptrdiff_t count, void *to, ptrdiff_t width) {
    ptrdiff_t position[CK_MAX_AXES] = {0};
    const char *row = from;
    for (int axis = rank - 1; axis >= 0; axis--) {
        position[axis] = first % axes[2 * axis];
        first /= axes[2 * axis];
        if (axis < rank - 1) row += position[axis] * axes[2 * axis + 1] * width;
    }
    const ptrdiff_t size = axes[2 * (rank - 1)], step = axes[2 * (rank - 1) + 1];
    ptrdiff_t at = position[rank - 1];
    char *target = to;
    while (count > 0) {
        const ptrdiff_t some = size - at < count ? size - at : count;
        if (step) memcpy(target, row + at * width, (size_t)(some * width));
        else fill(row, target, some, width);
        target += some * width;
        count -= some;
        at = 0;
        for (int axis = rank - 2; axis >= 0; axis--) {
            const ptrdiff_t stride = axes[2 * axis + 1] * width;
            row += stride;
            if (++position[axis] < axes[2 * axis]) break;
            row -= stride * axes[2 * axis];
            position[axis] = 0;
        }
    }
}
