"""Random graphs of ops, shapes, dtypes, branches, loops and gradients, with TensorFlow's outputs.

The fixture has a few. `make test-differential` makes thousands:

    python Tests/Fixtures/generator/differential.py OUT COUNT [FIRST_SEED]

Graph number n depends on seed n alone, so its seed, which is in the record's label, reproduces a failure. The steps of
graphs are in steps/, by family.
"""
import os
import sys

import numpy as np

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    __package__ = "generator"
from . import core
from .core import graph_case, tf, tf1
from .steps.choices import COMPLEX, INTEGERS, SMALL, Choices
from .steps.elementwise import ElementwiseSteps
from .steps.flow import FlowSteps
from .steps.functions import FunctionSteps
from .steps.layers import LayerSteps
from .steps.movement import MovementSteps
from .steps.randomness import RandomSteps
from .steps.reductions import ReductionSteps
from .steps.sparse import SparseSteps
from .steps.state import StateSteps
from .steps.strings import StringSteps

SEEDS_IN_FIXTURE = 330
# Gradients of loops in functions can be a hundred times as long as the loops.
LARGEST_IN_FIXTURE = 4000
# The errors of a step that does not fit its inputs.
REFUSALS = (ValueError, TypeError, LookupError, NotImplementedError, AttributeError, tf.errors.OpError)


def graphs():
    for seed in range(SEEDS_IN_FIXTURE):
        record(seed, largest=24, most_steps=7, most_bytes=LARGEST_IN_FIXTURE)


def record(seed, largest=2048, most_steps=14, most_bytes=None):
    """The tolerance of floats after a dozen ops, each of which may cancel digits."""
    tf1.disable_control_flow_v2()
    maker = Maker(seed, largest)
    maker.make(most_steps)
    tolerance = 0.05 if maker.is_narrow else 1e-4
    graph, variables, runs = maker.finished()
    if most_bytes and graph.ByteSize() > most_bytes:
        return
    graph_case(f"seed {seed}", graph, variables=variables, runs=runs, rtol=tolerance, atol=tolerance)


class Maker(ElementwiseSteps, MovementSteps, ReductionSteps, LayerSteps, StringSteps, FunctionSteps, SparseSteps, StateSteps, FlowSteps,
            RandomSteps, Choices):
    """Makes one graph. Each step adds one or more values to a pool."""

    def __init__(self, seed, largest):
        super().__init__(seed, largest)
        self.graph = tf.Graph()
        families = [self.elementwise_steps, self.movement_steps, self.reduction_steps, self.layer_steps, self.string_steps,
                    self.function_steps, self.sparse_steps, self.state_steps, self.flow_steps, self.gradient_steps, self.random_steps]
        self.families = [family() for family in families]
        self.weights = np.array([24, 20, 12, 12, 6, 5, 3, 2, 9, 5, 2]) / 100

    def make(self, most_steps):
        with self.graph.as_default():
            for _ in range(self.integer(1, 3)):
                self.add_placeholder()
            for _ in range(self.integer(3, most_steps)):
                self.grow()

    def grow(self):
        """Adds a step, if it fits the values in the pool."""
        before, graph = len(self.pool), tf1.get_default_graph()
        context = graph._get_control_flow_context()
        for _ in range(20):
            try:
                step = self.one(self.families[self.random.choice(len(self.families), p=self.weights)])
                if step() and len(self.pool) > before:
                    break
            except REFUSALS:
                # A gradient that fails leaves what is made after it in the loop that it was in.
                graph._set_control_flow_context(context)

    def add_placeholder(self):
        dtype = self.one((self.floats * 2 + INTEGERS) * 2 + ["bool", "bool", "string", "string"] + SMALL + COMPLEX)
        shape = self.some_shape(1, 4)
        while np.prod(shape) > self.largest:
            shape.pop()
        known = [None if self.random.rand() < 0.4 and i == 0 else size for i, size in enumerate(shape)]
        placeholder = tf1.placeholder(dtype, known)
        # What the graph is made with, where sizes matter.
        self.placeholders.append((placeholder, shape))
        self.pool.append(placeholder)

    # What is fed and fetched.

    def finished(self):
        """The graph without unneeded nodes, its variables, and its runs."""
        runs = self.runs()
        names = {name.split(":")[0] for _, fetches in runs for name in fetches} | {p.op.name for p, _ in self.placeholders}
        graph = tf1.graph_util.extract_sub_graph(self.graph.as_graph_def(), sorted(names))
        drop_unused_functions(graph)
        variables = {node.name: self.variables[node.name] for node in graph.node if node.op == "VarHandleOp"}
        return graph, variables, runs

    def feeds(self, batch=None):
        return {p.name: self.values(p.dtype.name, self.fed_shape(p, shape, batch)) for p, shape in self.placeholders}

    def fed_shape(self, placeholder, shape, batch):
        """Changes the size of the first axis if the placeholder accepts any; rarely otherwise, which is refused."""
        is_other = batch is not None and shape and (placeholder.shape.as_list()[0] is None or self.chance(0.05))
        return [batch] + shape[1:] if is_other else shape

    def fetches(self):
        leaves = [t.name for t in self.pool if t.ref() not in self.is_used]
        inner = [t.name for t in self.pool if t.ref() in self.is_used and t.op.type != "Placeholder"]
        picked = [inner[i] for i in sorted(self.random.choice(len(inner), min(2, len(inner)), replace=False))] if inner else []
        return (leaves + picked)[:8]

    def runs(self):
        """Runs some graphs again with another size of the first axis. If it does not fit, both must refuse it."""
        runs = [(self.feeds(), self.fetches())]
        if not self.has_state and self.random.rand() < 0.4:
            runs.append((self.feeds(batch=self.integer(0, 4)), self.fetches()))
        return runs


def drop_unused_functions(graph):
    """Keeps the functions that are called, without data for TensorFlow's own tools only."""
    functions = {function.signature.name: function for function in graph.library.function}
    called, pending = {}, list(graph.node)
    while pending:
        for attribute in pending.pop().attr.values():
            for function in [attribute.func, *attribute.list.func]:
                if function.name in functions and function.name not in called:
                    called[function.name] = functions[function.name]
                    pending.extend(called[function.name].node_def)
    graph.library.ClearField("function")
    for name in sorted(called):
        function = graph.library.function.add()
        function.CopyFrom(called[name])
        function.arg_attr.clear()
        function.attr.pop("_construction_context", None)
        for node in function.node_def:
            node.ClearField("experimental_debug_info")
            for attribute in ("_output_shapes", "_class"):
                node.attr.pop(attribute, None)


def main(out, count, first):
    core.begin()
    for seed in range(first, first + count):
        record(seed)
    core.finish(out)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)
