// Replacements of malloc and related functions, which count and call glibc's. Only a program that measures itself links this.
#include "meter.h"

#include <errno.h>
#include <malloc.h>
#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif

static _Thread_local long live;
static _Thread_local long peak;
static _Thread_local int is_counting;

void meter_begin(void) {
    live = 0;
    peak = 0;
    is_counting = 1;
}

long meter_end(void) {
    is_counting = 0;
#ifdef IS_SANITIZED
    return -1;
#else
    return peak;
#endif
}

#ifndef IS_SANITIZED

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static void *taken(void *memory) {
    if (is_counting && memory) {
        live += (long)malloc_usable_size(memory);
        if (live > peak) peak = live;
    }
    return memory;
}

static void given(void *memory) {
    if (is_counting && memory) live -= (long)malloc_usable_size(memory);
}

void *malloc(size_t size) { return taken(__libc_malloc(size)); }

void *calloc(size_t count, size_t size) { return taken(__libc_calloc(count, size)); }

void free(void *memory) {
    given(memory);
    __libc_free(memory);
}

void *realloc(void *memory, size_t size) {
    long old = is_counting && memory ? (long)malloc_usable_size(memory) : 0;
    void *moved = __libc_realloc(memory, size);
    if (is_counting && (moved || size == 0)) {
        // During a move, both blocks exist.
        long new = moved ? (long)malloc_usable_size(moved) : 0;
        if (moved != memory && live + new > peak) peak = live + new;
        live += new - old;
        if (live > peak) peak = live;
    }
    return moved;
}

void *memalign(size_t alignment, size_t size) { return taken(__libc_memalign(alignment, size)); }

void *aligned_alloc(size_t alignment, size_t size) { return taken(__libc_memalign(alignment, size)); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
    void *block = __libc_memalign(alignment, size);
    if (!block) return ENOMEM;
    *memory = taken(block);
    return 0;
}

#endif
