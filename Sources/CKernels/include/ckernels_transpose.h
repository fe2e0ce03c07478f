#ifndef CKERNELS_TRANSPOSE_H
#define CKERNELS_TRANSPOSE_H

#include <stdint.h>

/// Turns a matrix round. Element (row, column) lies at row * row_step + column * width of the source, and goes to
/// column * column_step + row * width of the destination; steps are in bytes. `width` is 1, 2, 4, 8 or 16; nothing has to
/// be aligned.
void ckernels_transpose(int64_t width, int64_t rows, int64_t columns, const void *source, int64_t row_step,
                        void *destination, int64_t column_step);

#endif
