#include "ckernels_transpose.h"

#include <string.h>

// A tile is read row by row into memory of our own, and written column by column: whatever the steps are, neither side
// touches more cache lines at a time than it can keep.
#define SIDE 32

#define UNALIGNED __attribute__((aligned(1), may_alias))
typedef uint8_t UNALIGNED element1;
typedef uint16_t UNALIGNED element2;
typedef uint32_t UNALIGNED element4;
typedef uint64_t UNALIGNED element8;
typedef struct {
    uint64_t low, high;
} __attribute__((packed, may_alias)) element16;

#define TRANSPOSE(type)                                                                                                  \
    static void transpose_##type(int64_t rows, int64_t columns, const char *source, int64_t row_step, char *destination,  \
                                 int64_t column_step) {                                                                  \
        type tile[SIDE][SIDE];                                                                                           \
        for (int64_t top = 0; top < rows; top += SIDE) {                                                                 \
            int64_t height = rows - top < SIDE ? rows - top : SIDE;                                                      \
            for (int64_t left = 0; left < columns; left += SIDE) {                                                       \
                int64_t width = columns - left < SIDE ? columns - left : SIDE;                                           \
                const char *from = source + top * row_step + left * (int64_t)sizeof(type);                               \
                for (int64_t row = 0; row < height; row++) memcpy(tile[row], from + row * row_step, width * sizeof(type)); \
                char *to = destination + left * column_step + top * (int64_t)sizeof(type);                               \
                for (int64_t column = 0; column < width; column++) {                                                     \
                    type *line = (type *)(to + column * column_step);                                                    \
                    for (int64_t row = 0; row < height; row++) line[row] = tile[row][column];                            \
                }                                                                                                        \
            }                                                                                                            \
        }                                                                                                                \
    }

TRANSPOSE(element1)
TRANSPOSE(element2)
TRANSPOSE(element4)
TRANSPOSE(element8)
TRANSPOSE(element16)

void ckernels_transpose(int64_t width, int64_t rows, int64_t columns, const void *source, int64_t row_step,
                        void *destination, int64_t column_step) {
    switch (width) {
    case 1: transpose_element1(rows, columns, source, row_step, destination, column_step); break;
    case 2: transpose_element2(rows, columns, source, row_step, destination, column_step); break;
    case 4: transpose_element4(rows, columns, source, row_step, destination, column_step); break;
    case 8: transpose_element8(rows, columns, source, row_step, destination, column_step); break;
    case 16: transpose_element16(rows, columns, source, row_step, destination, column_step); break;
    }
}
