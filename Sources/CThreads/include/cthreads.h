#ifndef CTHREADS_H
#define CTHREADS_H

/// One more than the number of the calling thread; 0 before it has one.
extern _Thread_local unsigned cthreads_own;

/// Gives the calling thread its number.
unsigned cthreads_assign(void);

/// The number of the calling thread: 0, 1, 2 ..., in the order in which threads first ask.
static inline unsigned cthreads_number(void) {
    unsigned own = cthreads_own;
    return own ? own - 1 : cthreads_assign();
}
#endif
