#ifndef CRESPONSES_BODIES_H
#define CRESPONSES_BODIES_H
#include <stddef.h>
#include <stdint.h>

/// The body of a request that is received into memory of the server, not into the library's.
///
/// The library is told the numbers of bytes only. It hands on as many, which are then not in its own memory.
struct cresponses_body {
    int socket;
    /// Where the next bytes go, and how many may.
    uint8_t *room;
    size_t room_count;
    /// The bytes that were received there and that the library has not been told of.
    size_t ahead;
    /// The bytes that the library was told of and has not handed on. Others that it hands on after them are in its own memory.
    size_t told;
    /// The bytes of the body that have not been received.
    size_t rest;
};

/// Begins to receive a body on the calling thread, which must be that of the connection. All that the library has received so far
/// must have been handed on.
///
/// Returns NULL without memory. The body must be ended by the same thread, before the socket is closed.
struct cresponses_body *cresponses_begin_body(int socket, size_t rest);
void cresponses_end_body(struct cresponses_body *body);
#endif
