// Waiting for many sockets, and for a time: epoll and timerfd, which Swift's module of the C library leaves out.
#ifndef CEVENTS_H
#define CEVENTS_H

#include <stdint.h>

/// What is ready.
struct cevents_event {
    /// The number that the descriptor was added with.
    uint64_t tag;
    /// Whether there is something to read, or the other side has gone.
    int32_t is_readable;
    /// Whether more can be written.
    int32_t is_writable;
};

/// Opens a poller; -1 on failure.
int cevents_open(void);

/// Opens a timer; -1 on failure.
int cevents_open_timer(void);

/// Makes a timer ready at a time of the monotonic clock.
void cevents_set_timer(int timer, uint64_t nanoseconds);

/// Makes a timer that was ready not ready.
void cevents_clear_timer(int timer);

/// Adds a descriptor, to be read.
void cevents_add(int poller, int descriptor, uint64_t tag);

/// Says whether a descriptor is watched for room to write, too.
void cevents_change(int poller, int descriptor, uint64_t tag, int waits_to_write);

/// Waits until something is ready.
///
/// Returns the number of events; 0 after `milliseconds`, or a signal.
int cevents_wait(int poller, struct cevents_event *events, int capacity, int milliseconds);

#endif
