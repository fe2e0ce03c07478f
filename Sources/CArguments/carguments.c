#include "carguments.h"

#include <features.h>
#include <stddef.h>

static int count;
static char **words;

#ifdef __GLIBC__
// glibc passes the arguments of main to constructors.
__attribute__((constructor)) static void note(int argc, char **argv) {
    count = argc;
    words = argv;
}
#endif

int carguments_count(void) { return count; }

const char *carguments_word(int index) { return index >= 0 && index < count ? words[index] : NULL; }
