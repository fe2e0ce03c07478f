#define _GNU_SOURCE
#include "cresponses_bodies.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

// libmicrohttpd receives a body in parts that fit its memory of a connection, with two system calls for each, and the server copies
// them. It calls recv by name, however, so the program's definition replaces it. If the library was linked to use only its own, bodies
// are received as before.

/// The bodies of a thread by their sockets.
struct bodies {
    struct cresponses_body **of_socket;
    size_t count, used;
};
static _Thread_local struct bodies bodies;

static bool make_place(int socket) {
    if (socket < 0) return false;
    size_t place = (size_t)socket;
    if (place < bodies.count) return bodies.of_socket[place] == NULL;
    size_t larger = place + 1 + place / 2;
    struct cresponses_body **grown = realloc(bodies.of_socket, larger * sizeof *grown);
    if (!grown) return false;
    memset(grown + bodies.count, 0, (larger - bodies.count) * sizeof *grown);
    bodies.of_socket = grown;
    bodies.count = larger;
    return true;
}

static void free_places(void) {
    if (bodies.used > 0) return;
    free(bodies.of_socket);
    bodies = (struct bodies){NULL, 0, 0};
}

struct cresponses_body *cresponses_begin_body(int socket, size_t rest) {
    struct cresponses_body *body = make_place(socket) ? calloc(1, sizeof *body) : NULL;
    if (!body) {
        free_places();
        return NULL;
    }
    body->socket = socket;
    body->rest = rest;
    bodies.of_socket[socket] = body;
    bodies.used++;
    return body;
}

void cresponses_end_body(struct cresponses_body *body) {
    bodies.of_socket[body->socket] = NULL;
    bodies.used--;
    free(body);
    free_places();
}

static ssize_t receive(int socket, void *buffer, size_t count, int flags) {
    return recvfrom(socket, buffer, count, flags, NULL, NULL);
}

/// Receives as much of a body as there is room for, until nothing is left to receive or `wanted` bytes are ahead. Returns the result of
/// the last call.
///
/// `is_drained`: whether the socket had no more.
static ssize_t receive_ahead(struct cresponses_body *body, size_t wanted, bool *is_drained) {
    ssize_t got = 0;
    while (body->ahead < wanted && !*is_drained) {
        size_t most = body->room_count < body->rest ? body->room_count : body->rest;
        if (most == 0) break;
        got = receive(body->socket, body->room, most, 0);
        *is_drained = got < 0 || (size_t)got < most;
        if (got <= 0) break;
        body->room += got;
        body->room_count -= (size_t)got;
        body->rest -= (size_t)got;
        body->ahead += (size_t)got;
    }
    return got;
}

/// Tells the library of the body's next bytes, of which its buffer then has only the number. What follows the body, or finds no room, is
/// received into the buffer, behind them.
///
/// The library waits for the socket when it gets less than it asked for. So it gets less only if the socket had no more.
static ssize_t receive_body(struct cresponses_body *body, uint8_t *buffer, size_t count) {
    if (body->told > 0) {
        // The order would be lost. The library hands on what it has before it asks for more.
        errno = ECONNRESET;
        return -1;
    }
    bool is_drained = false;
    ssize_t got = receive_ahead(body, count, &is_drained);
    if (body->ahead == 0 && is_drained) return got;
    size_t told = body->ahead < count ? body->ahead : count;
    body->told = told;
    body->ahead -= told;
    if (is_drained || told == count) return (ssize_t)told;
    got = receive(body->socket, buffer + told, count - told, 0);
    if (got <= 0) return told > 0 ? (ssize_t)told : got;
    body->rest -= (size_t)got < body->rest ? (size_t)got : body->rest;
    return (ssize_t)told + got;
}

/// The function that the library calls.
ssize_t recv(int socket, void *buffer, size_t count, int flags) {
    if (bodies.used > 0 && flags == 0 && socket >= 0 && (size_t)socket < bodies.count && bodies.of_socket[socket])
        return receive_body(bodies.of_socket[socket], buffer, count);
    return receive(socket, buffer, count, flags);
}
