// The least that libmicrohttpd needs to answer POST /predict: reads the body, drops it, sends a fixed answer of 60 bytes.
// What a server on the same library can reach at most, for Benchmarks/load.sh.
//
// Usage: bare-responder PORT [THREADS]. Serves until it is ended.
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char text[] = "{\"outputs\":{\"op_to_restore:0\":60.0},\"model\":\"the bare one\"}\n";
static struct MHD_Response *answer;
static char received;

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path, const char *method,
                              const char *version, const char *data, size_t *size, void **request) {
    (void)context, (void)version, (void)data;
    if (strcmp(method, "POST") != 0 || strcmp(path, "/predict") != 0) return MHD_NO;
    if (*request == NULL) {
        *request = &received;
        return MHD_YES;
    }
    if (*size != 0) {
        *size = 0;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, answer);
}

int main(int count, char **arguments) {
    if (count < 2) {
        fprintf(stderr, "usage: bare-responder PORT [THREADS]\n");
        return 2;
    }
    unsigned threads = count > 2 ? (unsigned)atoi(arguments[2]) : 2;
    answer = MHD_create_response_from_buffer(sizeof text - 1, text, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(answer, "Content-Type", "application/json");
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD, (uint16_t)atoi(arguments[1]), NULL, NULL, handle, NULL,
        MHD_OPTION_CONNECTION_TIMEOUT, 30u, MHD_OPTION_LISTEN_BACKLOG_SIZE, 1024u, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)(16 << 10),
        threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, threads, MHD_OPTION_END);
    if (daemon == NULL) {
        perror("bare-responder: cannot start");
        return 1;
    }
    for (;;) pause();
}
