// Runs recorded ops with growing inputs until the run's account refuses, and compares the memory from malloc with the counted memory.
//
//     memory-trial MEBIBYTES RUNS FILE.vectors ...
//
// MEBIBYTES is the limit of a run, RUNS the number of recorded runs of each op to try.
//
// Prints a line for each run that took more than it counted, or that continued long after its deadline, and a line of sums. Exits with
// status 1 if there was one of the first kind.
import Glibc
import Kernels
import OperationSupport
import Operations
import Tensors
import Threads
import VectorSupport

var limit = rlimit(rlim_cur: 3 << 30, rlim_max: 3 << 30)
// A kernel that allocates beyond the account gets no memory, and the program crashes, which the caller notices.
setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)

let arguments = CommandLine.arguments
guard arguments.count > 3, let mebibytes = Int(arguments[1]), let runs = Int(arguments[2]) else {
    print("usage: memory-trial MEBIBYTES RUNS FILE.vectors ...")
    exit(2)
}
var trial = MemoryTrial(limitBytes: mebibytes << 20, runsOfAnOp: runs)
for path in arguments.dropFirst(3) {
    for vector in try VectorFile.read(path) where vector.error.isEmpty { trial.run(vector) }
}
trial.printSums()
exit(trial.faults == 0 ? 0 : 1)
