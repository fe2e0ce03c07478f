#include "ckernels_image.h"

#include <math.h>
#include <string.h>

#include "ckernels_compile.h"

#pragma STDC FP_CONTRACT OFF

// Calls with the depth as a constant where it is a usual one, so that the loop over channels unrolls.
#define FOR_DEPTH(depth, call) \
    switch (depth) {           \
    case 1: call(1); break;    \
    case 3: call(3); break;    \
    case 4: call(4); break;    \
    default: call(depth);      \
    }

#define LERP_COLUMNS(S, T)                                                                                         \
    CK_INLINE void lerp_columns_of_##S(const T *row, ckernels_lerps columns, int64_t count, int64_t depth, float *out) { \
        for (int64_t x = 0; x < count; x++, out += depth) {                                                        \
            const T *left = row + columns.lower[x] * depth, *right = row + columns.upper[x] * depth;                \
            float fraction = columns.fraction[x];                                                                  \
            for (int64_t c = 0; c < depth; c++) {                                                                  \
                float a = (float)left[c], b = (float)right[c];                                                     \
                out[c] = a + (b - a) * fraction;                                                                   \
            }                                                                                                      \
        }                                                                                                          \
    }                                                                                                              \
    static void lerp_columns_##S(const T *row, ckernels_lerps columns, int64_t count, int64_t depth, float *out) {   \
        FOR_DEPTH(depth, LERP_COLUMNS_##S)                                                                         \
    }
#define LERP_COLUMNS_f32(D) lerp_columns_of_f32(row, columns, count, D, out)
#define LERP_COLUMNS_u8(D) lerp_columns_of_u8(row, columns, count, D, out)
LERP_COLUMNS(f32, float)
LERP_COLUMNS(u8, uint8_t)

CK_MULTIVERSION static void lerp_rows(const float *top, const float *bottom, float fraction, int64_t count, float *out) {
    CK_LOOP for (int64_t i = 0; i < count; i++) out[i] = top[i] + (bottom[i] - top[i]) * fraction;
}

// Rows whose columns are interpolated are kept: when an image grows, the next row of the output is between the same two.
#define RESIZE_BILINEAR(S, T)                                                                                        \
    void ckernels_resize_bilinear_##S(const ckernels_resizing *s, ckernels_lerps rows, ckernels_lerps columns,        \
                                      const T *images, float *output, float *scratch) {                              \
        int64_t in_row = s->width * s->depth, out_row = s->output_width * s->depth;                                  \
        for (int64_t image = 0; image < s->batch; image++, images += s->height * in_row) {                           \
            float *top = scratch, *bottom = scratch + out_row;                                                       \
            int64_t top_place = -1, bottom_place = -1;                                                               \
            for (int64_t y = 0; y < s->output_height; y++, output += out_row) {                                      \
                int64_t lower = rows.lower[y], upper = rows.upper[y];                                                \
                if (lower != top_place) {                                                                            \
                    float *other = top;                                                                              \
                    if (lower == bottom_place) {                                                                     \
                        top = bottom, bottom = other;                                                                \
                        bottom_place = top_place;                                                                    \
                    } else {                                                                                         \
                        lerp_columns_##S(images + lower * in_row, columns, s->output_width, s->depth, top);          \
                    }                                                                                                \
                    top_place = lower;                                                                               \
                }                                                                                                    \
                const float *second = top;                                                                           \
                if (upper != lower) {                                                                                \
                    if (upper != bottom_place)                                                                       \
                        lerp_columns_##S(images + upper * in_row, columns, s->output_width, s->depth, bottom);       \
                    bottom_place = upper;                                                                            \
                    second = bottom;                                                                                 \
                }                                                                                                    \
                lerp_rows(top, second, rows.fraction[y], out_row, output);                                           \
            }                                                                                                        \
        }                                                                                                            \
    }
RESIZE_BILINEAR(f32, float)
RESIZE_BILINEAR(u8, uint8_t)

#define ADD_ROW(S, T)                                                                                                \
    CK_MULTIVERSION static void add_row_##S(const T *row, float weight, int64_t count, float *out) {                  \
        CK_LOOP for (int64_t i = 0; i < count; i++) out[i] += (float)row[i] * weight;                                 \
    }
