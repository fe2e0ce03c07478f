#!/usr/bin/env python3
"""Makes the test fixtures anew with TensorFlow. Not needed to build, test or serve.

    python3 -m venv .build/tensorflow && .build/tensorflow/bin/pip install tensorflow==2.21.0 scikit-learn
    .build/tensorflow/bin/python Tests/Fixtures/generate.py [FAMILY ...]

Each module of generator/ but the HELPERS is a family. Its function `cases()` makes runs of single ops, which go to
ops/FAMILY.vectors; `graphs()` makes runs of graphs, which go to graphs/FAMILY.graphs; `write(folder)` writes what it likes.
Without names all families are made. The same bytes come out each time.
"""
import importlib
import os
import subprocess
import sys

HELPERS = {"__init__", "core", "movement", "registry"}
# Families that are made as TensorFlow computes by default, with oneDNN; the others with its plain kernels.
DEFAULT_KERNELS = {"fused_activations"}
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
