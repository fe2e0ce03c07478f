#include <zlib.h>

// A macro with arguments, which Swift cannot import. 32: detects zlib's or gzip's header.
static inline int czlib_inflate_init(z_stream *stream, int window_bits) { return inflateInit2(stream, window_bits); }

// As above. 8: zlib's default memory level.
static inline int czlib_deflate_init(z_stream *stream, int level, int window_bits) {
    return deflateInit2(stream, level, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
}