ADD_ROW(f32, float)
ADD_ROW(u8, uint8_t)

#define SUM_COLUMNS(S, T)                                                                                            \
    CK_INLINE void sum_columns_of_##S(const T *row, ckernels_taps columns, int64_t count, int64_t depth, float *out) {     \
        for (int64_t x = 0; x < count; x++, out += depth) {                                                          \
            for (int64_t c = 0; c < depth; c++) out[c] = 0;                                                          \
            for (int64_t i = columns.begins[x]; i < columns.begins[x + 1]; i++) {                                    \
                const T *pixel = row + columns.places[i] * depth;                                                    \
                float weight = columns.weights[i];                                                                   \
                for (int64_t c = 0; c < depth; c++) out[c] += (float)pixel[c] * weight;                              \
            }                                                                                                        \
        }                                                                                                            \
    }                                                                                                                \
    static void sum_columns_##S(const T *row, ckernels_taps columns, int64_t count, int64_t depth, float *out) {       \
        FOR_DEPTH(depth, SUM_COLUMNS_##S)                                                                            \
    }
#define SUM_COLUMNS_f32(D) sum_columns_of_f32(row, columns, count, D, out)
#define SUM_COLUMNS_u8(D) sum_columns_of_u8(row, columns, count, D, out)
SUM_COLUMNS(f32, float)
SUM_COLUMNS(u8, uint8_t)

#define RESAMPLE(S, T)                                                                                               \
    void ckernels_resample_##S(const ckernels_resizing *s, ckernels_taps rows, ckernels_taps columns,                 \
                               const T *images, float *output, float *scratch) {                                     \
        int64_t in_row = s->width * s->depth, out_row = s->output_width * s->depth;                                  \
        for (int64_t image = 0; image < s->batch; image++, images += s->height * in_row) {                           \
            for (int64_t y = 0; y < s->output_height; y++, output += out_row) {                                      \
                memset(scratch, 0, in_row * sizeof(float));                                                          \
                for (int64_t i = rows.begins[y]; i < rows.begins[y + 1]; i++)                                        \
                    add_row_##S(images + rows.places[i] * in_row, rows.weights[i], in_row, scratch);                 \
                sum_columns_f32(scratch, columns, s->output_width, s->depth, output);                                \
            }                                                                                                        \
        }                                                                                                            \
    }                                                                                                                \
    void ckernels_resize_area_##S(const ckernels_resizing *s, ckernels_taps rows, ckernels_taps columns, float scale, \
                                  const T *images, float *output, float *scratch) {                                  \
        int64_t in_row = s->width * s->depth, out_row = s->output_width * s->depth;                                  \
        for (int64_t image = 0; image < s->batch; image++, images += s->height * in_row) {                           \
            for (int64_t y = 0; y < s->output_height; y++, output += out_row) {                                      \
                memset(output, 0, out_row * sizeof(float));                                                          \
                for (int64_t i = rows.begins[y]; i < rows.begins[y + 1]; i++) {                                      \
                    sum_columns_##S(images + rows.places[i] * in_row, columns, s->output_width, s->depth, scratch);  \
                    add_row_f32(scratch, rows.weights[i], out_row, output);                                          \
                }                                                                                                    \
                CK_LOOP for (int64_t i = 0; i < out_row; i++) output[i] *= scale;                                    \
            }                                                                                                        \
        }                                                                                                            \
    }
RESAMPLE(f32, float)
RESAMPLE(u8, uint8_t)

