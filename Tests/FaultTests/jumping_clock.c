// A wall clock that jumps, for the fault tests: preloaded into the server, it adds to the time of day as many seconds as the file says
// that CLOCK_JUMP names, 8 bytes in the machine's order. Clocks that only go forward are left alone.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile const int64_t *jump;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("CLOCK_JUMP");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *map = mmap(NULL, sizeof *jump, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (map != MAP_FAILED) jump = map;
}

int clock_gettime(clockid_t clock, struct timespec *value) {
    int status = (int)syscall(SYS_clock_gettime, clock, value);
    if (status == 0 && jump && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) value->tv_sec += *jump;
    return status;
}

int gettimeofday(struct timeval *restrict value, void *restrict zone) {
    int status = (int)syscall(SYS_gettimeofday, value, zone);
    if (status == 0 && jump) value->tv_sec += *jump;
    return status;
}

time_t time(time_t *result) {
    struct timespec value;
    clock_gettime(CLOCK_REALTIME, &value);
    if (result) *result = value.tv_sec;
    return value.tv_sec;
}
