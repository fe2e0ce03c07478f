"""Runs models with metaserve and with other programs in turns, and prints the medians as a Markdown table.

Usage: race.py FOLDER METASERVE THREADS ROUNDS SECONDS [MODEL...]     a folder of converted models; see race.sh

Each turn is a process of its own. A figure is the median of its rounds. The ratio is that to the fastest other program whose
outputs are right: below 1, metaserve is faster. PEERS in the environment names some of the other programs, in any order.
"""
import json
import math
import os
import statistics
import subprocess
import sys

ALL = {"tensorflow": "TensorFlow", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "litert": "LiteRT"}
PEERS = [peer for peer in ALL if peer in os.environ.get("PEERS", " ".join(ALL)).split()]
TITLES = [ALL[peer] for peer in PEERS] + ["metaserve"]
HERE = os.path.dirname(os.path.abspath(__file__))
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if name not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
}


def turn(command):
    """The median in microseconds; None if the program fails, or its outputs differ."""
    result = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)
    try:
        line = json.loads(result.stdout.strip().splitlines()[-1])
        return line["median_us"] if line.get("agrees", True) else None
    except (IndexError, KeyError, ValueError):
        if command[1] == "benchmark":
            sys.exit(f"{' '.join(command)}: {result.stderr or 'prints no median'}")
        return None


def measure(folder, case, program, threads, rounds, seconds):
    commands = {
        peer: [sys.executable, f"{HERE}/peers.py", peer, folder, str(case), str(threads), str(seconds)] for peer in PEERS
    }
    own = ["--case", str(case), "--threads", str(threads), "--seconds", str(seconds)]
    commands["metaserve"] = [program, "benchmark", folder] + own
    times, failed = {}, set()
    names = list(commands)
    for number in range(rounds):
        # Each is the first of a round in turn.
        for name in names[number % len(names):] + names[:number % len(names)]:
            if name in failed:
                continue
            time = turn(commands[name])
            if time is None:
                failed.add(name)
            else:
                times.setdefault(name, []).append(time)
    return {name: statistics.median(values) for name, values in times.items() if name not in failed}


def text(microseconds):
    if microseconds is None:
        return "-"
    value, unit = (microseconds / 1000, "ms") if microseconds >= 1000 else (microseconds, "us")
    return f"{value:.3g} {unit}" if value < 100 else f"{value:.0f} {unit}"


def main(folder, program, threads, rounds, seconds, names):
    print("| model | batch | " + " | ".join(TITLES) + " | metaserve / fastest other |")
    print("| --- " + "| ---: " * (len(TITLES) + 2) + "|")
    ratios, slower = [], []
    for name in names:
        with open(f"{folder}/{name}/cases.json") as file:
            cases = json.load(file)
        for index, case in enumerate(cases):
            shapes = [value["shape"] for value in case["feeds"].values() if value["shape"]]
            times = measure(f"{folder}/{name}", index, program, threads, rounds, seconds)
            best = min((time for peer, time in times.items() if peer != "metaserve"), default=math.nan)
            ratio = times["metaserve"] / best
            if not math.isnan(ratio):
                ratios.append(ratio)
            if ratio > 1:
                slower.append(f"{name} {index} ({ratio:.2f})")
            figures = [text(times.get(peer)) for peer in PEERS + ["metaserve"]]
            print(
                f"| {name} | {shapes[0][0] if shapes else 1} | " + " | ".join(figures) + f" | {ratio:.2f} |", flush=True)
    if ratios:
        mean = math.exp(statistics.fmean(map(math.log, ratios)))
        print(f"\nSlower than the fastest other program: {len(slower)} of {len(ratios)}. {', '.join(slower)}")
        print(f"Geometric mean of {len(ratios)} ratios: {mean:.2f}. \"-\": fails, or differs from TensorFlow's outputs.")


if __name__ == "__main__":
    if len(sys.argv) < 6:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]), sys.argv[6:])
