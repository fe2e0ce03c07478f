#ifndef METER_H
#define METER_H

/// Counts what the calling thread takes from malloc and gives back, from this call on.
void meter_begin(void);

/// Ends the counting.
///
/// Returns the most bytes that were taken at any time; -1 where malloc cannot be counted (under a sanitizer).
long meter_end(void);

#endif
