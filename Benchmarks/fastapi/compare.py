"""Sends requests to metaserve and to FastAPI in turns, and prints a Markdown table; see fastapi.sh.

Usage: compare.py FOLDER METASERVE THREADS WORKERS PORT ROUNDS SECONDS CONNECTIONS,... MODEL...
"""
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))


def wait(url, process):
    """Waits until a server answers, whatever it answers."""
    for _ in range(1200):
        try:
            urllib.request.urlopen(url, timeout=1)
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            if process.poll() is not None:
                sys.exit(f"{' '.join(process.args)}: ended with status {process.returncode}")
            time.sleep(0.05)
    sys.exit(f"{url}: no response within a minute")


def load(program, folder, url, connections, seconds):
    """Responses a second, and the 99th percentile in milliseconds; None if requests fail."""
    command = [program, "benchmark", folder, "--case", "0", "--http", url, "--connections", str(connections)]
    result = subprocess.run(command + ["--seconds", str(seconds), "--json"], capture_output=True, text=True)
    if result.returncode != 0:
        print(f"{url}: {result.stderr.strip()}", file=sys.stderr)
        return None
    line = json.loads(result.stdout)
    if line["error_count"]:
        print(f"{url}: {line['errors']}", file=sys.stderr)
        return None
    return line["responses_per_second"], line["p99_us"] / 1000


def compare(program, name, folder, threads, workers, port, rounds, seconds, connections):
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    own = [program, "serve", folder, "--threads", str(threads), "--log-level", "error", "--port", str(port)]
    other = [sys.executable, "-m", "uvicorn", "app:app", "--workers", str(workers), "--port", str(port + 1)]
    other += ["--log-level", "error", "--no-access-log", "--loop", "uvloop", "--http", "httptools"]
    environment = os.environ | {"MODEL": os.path.abspath(f"{folder}/model.onnx")}
    servers = [subprocess.Popen(own, **quiet), subprocess.Popen(other, cwd=HERE, env=environment, **quiet)]
    urls = [f"http://127.0.0.1:{port}/predict", f"http://127.0.0.1:{port + 1}/predict"]
    try:
        for url, server in zip(urls, servers):
            wait(url, server)
        for url in urls:
            load(program, folder, url, max(connections), 1)
        for count in connections:
            results = [[], []]
            for number in range(rounds):
                for place in (0, 1) if number % 2 == 0 else (1, 0):
                    results[place].append(load(program, folder, urls[place], count, seconds))
            if None in results[0] + results[1]:
                print(f"| {name} | {count} | requests fail | | | | | |", flush=True)
                continue
            (rate, slow), (other_rate, other_slow) = (
                [statistics.median(values) for values in zip(*result)] for result in results)
            print(
                f"| {name} | {count} | {rate:.0f} | {other_rate:.0f} | {rate / other_rate:.2f} "
                f"| {slow:.2f} | {other_slow:.2f} | {slow / other_slow:.2f} |", flush=True)
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            server.wait()


def main(folder, program, threads, workers, port, rounds, seconds, connections, names):
    print("| model | connections | metaserve, responses/s | FastAPI | ratio | metaserve, 99 %, ms | FastAPI | ratio |")
    print("| --- " + "| ---: " * 7 + "|")
    for name in names:
        if not os.path.exists(f"{folder}/{name}/model.onnx"):
            print(f"| {name} | | no ONNX model | | | | | |", flush=True)
            continue
        compare(program, name, f"{folder}/{name}", threads, workers, port, rounds, seconds, connections)


if __name__ == "__main__":
    if len(sys.argv) < 10:
        sys.exit(__doc__)
    numbers = [int(word) for word in sys.argv[3:7]]
    counts = [int(word) for word in sys.argv[8].split(",")]
    main(sys.argv[1], sys.argv[2], *numbers, float(sys.argv[7]), counts, sys.argv[9:])
