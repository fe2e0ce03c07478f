#ifndef METER_H
#define METER_H

/// Counts what the calling thread allocates with malloc and frees, from this call on.
void meter_begin(void);

/// Ends the counting.
///
/// Returns the peak number of allocated bytes; -1 if malloc cannot be counted (under a sanitizer).
long meter_end(void);

#endif
