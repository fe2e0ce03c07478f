// Which processors threads run on. The functions of sched.h that say so are macros or extensions, which Swift does not see.
#define _GNU_SOURCE
#include "cprocessors.h"

#include <sched.h>
#include <unistd.h>

int cprocessors_thread(void) { return (int)gettid(); }

int cprocessors_current(void) { return sched_getcpu(); }

void cprocessors_move_away(int thread, int processor) {
    cpu_set_t allowed;
    // Machines with more processors than the set holds are left alone.
    if (processor < 0 || processor >= CPU_SETSIZE || sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    CPU_CLR(processor, &allowed);
    if (CPU_COUNT(&allowed) > 0) sched_setaffinity(thread, sizeof allowed, &allowed);
}