#define BILINEAR_GRADIENT(S, T)                                                                                      \
    void ckernels_resize_bilinear_gradient_##S(const ckernels_resizing *s, ckernels_lerps rows,                       \
                                               ckernels_lerps columns, const float *gradients, T *output) {          \
        int64_t row = s->width * s->depth, depth = s->depth;                                                         \
        memset(output, 0, s->batch * s->height * row * sizeof(T));                                                   \
        for (int64_t image = 0; image < s->batch; image++, output += s->height * row) {                              \
            for (int64_t y = 0; y < s->output_height; y++) {                                                         \
                T *top = output + rows.lower[y] * row, *bottom = output + rows.upper[y] * row;                       \
                float fy = rows.fraction[y], gy = 1.0f - fy;                                                         \
                for (int64_t x = 0; x < s->output_width; x++, gradients += depth) {                                  \
                    int64_t left = columns.lower[x] * depth, right = columns.upper[x] * depth;                       \
                    float fx = columns.fraction[x], gx = 1.0f - fx;                                                  \
                    for (int64_t c = 0; c < depth; c++) {                                                            \
                        float gradient = gradients[c];                                                               \
                        top[left + c] += (T)(gradient * gy * gx);                                                    \
                        top[right + c] += (T)(gradient * gy * fx);                                                   \
                        bottom[left + c] += (T)(gradient * fy * gx);                                                 \
                        bottom[right + c] += (T)(gradient * fy * fx);                                                \
                    }                                                                                                \
                }                                                                                                    \
            }                                                                                                        \
        }                                                                                                            \
    }
BILINEAR_GRADIENT(f32, float)
BILINEAR_GRADIENT(f64, double)

#define RESAMPLE_GRADIENT(S, T)                                                                                      \
    void ckernels_resample_gradient_##S(const ckernels_resizing *s, ckernels_taps rows, ckernels_taps columns,        \
                                        const float *gradients, T *output) {                                         \
        int64_t row = s->width * s->depth, depth = s->depth;                                                         \
        memset(output, 0, s->batch * s->height * row * sizeof(T));                                                   \
        for (int64_t image = 0; image < s->batch; image++, output += s->height * row) {                              \
            for (int64_t y = 0; y < s->output_height; y++) {                                                         \
                for (int64_t x = 0; x < s->output_width; x++, gradients += depth) {                                  \
                    for (int64_t i = rows.begins[y]; i < rows.begins[y + 1]; i++) {                                  \
                        for (int64_t j = columns.begins[x]; j < columns.begins[x + 1]; j++) {                        \
                            T *pixel = output + rows.places[i] * row + columns.places[j] * depth;                    \
                            for (int64_t c = 0; c < depth; c++)                                                      \
                                pixel[c] += (T)gradients[c] * rows.weights[i] * columns.weights[j];                  \
                        }                                                                                            \
                    }                                                                                                \
                }                                                                                                    \
            }                                                                                                        \
        }                                                                                                            \
    }
RESAMPLE_GRADIENT(f32, float)
RESAMPLE_GRADIENT(f64, double)

// Where a place of a crop lies along an axis of the image; below zero where it lies outside.
CK_INLINE float crop_place(float begin, float end, int64_t size, int64_t crop_size, int64_t place) {
    float last = (float)(size - 1);
    float at;
    if (crop_size > 1) {
        float scale = (end - begin) * last / (float)(crop_size - 1);
        at = begin * last + (float)place * scale;
    } else {
        at = (float)(0.5 * (double)(begin + end) * (double)last);
    }
    // Not `at < 0 || at > last`: what is not a number is outside, too.
    return at >= 0 && at <= last ? at : -1;
}

// What is wrong with the boxes, or with the numbers of their images.
static int32_t crop_fault(const ckernels_resizing *s, const float *boxes, const int32_t *indices, int64_t box_count) {
    int32_t fault = CK_CROP_DONE;
    for (int64_t i = 0; i < 4 * box_count; i++)
        if (!isfinite(boxes[i])) fault = CK_CROP_NOT_FINITE;
    for (int64_t i = 0; i < box_count; i++)
        if (indices[i] < 0 || indices[i] >= s->batch) fault = CK_CROP_BAD_INDEX;
    return fault;
}

