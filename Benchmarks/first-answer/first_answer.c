// Starts a server and prints the milliseconds from then to its first answer: tries to connect without rest, posts the
// tutorial's request to /predict, and ends the server. For Benchmarks/start.sh.
//
// Usage: first-answer PORT COMMAND...
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char request[] =
    "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 65\r\n\r\n"
    "{\"feeds\":{\"w1:0\":13.0,\"w2:0\":17.0},\"fetches\":[\"op_to_restore:0\"]}";

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

// Returns whether the server answered 200; gives up if it is not there yet.
static int ask(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    char answer[512] = "";
    int is_answered = connect(client, (struct sockaddr *)&address, sizeof address) == 0 &&
                      send(client, request, sizeof request - 1, MSG_NOSIGNAL) > 0 &&
                      recv(client, answer, sizeof answer - 1, 0) > 0;
    close(client);
    if (!is_answered) return 0;
    if (strncmp(answer, "HTTP/1.1 200", 12) == 0) return 1;
    fprintf(stderr, "first-answer: not 200:\n%s\n", answer);
    exit(1);
}

int main(int count, char **arguments) {
    if (count < 3) {
        fprintf(stderr, "usage: first-answer PORT COMMAND...\n");
        return 2;
    }
    int port = atoi(arguments[1]);
    if (ask(port)) {
        fprintf(stderr, "first-answer: something answers on port %d already\n", port);
        return 1;
    }
    double start = now();
    pid_t server = fork();
    if (server == 0) {
        execvp(arguments[2], arguments + 2);
        perror(arguments[2]);
        _exit(127);
    }
    while (!ask(port)) {
        if (now() - start > 30e3 || waitpid(server, NULL, WNOHANG) != 0) {
            fprintf(stderr, "first-answer: the server does not answer\n");
            return 1;
        }
        usleep(100);
    }
    printf("%.1f\n", now() - start);
    kill(server, SIGTERM);
    waitpid(server, NULL, 0);
    return 0;
}
