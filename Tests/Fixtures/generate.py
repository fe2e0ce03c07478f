#!/usr/bin/env python3
"""Generates the test fixtures again with TensorFlow. Not needed to build, test or serve.

    python3 -m venv .build/tensorflow && .build/tensorflow/bin/pip install tensorflow==2.21.0 scikit-learn
    .build/tensorflow/bin/python Tests/Fixtures/generate.py [FAMILY ...]

Each module of generator/, except for the HELPERS, is a family. Its function `cases()` records runs of single ops in
ops/FAMILY.vectors, `graphs()` records runs of graphs in graphs/FAMILY.graphs, and `write(folder)` writes other files.
Without names, all families are generated. On one kind of processor, the same bytes are generated each time. TensorFlow's
answers for `Rsqrt` and for random graphs depend on the processor.

The cases of a family draw their inputs from one sequence of random numbers. A new case in the middle changes all later
ones, so add new cases at the end.
"""
import importlib
import os
import subprocess
import sys

HELPERS = {"__init__", "core", "movement", "registry"}
# Families that are recorded with oneDNN, TensorFlow's default. The others are recorded with its plain kernels.
DEFAULT_KERNELS = {"channels_first", "fused_activations"}
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)


def main(names):
    files = os.listdir(os.path.join(HERE, "generator"))
    modules = sorted(f[:-3] for f in files if f.endswith(".py") and f[:-3] not in HELPERS)
    unknown = set(names) - set(modules)
    if unknown:
        sys.exit(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(modules)}")
    from generator import core
    for name in names or modules:
        if name in DEFAULT_KERNELS and os.environ.get("TF_ENABLE_ONEDNN_OPTS") != "1":
            subprocess.run([sys.executable, __file__, name], env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": "1"}, check=True)
            continue
        module = importlib.import_module(f"generator.{name}")
        if hasattr(module, "write"):
            module.write(HERE)
        for function, file in (("cases", f"ops/{name}.vectors"), ("graphs", f"graphs/{name}.graphs")):
            if hasattr(module, function):
                core.begin()
                getattr(module, function)()
                core.finish(os.path.join(HERE, file))


if __name__ == "__main__":
    main(sys.argv[1:])