#define CROP_AND_RESIZE(S, T)                                                                                        \
    static void crop_##S(const ckernels_resizing *s, ckernels_cropping cropping, const T *image, const float *box,    \
                         float *output) {                                                                            \
        int64_t depth = s->depth, in_row = s->width * depth, out_row = s->output_width * depth;                      \
        for (int64_t y = 0; y < s->output_height; y++, output += out_row) {                                          \
            float at_y = crop_place(box[0], box[2], s->height, s->output_height, y);                                 \
            const T *top = image, *bottom = image;                                                                   \
            float fy = 0;                                                                                            \
            if (at_y >= 0) {                                                                                         \
                top = image + (int64_t)(cropping.nearest ? roundf(at_y) : floorf(at_y)) * in_row;                    \
                bottom = image + (int64_t)ceilf(at_y) * in_row;                                                      \
                fy = at_y - floorf(at_y);                                                                            \
            }                                                                                                        \
            for (int64_t x = 0; x < s->output_width; x++) {                                                          \
                float *pixel = output + x * depth;                                                                   \
                float at_x = at_y < 0 ? -1 : crop_place(box[1], box[3], s->width, s->output_width, x);               \
                if (at_x < 0) {                                                                                      \
                    for (int64_t c = 0; c < depth; c++) pixel[c] = cropping.outside;                                 \
                } else if (cropping.nearest) {                                                                       \
                    const T *source = top + (int64_t)roundf(at_x) * depth;                                           \
                    for (int64_t c = 0; c < depth; c++) pixel[c] = (float)source[c];                                 \
                } else {                                                                                             \
                    int64_t left = (int64_t)floorf(at_x) * depth, right = (int64_t)ceilf(at_x) * depth;              \
                    float fx = at_x - floorf(at_x);                                                                  \
                    for (int64_t c = 0; c < depth; c++) {                                                            \
                        float a = (float)top[left + c], b = (float)top[right + c];                                   \
                        float d = (float)bottom[left + c], e = (float)bottom[right + c];                             \
                        float upper = a + (b - a) * fx, lower = d + (e - d) * fx;                                    \
                        pixel[c] = upper + (lower - upper) * fy;                                                     \
                    }                                                                                                \
                }                                                                                                    \
            }                                                                                                        \
        }                                                                                                            \
    }                                                                                                                \
    int32_t ckernels_crop_and_resize_##S(const ckernels_resizing *s, ckernels_cropping cropping, const T *images,     \
                                         const float *boxes, const int32_t *indices, int64_t box_count,              \
                                         float *output) {                                                            \
        int64_t crop_size = s->output_height * s->output_width * s->depth;                                           \
        int32_t fault = crop_fault(s, boxes, indices, box_count);                                                    \
        if (fault) {                                                                                                 \
            memset(output, 0, box_count * crop_size * sizeof(float));                                                \
            return fault;                                                                                            \
        }                                                                                                            \
        for (int64_t i = 0; i < box_count; i++)                                                                      \
            crop_##S(s, cropping, images + indices[i] * s->height * s->width * s->depth, boxes + 4 * i,              \
                     output + i * crop_size);                                                                        \
        return CK_CROP_DONE;                                                                                         \
    }
CROP_AND_RESIZE(f32, float)
CROP_AND_RESIZE(u8, uint8_t)

