#include "cevents.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { most_events = 256 };

int cevents_open(void) { return epoll_create1(EPOLL_CLOEXEC); }

int cevents_open_timer(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK); }

void cevents_set_timer(int timer, uint64_t nanoseconds) {
    // A time of zero would stop the timer.
    uint64_t time = nanoseconds > 0 ? nanoseconds : 1;
    struct itimerspec value = {.it_value = {.tv_sec = (time_t)(time / 1000000000), .tv_nsec = (long)(time % 1000000000)}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &value, NULL);
}

void cevents_clear_timer(int timer) {
    uint64_t count;
    ssize_t length = read(timer, &count, sizeof count);
    (void)length;
}

static void control(int poller, int operation, int descriptor, uint64_t tag, uint32_t events) {
    struct epoll_event event = {.events = events, .data = {.u64 = tag}};
    epoll_ctl(poller, operation, descriptor, &event);
}

void cevents_add(int poller, int descriptor, uint64_t tag) {
    control(poller, EPOLL_CTL_ADD, descriptor, tag, EPOLLIN);
}

void cevents_change(int poller, int descriptor, uint64_t tag, int waits_to_write) {
    control(poller, EPOLL_CTL_MOD, descriptor, tag, waits_to_write ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

int cevents_wait(int poller, struct cevents_event *events, int capacity, int milliseconds) {
    struct epoll_event ready[most_events];
    int count = epoll_wait(poller, ready, capacity < most_events ? capacity : most_events, milliseconds);
    for (int index = 0; index < count; index++) {
        events[index].tag = ready[index].data.u64;
        events[index].is_readable = (ready[index].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
        events[index].is_writable = (ready[index].events & EPOLLOUT) != 0;
    }
    return count > 0 ? count : 0;
}
