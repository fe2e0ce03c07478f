#define _GNU_SOURCE
#include "copenblas.h"
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

copenblas_routines copenblas;
bool copenblas_opened;

static const char *(*core_name)(void);
static char failure[512];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const struct {
    const char *name;
    void **routine;
} routines[] = {
#define ENTRY(NAME, PARAMETERS) {#NAME, (void **)&copenblas.NAME},
    COPENBLAS_ROUTINES(ENTRY)
#undef ENTRY
};

// While OpenBLAS is loaded, it starts a thread for each processor that the loading thread may use. The scheduler has the only
// threads: those of OpenBLAS would compete with the start of the program, and idle afterwards. So this thread may use only the
// processor that it runs on, for as long as it loads.
static void *load(const char *name) {
    cpu_set_t all, one;
    const int processor = sched_getcpu();
    bool is_bound = false;
    if (processor >= 0 && processor < CPU_SETSIZE && sched_getaffinity(0, sizeof all, &all) == 0) {
        CPU_ZERO(&one);
        CPU_SET(processor, &one);
        is_bound = sched_setaffinity(0, sizeof one, &one) == 0;
    }
    void *library = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
    if (is_bound) sched_setaffinity(0, sizeof all, &all);
    return library;
}

static void open_library(void) {
    static const char name[] = "libopenblas.so.0";
    void *library = load(name);
    if (library == NULL) {
        const char *reason = dlerror();
        snprintf(failure, sizeof failure, "OpenBLAS cannot be loaded (Debian has it as libopenblas0-pthread): %s", reason != NULL ? reason : name);
        return;
    }
    void (*set_threads)(int) = NULL;
    *(void **)&core_name = dlsym(library, "openblas_get_corename");
    *(void **)&set_threads = dlsym(library, "openblas_set_num_threads");
    for (unsigned i = 0; i < sizeof routines / sizeof *routines; i++) {
        *routines[i].routine = dlsym(library, routines[i].name);
        if (*routines[i].routine == NULL) {
            snprintf(failure, sizeof failure, "%s has no %s", name, routines[i].name);
            return;
        }
    }
    // Where a thread may not choose its processors.
    if (set_threads != NULL) set_threads(1);
    __atomic_store_n(&copenblas_opened, true, __ATOMIC_RELEASE);
}

bool copenblas_open(void) {
    pthread_once(&once, open_library);
    return copenblas_is_open();
}

const char *copenblas_failure(void) { return failure[0] != 0 ? failure : NULL; }

const char *copenblas_core(void) { return copenblas_is_open() && core_name != NULL ? core_name() : NULL; }
