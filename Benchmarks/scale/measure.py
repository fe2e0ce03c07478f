"""Measures one part of the scale of metaserve, prints a Markdown table, and draws the curve.

Usage: measure.py batch|threads|models|graph SERVER MODELS SECONDS PLOTS
"""
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from curves import draw

PART, SERVER, MODELS, SECONDS, PLOTS = sys.argv[1:]
RACE = ["perceptron", "wide", "mobilenet", "encoder"]


def median(folder, *options):
    """Microseconds of a run: the median of three measurements, in processes of their own."""
    command = [SERVER, "benchmark", folder, "--seconds", SECONDS, *options]
    return statistics.median(
        json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout.splitlines()[-1])["median_us"]
        for _ in range(3))


def table(header, rows):
    print("\n| " + " | ".join(header) + " |\n|" + " ---: |" * len(header))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print(flush=True)


def progress(text):
    print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def rounded(number):
    return f"{number:,.3g}" if number < 100 else f"{number:,.0f}"


def batch():
    """Microseconds for each example, over the batch size."""
    sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
    curves = {}
    for model in RACE:
        curves[model] = []
        # A run of a large model takes seconds.
        for size in sizes:
            progress(f"{model}, batch {size}")
            curves[model].append((size, median(f"{MODELS}/{model}", "--batch", str(size)) / size))
            if curves[model][-1][1] * size > 1e6:
                break
    progress("")
    print("Microseconds for each example:")
    cell = lambda points, size: next((rounded(time) for at, time in points if at == size), "-")
    table(["batch", *RACE], [[size, *(cell(curves[model], size) for model in RACE)] for size in sizes])
    draw(f"{PLOTS}/batch.svg", "Time for each example", "batch size", "microseconds", curves)


def threads():
    """Speed over threads, relative to one."""
    counts = [1, 2, 4, 8, 16, 32, 64]
    counts = [count for count in counts if count <= len(os.sched_getaffinity(0))]
    curves = {}
    for model in RACE:
        for size in (1, 32):
            name = f"{model}, batch {size}"
            times = []
            for count in counts:
                progress(f"{name}, {count} threads")
                times.append(median(f"{MODELS}/{model}", "--batch", str(size), "--threads", str(count)))
            curves[name] = [(count, times[0] / time) for count, time in zip(counts, times)]
    progress("")
    print("Times as fast as one thread:")
    table(["threads", *curves], [
        [count, *(f"{points[index][1]:.2f}" for points in curves.values())] for index, count in enumerate(counts)])
    draw(f"{PLOTS}/threads.svg", "Speed over threads", "threads", "times as fast as one", curves, logarithmic=False)


def status(process):
    """Resident bytes, and processor seconds, of a process."""
    with open(f"/proc/{process}/statm") as file:
        resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    with open(f"/proc/{process}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return resident, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ready(port):
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False


def models():
    """A server with copies of models/digits: time to ready, memory, processor time without requests."""
    rows, curves = [], {"to ready, ms": [], "resident, MB": [], "idle, thousandths of a processor": []}
    for count in (1, 3, 10, 30, 100, 300, 1000):
        progress(f"{count} models")
        with tempfile.TemporaryDirectory() as folder:
            for number in range(count):
                copy = f"{folder}/digits{number}"
                os.mkdir(copy)
                for name in os.listdir("models/digits"):
                    with open(f"models/digits/{name}", "rb") as source, open(f"{copy}/{name}", "wb") as target:
                        target.write(source.read())
            port, begin = 18507, time.monotonic()
            server = subprocess.Popen([SERVER, "serve", folder, "--port", str(port), "--log-level", "error"])
            try:
                while not ready(port):
                    if server.poll() is not None:
                        sys.exit(f"the server ended with {server.returncode}")
                    time.sleep(0.001)
                waited = (time.monotonic() - begin) * 1000
                time.sleep(2)
                _, before = status(server.pid)
                time.sleep(10)
                resident, after = status(server.pid)
            finally:
                server.terminate()
                server.wait()
        idle = (after - before) / 10
        rows.append([count, f"{waited:,.0f}", f"{resident / 1e6:,.0f}", f"{idle * 100:.1f}"])
        for curve, value in zip(curves.values(), (waited, resident / 1e6, idle * 1000)):
            curve.append((count, value))
    progress("")
    table(["models", "ms to ready", "MB resident", "% of a processor without requests"], rows)
    draw(f"{PLOTS}/models.svg", "A server with copies of one model", "models", "", curves)


def graph():
    """Graphs of layers: wall time of `inspect`, which loads, and of `inspect --plan`, which also makes the plan."""
    rows, curves = [], {"load": [], "load and plan": []}
    for count in (10, 100, 1000, 10_000, 100_000):
        progress(f"{count} nodes")
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, f"{os.path.dirname(__file__)}/graphs.py", f"{folder}/graph.pb", str(count)]
            nodes = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            row = [f"{nodes:,}"]
            for curve, options in zip(curves.values(), ([], ["--plan"])):
                times = []
                # A long run is measured once.
                while len(times) < 5 and sum(times) < 5000:
                    begin = time.monotonic()
                    subprocess.run([SERVER, "inspect", "--json", *options, folder], check=True, stdout=subprocess.DEVNULL)
                    times.append((time.monotonic() - begin) * 1000)
                curve.append((nodes, statistics.median(times)))
                row.append(rounded(statistics.median(times)))
            row.append(rounded(curves["load and plan"][-1][1] * 1000 / nodes))
            rows.append(row)
    progress("")
    table(["nodes", "ms to load", "ms to load and plan", "us for each node"], rows)
    draw(f"{PLOTS}/graph.svg", "Loading and planning a graph", "nodes", "milliseconds", curves)


{"batch": batch, "threads": threads, "models": models, "graph": graph}[PART]()
