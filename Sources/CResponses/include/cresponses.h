#ifndef CANSWERS_H
#define CANSWERS_H
#include <microhttpd.h>
#include <stdbool.h>

/// Responds to a request that libmicrohttpd refuses itself, bypassing the library.
///
/// Returns whether it did. The library then closes the connection without a response.
typedef bool (*cresponses_refusal)(struct MHD_Connection *connection, unsigned int status);

/// Sets the function that responds to the library's own refusals, for the whole process.
void cresponses_set_refusal(cresponses_refusal refusal);

/// The library's MHD_queue_response.
enum MHD_Result cresponses_queue(struct MHD_Connection *connection, unsigned int status, struct MHD_Response *response);
#endif
