// Resizing of images that lie as [batch, height, width, depth], in TensorFlow's own arithmetic: no fused products, sums in its
// order, so that what is rounded afterwards is rounded to the same number.
#ifndef CKERNELS_IMAGE_H
#define CKERNELS_IMAGE_H

#include <stdint.h>

/// Sizes of the images and of what they become.
typedef struct {
    int64_t batch, height, width, depth;
    int64_t output_height, output_width;
} ckernels_resizing;

/// For each place along an axis of the output: two places of the input, and how far it lies between them.
typedef struct {
    const int32_t *lower, *upper;
    const float *fraction;
} ckernels_lerps;

/// For each place along an axis of the output: places of the input and their weights, numbers begins[i] ..< begins[i + 1].
typedef struct {
    const int64_t *begins;
    const int32_t *places;
    const float *weights;
} ckernels_taps;

// Bilinear. `scratch`: 2 * output_width * depth floats.
void ckernels_resize_bilinear_f32(const ckernels_resizing *sizes, ckernels_lerps rows, ckernels_lerps columns,
                                  const float *images, float *output, float *scratch);
void ckernels_resize_bilinear_u8(const ckernels_resizing *sizes, ckernels_lerps rows, ckernels_lerps columns,
                                 const uint8_t *images, float *output, float *scratch);

// Weighted sums, of rows first. `scratch`: width * depth floats.
void ckernels_resample_f32(const ckernels_resizing *sizes, ckernels_taps rows, ckernels_taps columns, const float *images,
                           float *output, float *scratch);
void ckernels_resample_u8(const ckernels_resizing *sizes, ckernels_taps rows, ckernels_taps columns, const uint8_t *images,
                          float *output, float *scratch);

// Weighted sums, of columns first, times `scale`. `scratch`: output_width * depth floats.
void ckernels_resize_area_f32(const ckernels_resizing *sizes, ckernels_taps rows, ckernels_taps columns, float scale,
                              const float *images, float *output, float *scratch);
void ckernels_resize_area_u8(const ckernels_resizing *sizes, ckernels_taps rows, ckernels_taps columns, float scale,
                             const uint8_t *images, float *output, float *scratch);

// The gradient of a bilinear resize: `sizes` are those of the forward op, `gradients` lie as its output, `output` as its images.
void ckernels_resize_bilinear_gradient_f32(const ckernels_resizing *sizes, ckernels_lerps rows, ckernels_lerps columns,
                                           const float *gradients, float *output);
void ckernels_resize_bilinear_gradient_f64(const ckernels_resizing *sizes, ckernels_lerps rows, ckernels_lerps columns,
                                           const float *gradients, double *output);

// The gradient of weighted sums, likewise.
void ckernels_resample_gradient_f32(const ckernels_resizing *sizes, ckernels_taps rows, ckernels_taps columns,
                                    const float *gradients, float *output);
void ckernels_resample_gradient_f64(const ckernels_resizing *sizes, ckernels_taps rows, ckernels_taps columns,
                                    const float *gradients, double *output);

/// What a crop does between pixels, and outside of the image.
typedef struct {
    int32_t nearest;
    float outside;
} ckernels_cropping;

enum {
    CK_CROP_DONE = 0,
    CK_CROP_BAD_INDEX = 1,
    CK_CROP_NOT_FINITE = 2,
};

// Cuts `box_count` boxes (y1, x1, y2, x2 in fractions of the image, four floats each) out of the images that `indices` name, and
// resizes each to output_height * output_width. Gives one of CK_CROP_...; unless it is CK_CROP_DONE the output is zero.
int32_t ckernels_crop_and_resize_f32(const ckernels_resizing *sizes, ckernels_cropping cropping, const float *images,
                                     const float *boxes, const int32_t *indices, int64_t box_count, float *output);
int32_t ckernels_crop_and_resize_u8(const ckernels_resizing *sizes, ckernels_cropping cropping, const uint8_t *images,
                                    const float *boxes, const int32_t *indices, int64_t box_count, float *output);

// The gradient of crops by the images: `output` has their size. Gives what the crops give.
int32_t ckernels_crop_image_gradient_f32(const ckernels_resizing *sizes, ckernels_cropping cropping, const float *gradients,
                                         const float *boxes, const int32_t *indices, int64_t box_count, float *output);
int32_t ckernels_crop_image_gradient_f64(const ckernels_resizing *sizes, ckernels_cropping cropping, const float *gradients,
                                         const float *boxes, const int32_t *indices, int64_t box_count, double *output);
// The gradient of bilinear crops by the boxes: four numbers a box.
int32_t ckernels_crop_box_gradient_f32(const ckernels_resizing *sizes, const float *gradients, const float *images,
                                       const float *boxes, const int32_t *indices, int64_t box_count, float *output);

#endif
