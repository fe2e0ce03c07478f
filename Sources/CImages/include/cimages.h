// JPEG and PNG, read from memory and written to memory. libjpeg and libpng report errors by jumping over frames of the stack: no
// jump leaves these functions. Nothing here keeps state.
#ifndef CIMAGES_H
#define CIMAGES_H

#include <stddef.h>
#include <stdint.h>

/// The longest text of an error, with the zero at its end.
enum { CIMAGES_MESSAGE_BYTES = 256 };

/// Scans of one JPEG image that are read at most: more are an attack, not an image.
enum { CIMAGES_MAXIMUM_SCANS = 256 };

typedef struct {
    int64_t height, width, channels;
    /// Of a JPEG image: the most memory that reading it takes besides the image.
    int64_t work_bytes;
} cimages_size;

/// What a call takes memory through, and asks whether to go on.
typedef struct {
    /// Counts memory that is about to be taken or, where it is negative, was given back; 0 where it may not be taken.
    int32_t (*take)(const void *context, int64_t byte_count);
    /// Whether to stop.
    int32_t (*is_over)(const void *context);
    const void *context;
} cimages_account;

/// How a JPEG image is read.
typedef struct {
    /// 0: as many as the file has; 1: grey; 3: red, green, blue.
    int32_t channels;
    /// 1, 2, 4 or 8: by how much the image is made smaller.
    int32_t ratio;
    int32_t fancy_upsampling;
    /// Whether the end of the data is taken for the end of the image.
    int32_t recovers_truncated;
    /// How much of the rows must be there; the others become black.
    float acceptable_fraction;
    /// Whether the cosine transform is the accurate one, not the fast one.
    int32_t is_accurate;
    int32_t is_cropped;
    int32_t crop_y, crop_x, crop_height, crop_width;
} cimages_jpeg_reading;

// All functions give 0, or something else after an error, whose text is then in `message` (CIMAGES_MESSAGE_BYTES).

/// The size of the image as it would be read.
int32_t cimages_jpeg_size(const uint8_t *data, size_t count, const cimages_jpeg_reading *reading, cimages_size *size,
                          char *message);
/// Reads an image into `output`, which has the size that cimages_jpeg_size gives.
int32_t cimages_jpeg_read(const uint8_t *data, size_t count, const cimages_jpeg_reading *reading, const cimages_size *size,
                          uint8_t *output, const cimages_account *account, char *message);
/// The size of the image as it is in the file.
int32_t cimages_jpeg_shape(const uint8_t *data, size_t count, cimages_size *size, char *message);

/// How a JPEG image is written.
typedef struct {
    int32_t quality;
    int32_t is_progressive, optimizes_size, downsamples_chroma;
    /// 1: dots per inch; 2: per centimetre.
    int32_t density_unit;
    int32_t x_density, y_density;
    const uint8_t *xmp;
    size_t xmp_count;
} cimages_jpeg_writing;

/// A file in memory. `bytes` is freed by cimages_free; `capacity` is what is counted of it.
typedef struct {
    uint8_t *bytes;
    size_t count, capacity;
} cimages_file;

/// The most memory that writing an image takes besides the file.
int64_t cimages_jpeg_write_bytes(const cimages_size *size, const cimages_jpeg_writing *writing);
/// Writes an image of 1 or 3 channels.
int32_t cimages_jpeg_write(const uint8_t *pixels, const cimages_size *size, const cimages_jpeg_writing *writing,
                           cimages_file *file, const cimages_account *account, char *message);

/// The size of the image as it would be read: with `channels` (0: as many as the file has) of `bits`, 8 or 16.
int32_t cimages_png_size(const uint8_t *data, size_t count, int32_t channels, int32_t bits, cimages_size *size,
                         const cimages_account *account, char *message);
/// Reads an image into `output`, which has the size that cimages_png_size gives.
int32_t cimages_png_read(const uint8_t *data, size_t count, int32_t channels, int32_t bits, const cimages_size *size, void *output,
                         const cimages_account *account, char *message);
/// Writes an image of 1 to 4 channels of `bits`, 8 or 16. `compression`: 0 to 9, or -1.
int32_t cimages_png_write(const void *pixels, const cimages_size *size, int32_t bits, int32_t compression, cimages_file *file,
                          const cimages_account *account, char *message);

void cimages_free(uint8_t *memory);

#endif
