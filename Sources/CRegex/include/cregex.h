#ifndef CREGEX_H
#define CREGEX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A regular expression of RE2. Many threads can use it at once.
typedef struct cregex cregex;

/// Compiles a pattern with a limit of bytes; NULL if there is not enough memory. cregex_error returns whether it is valid.
cregex *cregex_create(const uint8_t *pattern, size_t count, int64_t budget);
void cregex_destroy(cregex *regex);

/// The fault of the pattern, in RE2's words; NULL if there is none. Valid as long as the expression.
const char *cregex_error(const cregex *regex);
/// Whether the fault is that it exceeds its limit.
bool cregex_is_too_large(const cregex *regex);

/// Whether the pattern matches the text from its beginning to its end.
bool cregex_matches_all(const cregex *regex, const uint8_t *text, size_t count);

/// Writes a text with the first match, or each one, replaced by `rewrite`, in which \1 stands for the first group, and so on.
///
/// Bytes beyond `capacity` are not written. `is_over` is called at intervals, and returns whether to stop.
/// Returns the full number of bytes; SIZE_MAX if it was stopped.
size_t cregex_replace(const cregex *regex, const uint8_t *text, size_t count, const uint8_t *rewrite, size_t rewrite_count,
                      bool all, uint8_t *output, size_t capacity, bool (*is_over)(const void *), const void *context);

#ifdef __cplusplus
}
#endif
#endif
