#ifndef CARGUMENTS_H
#define CARGUMENTS_H

/// The number of arguments, including the program's name; 0 if the C library does not provide it before main.
int carguments_count(void);

/// An argument; NULL beyond the last. Valid until the program ends.
const char *carguments_word(int index);

#endif
