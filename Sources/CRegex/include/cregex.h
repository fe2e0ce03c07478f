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

/// Compiles a pattern; NULL without memory. cregex_error tells whether it is one.
cregex *cregex_create(const uint8_t *pattern, size_t count);
void cregex_destroy(cregex *regex);

/// What is wrong with the pattern, in RE2's words; NULL if nothing is. Valid as long as the expression.
const char *cregex_error(const cregex *regex);

/// Whether the pattern matches the text from its beginning to its end.
bool cregex_matches_all(const cregex *regex, const uint8_t *text, size_t count);

/// A text with the first match, or each one, replaced by `rewrite`, in which \1 stands for the first group, and so on.
///
/// Returns memory for cregex_free, with *result_count bytes; NULL without memory.
uint8_t *cregex_replace(const cregex *regex, const uint8_t *text, size_t count, const uint8_t *rewrite,
                        size_t rewrite_count, bool all, size_t *result_count);
void cregex_free(uint8_t *text);

#ifdef __cplusplus
}
#endif
#endif
