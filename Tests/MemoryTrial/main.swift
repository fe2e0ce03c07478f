// Runs recorded ops with inputs grown until the run's account refuses, and compares what malloc gave with what the account counted.
//
//     memory-trial MEBIBYTES RUNS FILE.vectors ...
//
// MEBIBYTES is what a run may take, RUNS how many recorded runs of each op are tried.
//
// Prints a line for each run that took more than it counted, or that went on for long after its time, and one of sums. Ends with 1
// where there was one of the first kind.
import Glibc
import Kernels
import OperationSupport
import Operations
import Tensors
import Threads
import VectorSupport

var limit = rlimit(rlim_cur: 3 << 30, rlim_max: 3 << 30)
// A kernel that takes memory past the account finds none, and the program dies: the caller sees it.
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
