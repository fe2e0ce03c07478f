#include "cthreads.h"
#include <stdatomic.h>

// Swift has no variables of a thread that can be read without a call.

_Thread_local unsigned cthreads_own;
static _Atomic unsigned assigned_count;

unsigned cthreads_assign(void) {
    cthreads_own = atomic_fetch_add_explicit(&assigned_count, 1, memory_order_relaxed) + 1;
    return cthreads_own - 1;
}
