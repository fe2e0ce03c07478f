"""Draws curves as SVG files that do not change where the numbers do not."""
import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "metaserve"
matplotlib.rcParams["svg.fonttype"] = "none"
matplotlib.rcParams["font.family"] = "sans-serif"
from matplotlib import pyplot


def draw(path, title, across, up, curves, logarithmic=True):
    """`curves` are lists of points (x, y) by name."""
    figure, axes = pyplot.subplots(figsize=(6, 3.6), layout="constrained")
    for (name, points), marker in zip(curves.items(), "osd^v*P<"):
        axes.plot(*zip(*points), marker=marker, markersize=4, label=name)
    if logarithmic:
        axes.set_xscale("log")
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    ticks = sorted({x for points in curves.values() for x, _ in points})
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks], fontsize=8)
    axes.minorticks_off()
    axes.set(title=title, xlabel=across, ylabel=up)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
