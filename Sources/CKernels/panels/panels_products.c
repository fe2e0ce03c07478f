// What is the same at all levels: the choice of the level, the making of panels, the order in which a product visits rows and panels.
#include <string.h>

#include "../ckernels_narrow.h"
#include "panels_levels.h"

ck_level ck_best_level(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("x86-64-v4")) return CK_LEVEL_AVX512;
    if (__builtin_cpu_supports("x86-64-v3")) return CK_LEVEL_AVX2;
#endif
    return CK_LEVEL_BASE;
}

int32_t ck_panel_width(ck_level level) { return level == CK_LEVEL_AVX512 ? 4 * CK_LANES : CK_LANES; }

static panel_rows rows_function(ck_level level) {
#if defined(__x86_64__)
    if (level == CK_LEVEL_AVX512) return ck_panel_rows_avx512;
    if (level == CK_LEVEL_AVX2) return ck_panel_rows_avx2;
#endif
    return ck_panel_rows_base;
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t rounded(int64_t columns) { return (columns + CK_LANES - 1) / CK_LANES * CK_LANES; }

static void turn(ck_level level, const float *source, ptrdiff_t stride, int64_t depth, float *target, ptrdiff_t step) {
#if defined(__x86_64__)
    if (level == CK_LEVEL_AVX512) {
        ck_turn_avx512(source, stride, depth, target, step);
        return;
    }
    if (level == CK_LEVEL_AVX2) {
        ck_turn_avx2(source, stride, depth, target, step);
        return;
    }
#endif
    ck_turn_base(source, stride, depth, target, step);
}

// Makes a panel of columns that each lie in one piece, `stride` floats apart.
static void pack_columns(ck_level level, const float *source, ptrdiff_t stride, int64_t depth, int64_t used, int64_t step, float *panel) {
    const int64_t whole = used / CK_LANES * CK_LANES, turned = depth / CK_LANES * CK_LANES;
    for (int64_t place = 0; place < whole; place += CK_LANES) turn(level, source + place * stride, stride, turned, panel + place, step);
    for (int64_t row = 0; row < depth; row++) {
        for (int64_t place = row < turned ? whole : 0; place < used; place++) panel[row * step + place] = source[place * stride + row];
        for (int64_t place = used; place < step; place++) panel[row * step + place] = 0;
    }
}

static void pack_rows(const float *source, ptrdiff_t stride, int64_t depth, int64_t used, int64_t step, float *panel) {
    for (int64_t row = 0; row < depth; row++) {
        memcpy(panel + row * step, source + row * stride, (size_t)used * sizeof *panel);
        if (step > used) memset(panel + row * step + used, 0, (size_t)(step - used) * sizeof *panel);
    }
}

// Rows of a panel that are packed at a time, on the stack, where they are not the panel itself.
enum { PACKED_DEPTH = 512, PACKED_WIDTH = 4 * CK_LANES };
typedef float packed_rows[PACKED_DEPTH * PACKED_WIDTH] __attribute__((aligned(64)));

// Rounds rows, and puts two of them into one row of words.
static void pair_rows(const float *rows, int64_t depth, int64_t step, float *panel) {
    for (int64_t row = 0; row < depth; row += 2) {
        const float *low = rows + row * step;
        uint32_t *words = (uint32_t *)(panel + row / 2 * step);
        if (row + 1 < depth) {
            for (int64_t place = 0; place < step; place++)
                words[place] = ck_to_bf16(low[place]) | (uint32_t)ck_to_bf16(low[step + place]) << 16;
        } else {
            for (int64_t place = 0; place < step; place++) words[place] = ck_to_bf16(low[place]);
        }
    }
}

// Words of a panel for each of its columns.
static int64_t panel_depth(ck_precision precision, int64_t depth) { return precision == CK_BF16 ? (depth + 1) / 2 : depth; }

void ck_panels_pack(ck_level level, ck_precision precision, const float *matrix, ptrdiff_t stride, bool transposed, int64_t depth,
                    int64_t columns, int64_t first, int64_t count, float *panels) {
    const int64_t width = ck_panel_width(level), most = precision == CK_BF16 ? PACKED_DEPTH : depth;
    packed_rows packed;
    for (int64_t number = first; number < first + count; number++) {
        const int64_t column = number * width, used = least(width, columns - column), step = rounded(used);
        float *panel = panels + panel_depth(precision, depth) * column;
        for (int64_t start = 0; start < depth; start += most) {
            const int64_t rows = least(most, depth - start);
            float *target = precision == CK_BF16 ? packed : panel;
            if (transposed) {
                pack_columns(level, matrix + column * stride + start, stride, rows, used, step, target);
            } else {
                pack_rows(matrix + start * stride + column, stride, rows, used, step, target);
            }
            if (precision == CK_BF16) pair_rows(packed, rows, step, panel + start / 2 * step);
        }
    }
}

void ck_panels_pack_rows(ck_level level, const float *rows, int64_t depth, int64_t columns, int64_t first, int64_t count, float *panels) {
    const int64_t width = ck_panel_width(level);
    for (int64_t column = 0; column < columns; column += width) {
        const int64_t used = least(width, columns - column), step = rounded(used);
        pack_rows(rows + column, columns, count, used, step, panels + depth * column + first * step);
    }
}

// Computes panels for rows whose factors are found.
static void run_panels(const ck_panel_product *product, const float *const *sources, ptrdiff_t source_stride, int64_t row, int64_t count,
                       int64_t first_panel, int64_t panel_count) {
    const panel_rows rows = rows_function(product->level);
    const int64_t width = ck_panel_width(product->level), depth = panel_depth(product->precision, product->taps * product->depth);
    for (int64_t number = first_panel; number < first_panel + panel_count; number++) {
        const int64_t column = number * width;
        rows(product, sources, source_stride, product->panels + depth * column, row, count, column);
    }
}

void ck_panels_multiply(const ck_panel_product *product, const float *left, ptrdiff_t left_stride, int64_t first_row, int64_t row_count,
                        int64_t first_panel, int64_t panel_count) {
    // Rows that stay in the second cache while all panels pass by.
    enum { MOST = 384, LEAST = 48, BYTES = 512 << 10 };
    const int64_t fitting = BYTES / (int64_t)sizeof(float) / (product->depth > 0 ? product->depth : 1);
    const int64_t chunk = fitting < LEAST ? LEAST : fitting > MOST ? MOST : fitting;
    const float *sources[MOST];
    for (int64_t done = 0; done < row_count;) {
        const int64_t rest = row_count - done, count = rest <= chunk ? rest : rest < 2 * chunk ? rest / 2 : chunk;
        for (int64_t row = 0; row < count; row++) sources[row] = left + (first_row + done + row) * left_stride;
        run_panels(product, sources, 0, first_row + done, count, first_panel, panel_count);
        done += count;
    }
}

static bool reads_rows(const ck_panel_convolution *convolution) {
    return convolution->window.dilation_width == 1 && convolution->window.filter_width <= convolution->window.width;
}

void ck_panels_plan(const ck_panel_convolution *convolution, ck_panel_product *product) {
    const ckernels_window *window = &convolution->window;
    const bool rows = reads_rows(convolution);
    product->taps = rows ? window->filter_height : window->filter_height * window->filter_width;
    product->depth = rows ? window->filter_width * convolution->channels : convolution->channels;
}

static int64_t padded(int64_t bytes) { return (bytes + 63) / 64 * 64; }

// What lies in the memory of a call: pointers, zeros, rows of the filter that padding is a part of.
typedef struct {
    int64_t pointers, zeros, patches;
} layout;

static layout layout_of(const ck_panel_convolution *convolution) {
    ck_panel_product product;
    ck_panels_plan(convolution, &product);
    const int64_t padding = reads_rows(convolution) ? convolution->chunk * product.taps : 0;
    return (layout){padded(product.taps * convolution->chunk * (int64_t)sizeof(float *)), padded(product.depth * (int64_t)sizeof(float)),
                    padding * product.depth * (int64_t)sizeof(float)};
}

int64_t ck_panels_convolve_bytes(const ck_panel_convolution *convolution) {
    const layout bytes = layout_of(convolution);
    return bytes.pointers + bytes.zeros + bytes.patches;
}

// Copies a row of the filter at one place; what is outside of the image is zero.
static void copy_row(const ckernels_window *window, int64_t channels, const float *row, int64_t left, float *patch) {
    const int64_t begin = left < 0 ? -left : 0;
    const int64_t end = least(window->filter_width, window->width - left);
    memset(patch, 0, (size_t)(window->filter_width * channels) * sizeof *patch);
    if (end > begin)
        memcpy(patch + begin * channels, row + (left + begin) * channels, (size_t)((end - begin) * channels) * sizeof *patch);
}

typedef struct {
    int64_t image, y, x;
} place;

static void gather(const ck_panel_convolution *convolution, const ck_panel_product *product, const float *images, place at, int64_t count,
                   const float **pointers, const float *zeros, float *patches) {
    const ckernels_window *window = &convolution->window;
    const int64_t channels = convolution->channels, chunk = convolution->chunk;
    const bool rows = reads_rows(convolution);
    for (int64_t row = 0; row < count; row++) {
        const float *image = images + at.image * window->height * window->width * channels;
        const int64_t top = at.y * window->stride_height - window->padding_top, left = at.x * window->stride_width - window->padding_left;
        const float **next = pointers + row;
        for (int64_t tap_y = 0; tap_y < window->filter_height; tap_y++) {
            const int64_t y = top + tap_y * window->dilation_height;
            const bool inside = y >= 0 && y < window->height;
            const float *line = inside ? image + y * window->width * channels : zeros;
            if (rows) {
                if (!inside) {
                    *next = zeros;
                } else if (left >= 0 && left + window->filter_width <= window->width) {
                    *next = line + left * channels;
                } else {
                    copy_row(window, channels, line, left, patches);
                    *next = patches;
                    patches += product->depth;
                }
                next += chunk;
                continue;
            }
            for (int64_t tap_x = 0; tap_x < window->filter_width; tap_x++, next += chunk) {
                const int64_t x = left + tap_x * window->dilation_width;
                *next = inside && x >= 0 && x < window->width ? line + x * channels : zeros;
            }
        }
        if (++at.x == window->output_width) {
            at.x = 0;
            if (++at.y == window->output_height) {
                at.y = 0;
                at.image++;
            }
        }
    }
}

void ck_panels_convolve(const ck_panel_convolution *convolution, const ck_panel_product *product, const float *images, int64_t first,
                        int64_t count, int64_t first_panel, int64_t panel_count, void *memory) {
    const ckernels_window *window = &convolution->window;
    const layout bytes = layout_of(convolution);
    const float **pointers = memory;
    float *zeros = (float *)((char *)memory + bytes.pointers), *patches = (float *)((char *)zeros + bytes.zeros);
    memset(zeros, 0, (size_t)bytes.zeros);
    const int64_t places = window->output_height * window->output_width;
    for (int64_t done = 0; done < count;) {
        const int64_t chunk = least(convolution->chunk, count - done), number = first + done, inner = number % places;
        const place at = {number / places, inner / window->output_width, inner % window->output_width};
        gather(convolution, product, images, at, chunk, pointers, zeros, patches);
        run_panels(product, pointers, convolution->chunk, number, chunk, first_panel, panel_count);
        done += chunk;
    }
}

void ck_matrices_multiply(ck_level level, const ck_matrices *task, const float *left, const float *right, float *result) {
    // Rows of the left matrix that stay in the second cache while the right one passes by.
    enum { ROWS = 384 };
    const int64_t width = ck_panel_width(level);
    packed_rows packed;
    ck_panel_product product = {.level = level, .taps = 1, .panels = packed, .output_stride = task->result_stride};
    for (int64_t row = 0; row < task->rows; row += ROWS) {
        const int64_t rows = least(ROWS, task->rows - row);
        for (int64_t start = 0; start < task->depth; start += PACKED_DEPTH) {
            product.depth = least(PACKED_DEPTH, task->depth - start);
            for (int64_t column = 0; column < task->columns; column += width) {
                product.columns = least(width, task->columns - column);
                const float *source = right + (task->transposes_right ? column * task->right_stride + start
                                                                      : start * task->right_stride + column);
                ck_panels_pack(level, CK_FP32, source, task->right_stride, task->transposes_right, product.depth, product.columns, 0, 1,
                               packed);
                product.output = result + column;
                // What the rows before have summed up.
                product.residual = start > 0 ? product.output : NULL;
                ck_panels_multiply(&product, left + start, task->left_stride, row, rows, 0, 1);
            }
        }
    }
}

void ck_panels_depthwise(const ckernels_window *window, const ck_panel_product *product, const float *images, int64_t batch) {
    void (*row_function)(const ckernels_window *, const ck_panel_product *, const float *, int64_t, int64_t) = ck_depthwise_row_base;
#if defined(__x86_64__)
    if (product->level == CK_LEVEL_AVX512) row_function = ck_depthwise_row_avx512;
    if (product->level == CK_LEVEL_AVX2) row_function = ck_depthwise_row_avx2;
#endif
    const int64_t image_size = window->height * window->width * product->columns, line = window->output_width * product->columns;
    for (int64_t image = 0; image < batch; image++)
        for (int64_t row = 0; row < window->output_height; row++)
            row_function(window, product, images + image * image_size, row, (image * window->output_height + row) * line);
}
