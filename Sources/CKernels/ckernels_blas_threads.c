// OpenBLAS asks this function of its own by name how many threads to start while it is loaded, so the program's definition replaces it. The
// scheduler has the only threads. Those of OpenBLAS would compete with the start of the program, and idle afterwards.
// openblas_set_num_threads() can still start them.
int openblas_num_threads_env(void);

int openblas_num_threads_env(void) { return 1; }
