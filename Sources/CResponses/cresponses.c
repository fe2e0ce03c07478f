#define _GNU_SOURCE
#include "cresponses.h"
#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

// libmicrohttpd responds to malformed requests itself, with HTML pages, and has no option to change that. It calls two of its own public
// functions by name, however, so the program's definitions replace them. If the library was linked to use only its own, its pages are
// sent unchanged.

typedef enum MHD_Result (*queue_function)(struct MHD_Connection *, unsigned int, struct MHD_Response *);
typedef enum MHD_Result (*lookup_function)(
    struct MHD_Connection *, enum MHD_ValueKind, const char *, size_t, const char **, size_t *);

static queue_function library_queue;
static lookup_function library_lookup;
static _Atomic(cresponses_refusal) current_refusal;

/// Runs before main, after the library is loaded and before any other thread starts.
__attribute__((constructor)) static void find_functions(void) {
    *(void **)&library_queue = dlsym(RTLD_NEXT, "MHD_queue_response");
    *(void **)&library_lookup = dlsym(RTLD_NEXT, "MHD_lookup_connection_value_n");
}

void cresponses_set_refusal(cresponses_refusal refusal) {
    atomic_store_explicit(&current_refusal, refusal, memory_order_release);
}

enum MHD_Result cresponses_queue(struct MHD_Connection *connection, unsigned int status, struct MHD_Response *response) {
    return library_queue ? library_queue(connection, status, response) : MHD_NO;
}

/// The function that the library calls with its own responses.
enum MHD_Result MHD_queue_response(
    struct MHD_Connection *connection, unsigned int status, struct MHD_Response *response) {
    cresponses_refusal refusal = atomic_load_explicit(&current_refusal, memory_order_acquire);
    if (refusal && refusal(connection, status)) return MHD_NO;
    return cresponses_queue(connection, status, response);
}

/// The function that the library calls to look up headers. Cookies are not used. If they are not found, the library does not parse them,
/// which would need more memory for many cookies than a connection has.
enum MHD_Result MHD_lookup_connection_value_n(
    struct MHD_Connection *connection, enum MHD_ValueKind kind, const char *key, size_t key_size, const char **value,
    size_t *value_size) {
    static const char cookie[] = MHD_HTTP_HEADER_COOKIE;
    if (key && key_size == sizeof cookie - 1 && strncasecmp(key, cookie, key_size) == 0) return MHD_NO;
    return library_lookup ? library_lookup(connection, kind, key, key_size, value, value_size) : MHD_NO;
}