#define CROP_IMAGE_GRADIENT(S, T)                                                                                    \
    static void crop_image_gradient_##S(const ckernels_resizing *s, ckernels_cropping cropping, const float *gradient, \
                                        const float *box, T *image) {                                                \
        int64_t depth = s->depth, row = s->width * depth;                                                            \
        for (int64_t y = 0; y < s->output_height; y++) {                                                             \
            float at_y = crop_place(box[0], box[2], s->height, s->output_height, y);                                 \
            for (int64_t x = 0; x < s->output_width; x++, gradient += depth) {                                       \
                float at_x = crop_place(box[1], box[3], s->width, s->output_width, x);                               \
                if (at_y < 0 || at_x < 0) continue;                                                                  \
                if (cropping.nearest) {                                                                              \
                    T *pixel = image + (int64_t)roundf(at_y) * row + (int64_t)roundf(at_x) * depth;                  \
                    for (int64_t c = 0; c < depth; c++) pixel[c] += (T)gradient[c];                                  \
                    continue;                                                                                        \
                }                                                                                                    \
                T *top = image + (int64_t)floorf(at_y) * row, *bottom = image + (int64_t)ceilf(at_y) * row;          \
                int64_t left = (int64_t)floorf(at_x) * depth, right = (int64_t)ceilf(at_x) * depth;                  \
                float fy = at_y - floorf(at_y), fx = at_x - floorf(at_x);                                            \
                for (int64_t c = 0; c < depth; c++) {                                                                \
                    float upper = (1 - fy) * gradient[c], lower = fy * gradient[c];                                  \
                    top[left + c] += (T)((1 - fx) * upper);                                                          \
                    top[right + c] += (T)(fx * upper);                                                               \
                    bottom[left + c] += (T)((1 - fx) * lower);                                                       \
                    bottom[right + c] += (T)(fx * lower);                                                            \
                }                                                                                                    \
            }                                                                                                        \
        }                                                                                                            \
    }                                                                                                                \
    int32_t ckernels_crop_image_gradient_##S(const ckernels_resizing *s, ckernels_cropping cropping,                  \
                                             const float *gradients, const float *boxes, const int32_t *indices,     \
                                             int64_t box_count, T *output) {                                         \
        int64_t image_size = s->height * s->width * s->depth;                                                        \
        int64_t crop_size = s->output_height * s->output_width * s->depth;                                           \
        memset(output, 0, s->batch * image_size * sizeof(T));                                                        \
        int32_t fault = crop_fault(s, boxes, indices, box_count);                                                    \
        for (int64_t i = 0; !fault && i < box_count; i++)                                                            \
            crop_image_gradient_##S(s, cropping, gradients + i * crop_size, boxes + 4 * i,                           \
                                    output + indices[i] * image_size);                                               \
        return fault;                                                                                                \
    }
CROP_IMAGE_GRADIENT(f32, float)
CROP_IMAGE_GRADIENT(f64, double)

// How much a place moves with the beginning and with the end of its box.
CK_INLINE void crop_shares(int64_t size, int64_t crop_size, int64_t place, float *begin, float *end) {
    float last = (float)(size - 1);
    float along = crop_size > 1 ? (float)place * (last / (float)(crop_size - 1)) : 0.5f * last;
    *begin = last - along;
    *end = along;
}

static void crop_box_gradient(const ckernels_resizing *s, const float *gradient, const float *image, const float *box,
                              float *output) {
    int64_t depth = s->depth, row = s->width * depth;
    for (int64_t y = 0; y < s->output_height; y++) {
        float at_y = crop_place(box[0], box[2], s->height, s->output_height, y);
        float begin_y, end_y, begin_x, end_x;
        crop_shares(s->height, s->output_height, y, &begin_y, &end_y);
        for (int64_t x = 0; x < s->output_width; x++, gradient += depth) {
            float at_x = crop_place(box[1], box[3], s->width, s->output_width, x);
            if (at_y < 0 || at_x < 0) continue;
            crop_shares(s->width, s->output_width, x, &begin_x, &end_x);
            const float *top = image + (int64_t)floorf(at_y) * row, *bottom = image + (int64_t)ceilf(at_y) * row;
            int64_t left = (int64_t)floorf(at_x) * depth, right = (int64_t)ceilf(at_x) * depth;
            float fy = at_y - floorf(at_y), fx = at_x - floorf(at_x);
            for (int64_t c = 0; c < depth; c++) {
                float a = top[left + c], b = top[right + c], d = bottom[left + c], e = bottom[right + c];
                float by_y = ((1 - fx) * (d - a) + fx * (e - b)) * gradient[c];
                float by_x = ((1 - fy) * (b - a) + fy * (e - d)) * gradient[c];
                output[0] += by_y * begin_y;
                output[1] += by_x * begin_x;
                output[2] += by_y * end_y;
                output[3] += by_x * end_x;
            }
        }
    }
}

int32_t ckernels_crop_box_gradient_f32(const ckernels_resizing *s, const float *gradients, const float *images,
                                       const float *boxes, const int32_t *indices, int64_t box_count, float *output) {
    int64_t crop_size = s->output_height * s->output_width * s->depth;
    memset(output, 0, box_count * 4 * sizeof(float));
    int32_t fault = crop_fault(s, boxes, indices, box_count);
    for (int64_t i = 0; !fault && i < box_count; i++)
        crop_box_gradient(s, gradients + i * crop_size, images + indices[i] * s->height * s->width * s->depth, boxes + 4 * i,
                          output + 4 * i);
    return fault;
}
