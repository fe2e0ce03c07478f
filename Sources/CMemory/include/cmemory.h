#ifndef CMEMORY_H
#define CMEMORY_H

#include <malloc.h>

/// Gives memory back to the operating system that was freed, but is kept by malloc; where malloc is another's, does nothing.
static inline void cmemory_trim(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

#endif
