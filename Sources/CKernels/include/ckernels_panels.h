// Products with a matrix that lies in panels, and convolutions as such products, finished as they are written: a bias, another tensor and
// an activation are applied to sums that are still in registers.
//
// A matrix [depth, columns] in panels: `ck_panel_width` columns at a time, row by row, so that a product reads it in the order in which it
// lies. The last panel has as many columns as are left, rounded up to CK_LANES; what is too much is zero.
//
// Panels of bfloat16 take half the memory. Each word of a row of such a panel has the elements of two rows of the matrix, the first one in
// its lower half; an odd last row lies beside zeros. Products widen the elements to floats: a half is the upper half of a float.
#ifndef CKERNELS_PANELS_H
#define CKERNELS_PANELS_H

#include "ckernels_base.h"
#include "ckernels_elementwise.h"
#include "ckernels_window.h"

enum { CK_LANES = 16 };

// The instructions that a kernel is compiled for. Panels are made for a level.
typedef enum {
    CK_LEVEL_BASE,    // what every processor of the kind has
    CK_LEVEL_AVX2,    // x86-64-v3
    CK_LEVEL_AVX512,  // x86-64-v4
    CK_LEVEL_COUNT
} ck_level;

// The highest level that this processor has.
ck_level ck_best_level(void);

// The numbers that panels hold.
typedef enum {
    CK_FP32,
    CK_BF16,  // rounded to the nearest, halves to even
} ck_precision;

// Columns of a panel.
int32_t ck_panel_width(ck_level level);

// Makes panels `first` to `first + count - 1`. The matrix lies as [depth, columns], or as [columns, depth] where it is transposed; `stride`
// is the number of floats between its rows as they lie. `panels` is where panel 0 begins.
void ck_panels_pack(ck_level level, ck_precision precision, const float *matrix, ptrdiff_t stride, bool transposed, int64_t depth,
                    int64_t columns, int64_t first, int64_t count, float *panels);

// Makes rows `first` to `first + count - 1` of all panels, from those rows of a matrix [depth, columns].
void ck_panels_pack_rows(ck_level level, const float *rows, int64_t depth, int64_t columns, int64_t first, int64_t count, float *panels);

// What is done with a sum before it is written.
typedef enum {
    CK_FINISH_NONE,
    CK_FINISH_RELU,          // NaN stays
    CK_FINISH_RELU_NUMBER,   // 0 for NaN
    CK_FINISH_RELU6,
    CK_FINISH_RELU6_NUMBER,
    CK_FINISH_LEAKY_RELU,
    CK_FINISH_FUNCTION
} ck_finish;

// A product: the sums over `taps` times `depth` factors of each row.
typedef struct {
    ck_level level;
    ck_precision precision;
    // With CK_BF16 and several taps, the depth is even.
    int64_t taps, depth, columns;
    // Floats, or words of two bfloat16.
    const float *panels;
    // Whether panels that are needed next lie behind the last one.
    bool goes_on;
    // For each column; NULL for none.
    const float *bias;
    // As the output lies, added before the activation; NULL for none.
    const float *residual;
    float *output;
    // Floats from one row to the next, of output and residual.
    ptrdiff_t output_stride;
    ck_finish finish;
    float alpha;
    ck_unary_fn function;
} ck_panel_product;

// Computes rows `first_row` on of a product with one tap. `left` is where row 0 begins.
void ck_panels_multiply(const ck_panel_product *product, const float *left, ptrdiff_t left_stride, int64_t first_row, int64_t row_count,
                        int64_t first_panel, int64_t panel_count);

// A product of two matrices as they lie.
typedef struct {
    int64_t rows, depth, columns;
    // Floats from one row to the next, as the matrices lie.
    ptrdiff_t left_stride, right_stride, result_stride;
    // The right matrix lies as [columns, depth].
    bool transposes_right;
} ck_matrices;

// Computes the product; panels are packed on the way, on the stack. Each sum is added up in the order of the depth.
void ck_matrices_multiply(ck_level level, const ck_matrices *task, const float *left, const float *right, float *result);

// How the filter of a convolution is read: `depth` channels of a pixel at a time, or, where pixels of a row of the filter are
// neighbours, all of the row at a time.
typedef struct {
    ckernels_window window;
    int64_t channels;
    // Places whose patches are gathered at a time.
    int64_t chunk;
} ck_panel_convolution;

// Sets taps and depth of the product.
void ck_panels_plan(const ck_panel_convolution *convolution, ck_panel_product *product);

// Bytes of memory that a call of ck_panels_convolve needs, on a boundary of 64.
int64_t ck_panels_convolve_bytes(const ck_panel_convolution *convolution);

// Computes places `first` on of all images of a batch; each place is a row of the output.
void ck_panels_convolve(const ck_panel_convolution *convolution, const ck_panel_product *product, const float *images, int64_t first,
                        int64_t count, int64_t first_panel, int64_t panel_count, void *memory);

// Convolves each channel of `batch` images with a filter of its own, which lies as it is, [height, width, channels], where panels do.
// The product's columns are the channels; output and residual are those of the window.
void ck_panels_depthwise(const ckernels_window *window, const ck_panel_product *product, const float *images, int64_t batch);

#endif
