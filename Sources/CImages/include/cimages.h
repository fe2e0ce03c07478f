// Reading and writing of JPEG and PNG in memory. libjpeg and libpng report errors with longjmp. No jump leaves these functions. They keep
// no state.
#ifndef CIMAGES_H
#define CIMAGES_H

#include <stddef.h>
#include <stdint.h>

/// The maximum length of an error's text, including the terminating zero.
enum { CIMAGES_MESSAGE_BYTES = 256 };

/// The maximum number of scans of a JPEG image. More are an attack, not an image.
enum { CIMAGES_MAXIMUM_SCANS = 256 };

typedef struct {
    int64_t height, width, channels;
    /// The maximum memory for reading a JPEG image, besides the image.
    int64_t work_bytes;
} cimages_size;

/// The functions with which a call counts memory, and asks whether to continue.
typedef struct {
    /// Counts memory that is about to be allocated or, if negative, was freed. Returns 0 if it must not be allocated.
    int32_t (*take)(const void *context, int64_t byte_count);
    /// Whether to stop.
    int32_t (*is_over)(const void *context);
    const void *context;
} cimages_account;

/// How a JPEG image is read.
typedef struct {
    /// 0: as in the file; 1: grey; 3: red, green, blue.
    int32_t channels;
    /// 1, 2, 4 or 8: the factor by which the image is scaled down.
    int32_t ratio;
    int32_t fancy_upsampling;
    /// Whether the end of the data counts as the end of the image.
    int32_t recovers_truncated;
    /// The fraction of the rows that must exist. The others become black.
    float acceptable_fraction;
    /// Whether to use the accurate cosine transform instead of the fast one.
    int32_t is_accurate;
    int32_t is_cropped;
    int32_t crop_y, crop_x, crop_height, crop_width;
} cimages_jpeg_reading;

// All functions return 0, or another value after an error, whose text is then in `message` (CIMAGES_MESSAGE_BYTES).

/// The size of the image as it would be read.
int32_t cimages_jpeg_size(const uint8_t *data, size_t count, const cimages_jpeg_reading *reading, cimages_size *size,
                          char *message);
/// Reads an image into `output`, which has the size that cimages_jpeg_size returns.
int32_t cimages_jpeg_read(const uint8_t *data, size_t count, const cimages_jpeg_reading *reading, const cimages_size *size,
                          uint8_t *output, const cimages_account *account, char *message);
/// The size of the image in the file.
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

/// A file in memory. cimages_free frees `bytes`. `capacity` is its counted size.
typedef struct {
    uint8_t *bytes;
    size_t count, capacity;
} cimages_file;

/// The maximum memory for writing an image, besides the file.
int64_t cimages_jpeg_write_bytes(const cimages_size *size, const cimages_jpeg_writing *writing);
/// Writes an image of 1 or 3 channels.
int32_t cimages_jpeg_write(const uint8_t *pixels, const cimages_size *size, const cimages_jpeg_writing *writing,
                           cimages_file *file, const cimages_account *account, char *message);

/// The size of the image as it would be read: with `channels` (0: as in the file) of `bits`, 8 or 16.
int32_t cimages_png_size(const uint8_t *data, size_t count, int32_t channels, int32_t bits, cimages_size *size,
                         const cimages_account *account, char *message);
/// Reads an image into `output`, which has the size that cimages_png_size returns.
int32_t cimages_png_read(const uint8_t *data, size_t count, int32_t channels, int32_t bits, const cimages_size *size, void *output,
                         const cimages_account *account, char *message);
/// Writes an image of 1 to 4 channels of `bits`, 8 or 16. `compression`: 0 to 9, or -1.
int32_t cimages_png_write(const void *pixels, const cimages_size *size, int32_t bits, int32_t compression, cimages_file *file,
                          const cimages_account *account, char *message);

void cimages_free(uint8_t *memory);

#endif
