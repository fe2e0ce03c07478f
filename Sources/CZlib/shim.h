#include <zlib.h>

// A macro with arguments, which Swift does not see. 32: zlib's or gzip's header, whichever is there.
static inline int czlib_inflate_init(z_stream *stream, int window_bits) { return inflateInit2(stream, window_bits); }

// As above. 8: zlib's usual memory.
static inline int czlib_deflate_init(z_stream *stream, int level, int window_bits) {
    return deflateInit2(stream, level, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
}
