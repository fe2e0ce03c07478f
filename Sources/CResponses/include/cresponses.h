#ifndef CANSWERS_H
#define CANSWERS_H
#include <microhttpd.h>
#include <stdbool.h>

/// Answers a request that libmicrohttpd refuses by itself, past the library.
///
/// Returns whether it did; then the library closes the connection without a word.
typedef bool (*cresponses_refusal)(struct MHD_Connection *connection, unsigned int status);

/// Has the library's own refusals answered by a function from now on, for the whole process.
void cresponses_set_refusal(cresponses_refusal refusal);

/// The library's MHD_queue_response.
enum MHD_Result cresponses_queue(struct MHD_Connection *connection, unsigned int status, struct MHD_Response *response);
#endif
