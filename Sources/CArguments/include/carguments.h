#ifndef CARGUMENTS_H
#define CARGUMENTS_H

/// How many words the program was started with, its own name included; 0 where the C library does not tell it before main.
int carguments_count(void);

/// A word of them; NULL beyond the last. Valid until the program ends.
const char *carguments_word(int index);

#endif
