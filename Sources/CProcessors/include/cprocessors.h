#ifndef CPROCESSORS_H
#define CPROCESSORS_H

/// The calling thread's number.
int cprocessors_thread(void);

/// The processor that the calling thread runs on, or -1.
int cprocessors_current(void);

/// Moves a thread to the processors that the calling thread may run on, without `processor`. Does nothing where that is the only one.
void cprocessors_move_away(int thread, int processor);

#endif
