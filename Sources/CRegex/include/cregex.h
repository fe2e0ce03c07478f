#ifndef CREGEX_H
#define CREGEX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A regular expression of RE2's. It can be used by many threads at once.
typedef struct cregex cregex;

/// Compiles a pattern that may take so many bytes; NULL without memory. cregex_error tells whether it is one.
cregex *cregex_create(const uint8_t *pattern, size_t count, int64_t budget);
void cregex_destroy(cregex *regex);

/// What is wrong with the pattern, in RE2's words; NULL if nothing is. Valid as long as the expression.
const char *cregex_error(const cregex *regex);
/// Whether that is that it is too large for its budget.
bool cregex_is_too_large(const cregex *regex);

/// Whether the pattern matches the text from its beginning to its end.
bool cregex_matches_all(const cregex *regex, const uint8_t *text, size_t count);

/// Writes a text with the first match, or each one, replaced by `rewrite`, in which \1 stands for the first group, and so on.
///
/// What does not fit into `capacity` bytes is not written. `is_over` is asked now and then whether to stop.
/// Returns how many bytes there would be; SIZE_MAX where it was stopped.
size_t cregex_replace(const cregex *regex, const uint8_t *text, size_t count, const uint8_t *rewrite, size_t rewrite_count,
                      bool all, uint8_t *output, size_t capacity, bool (*is_over)(const void *), const void *context);

#ifdef __cplusplus
}
#endif
#endif
