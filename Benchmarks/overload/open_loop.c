// Sends requests at fixed rates whatever the server does, as many independent clients would, and tells what became of them.
//
// Usage: open-loop PORT PATH BODY CONNECTIONS RATE:SECONDS...    one phase after another, without a pause
//
// A latency runs from when a request was due. A request for which no connection was idle was not sent ("unsent"). Prints a line a phase:
// rate, seconds, answers a second with status 200, their latencies (median, 99th percentile), refusals a second (429 and 503), theirs,
// all others, unsent; then the answers with 200 of each half second.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { most = 20000, halves = 4096, longest = 1 << 14 };

struct Connection {
    int socket, phase, length;
    double due;
    char bytes[longest];
};

struct Phase {
    double rate, seconds, start;
    long sent, unsent, other;
    float *good, *refused;
    long goodCount, refusedCount, capacity;
};

static struct Connection *connections;
static int idle[most], idleCount, poller;
static struct Phase phases[16];
static int phaseCount;
static long half[halves];
static double begin;
static struct sockaddr_in address;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void stop(const char *what) {
    perror(what);
    exit(1);
}

static void open_connection(int index) {
    struct Connection *connection = &connections[index];
    connection->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (connection->socket < 0 || connect(connection->socket, (struct sockaddr *)&address, sizeof address) != 0)
        stop("connect");
    int yes = 1;
    setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    fcntl(connection->socket, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (unsigned)index};
    epoll_ctl(poller, EPOLL_CTL_ADD, connection->socket, &event);
    connection->length = 0;
    idle[idleCount++] = index;
}

static void note(struct Connection *connection, int status) {
    struct Phase *phase = &phases[connection->phase];
    double end = now();
    float latency = (float)(end - connection->due);
    if (status == 200 && phase->goodCount < phase->capacity) {
        phase->good[phase->goodCount++] = latency;
        int index = (int)((end - begin) * 2);
        if (index < halves) half[index]++;
    } else if ((status == 429 || status == 503) && phase->refusedCount < phase->capacity) {
        phase->refused[phase->refusedCount++] = latency;
    } else {
        phase->other++;
    }
}

// Reads what has come; a complete answer makes the connection idle.
static void receive(int index) {
    struct Connection *connection = &connections[index];
    ssize_t count = recv(connection->socket, connection->bytes + connection->length,
                         (size_t)(longest - 1 - connection->length), 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
        int place = 0;
        while (place < idleCount && idle[place] != index) place++;
        if (place < idleCount) idle[place] = idle[--idleCount];
        else note(connection, 0);
        close(connection->socket);
        open_connection(index);
        return;
    }
    connection->length += (int)count;
    connection->bytes[connection->length] = 0;
    char *end = strstr(connection->bytes, "\r\n\r\n");
    char *length = strcasestr(connection->bytes, "content-length:");
    if (end == NULL || length == NULL || length > end) return;
    if (connection->length < (int)(end + 4 - connection->bytes) + atoi(length + 15)) return;
    note(connection, atoi(connection->bytes + 9));
    connection->length = 0;
    idle[idleCount++] = index;
}

static int compare(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

static double percentile(float *values, long count, double part) {
    if (count == 0) return 0;
    qsort(values, (size_t)count, sizeof *values, compare);
    return 1000.0 * (double)values[(long)((double)(count - 1) * part)];
}

static void await(double end) {
    struct epoll_event events[256];
    double rest = end - now();
    struct timespec timeout = {0, rest > 0 ? (long)(rest * 1e9) : 0};
    if (rest >= 1) timeout = (struct timespec){0, 999999999};
    int count = epoll_pwait2(poller, events, 256, &timeout, NULL);
    for (int index = 0; index < count; index++) receive((int)events[index].data.u32);
}

int main(int argc, char **argv) {
    if (argc < 6) return fprintf(stderr, "usage: open-loop PORT PATH BODY CONNECTIONS RATE:SECONDS...\n"), 2;
    int count = atoi(argv[4]);
    if (count < 1 || count > most || argc - 5 > 16) return 2;
    connections = calloc((size_t)count, sizeof *connections);
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    poller = epoll_create1(0);
    for (int index = 0; index < count; index++) open_connection(index);
    char request[longest];
    int length = snprintf(request, sizeof request,
                          "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                          "Content-Length: %zu\r\n\r\n%s", argv[2], strlen(argv[3]), argv[3]);
    if (length >= longest) return 2;
    begin = now();
    double start = begin;
    for (int index = 5; index < argc; index++) {
        struct Phase *phase = &phases[phaseCount];
        if (sscanf(argv[index], "%lf:%lf", &phase->rate, &phase->seconds) != 2) return 2;
        phase->capacity = (long)(phase->rate * phase->seconds) + 1;
        phase->good = malloc((size_t)phase->capacity * sizeof(float));
        phase->refused = malloc((size_t)phase->capacity * sizeof(float));
        phase->start = start;
        while (phase->sent + phase->unsent < phase->capacity - 1) {
            double due = start + (double)(phase->sent + phase->unsent) / phase->rate;
            await(due);
            if (now() < due) continue;
            if (idleCount == 0) {
                phase->unsent++;
                continue;
            }
            struct Connection *connection = &connections[idle[--idleCount]];
            connection->phase = phaseCount;
            connection->due = due;
            phase->sent++;
            // What cannot be sent is noted when the connection turns out to be closed.
            (void)!send(connection->socket, request, (size_t)length, MSG_NOSIGNAL);
        }
        start += phase->seconds;
        phaseCount++;
    }
    double end = now() + 5;
    while (idleCount < count && now() < end) await(end);
    printf("%8s %5s %9s %9s %9s %9s %9s %9s %7s %7s\n", "rate/s", "s", "200/s", "p50 ms", "p99 ms", "refused/s", "p50 ms",
           "p99 ms", "other", "unsent");
    for (struct Phase *phase = phases; phase < phases + phaseCount; phase++) {
        printf("%8.0f %5.1f %9.1f %9.2f %9.2f %9.1f %9.2f %9.2f %7ld %7ld\n", phase->rate, phase->seconds,
               (double)phase->goodCount / phase->seconds, percentile(phase->good, phase->goodCount, 0.5),
               percentile(phase->good, phase->goodCount, 0.99), (double)phase->refusedCount / phase->seconds,
               percentile(phase->refused, phase->refusedCount, 0.5), percentile(phase->refused, phase->refusedCount, 0.99),
               phase->other, phase->unsent);
    }
    printf("200 in each half second:");
    for (int index = 0; index < (int)((start - begin) * 2) && index < halves; index++) printf(" %ld", half[index]);
    printf("\n");
    return 0;
}
