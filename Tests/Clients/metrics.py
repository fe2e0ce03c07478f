"""Asks a fresh server, well and badly, and reads /metrics with Prometheus' own parsers: python metrics.py ADDRESS TOKEN, where
models/ is served. See ClientTests.swift."""

import re
import sys

import requests
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_strictly
from prometheus_client.parser import text_string_to_metric_families as read

address, token = sys.argv[1:]
session = requests.Session()


def scrape():
    response = session.get(f"{address}/metrics", timeout=20)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    text = response.text
    families = {family.name: family for family in read(text)}
    # The parser of OpenMetrics looks closer (histograms whose buckets shrink, families that are torn apart, samples that come
    # twice), but its counters have no _total in the names of families, and there is a mark at the end.
    strict = re.sub(r"^# (HELP|TYPE) (\w+)_total ", r"# \1 \2 ", text, flags=re.MULTILINE) + "# EOF\n"
    strict_families = {family.name: family for family in read_strictly(strict)}
    assert strict_families.keys() == families.keys()
    for family in families.values():
        assert family.documentation and family.type != "unknown", family.name
    return families


def value(families, family, suffix="", **labels):
    found = [sample.value for sample in families[family].samples
             if sample.name == families[family].name + suffix and sample.labels == labels]
    assert len(found) == 1, (family, suffix, labels, families[family].samples)
    return found[0]


def total(families, family, **labels):
    return value(families, family, "_total", **labels)


def series(families):
    return {(sample.name, tuple(sorted(sample.labels.items()))) for family in families.values() for sample in family.samples}


def post(path, body, status, **headers):
    response = session.post(address + path, json=body, headers=headers, timeout=20)
    assert response.status_code == status, (path, response.text)
    return len(response.request.body), len(response.content)


PROTOCOLS = {
    "predict": ("/models/tutorial/predict", lambda value: {"feeds": {"w1": value, "w2": 1}}),
    "tfserving": ("/v1/models/tutorial:predict", lambda value: {"inputs": {"w1": value, "w2": 1}}),
    "v2": ("/v2/models/tutorial/infer", lambda value: {"inputs": [
        {"name": name, "datatype": "FP32", "shape": [1], "data": [value if name == "w1" else 1]} for name in ("w1", "w2")]}),
}

start = scrape()
bytes_in = bytes_out = 0
for path, body in PROTOCOLS.values():
    for answer in [post(path, body(7), 200) for _ in range(5)] + [post(path, body("seven"), 400) for _ in range(3)]:
        bytes_in, bytes_out = bytes_in + answer[0], bytes_out + answer[1]
post("/models/tutorial/versions/7/predict", {"feeds": {"w1": 1, "w2": 1}}, 404)
# Over before it begins.
post("/models/digits/predict", {"feeds": {"x": [[0] * 64] * 500, "keep_prob": 1}}, 504, **{"Request-Timeout": "0.0000001"})
for number in range(20):
    session.get(f"{address}/path{number}", timeout=20)
    post(f"/models/model{number}/predict", {}, 404)

end = scrape()
for protocol in PROTOCOLS:
    assert total(end, "metaserve_requests", model="tutorial", protocol=protocol, status="200") == 5
    assert total(end, "metaserve_requests", model="tutorial", protocol=protocol, status="400") == 3
assert total(end, "metaserve_requests", model="tutorial", protocol="predict", status="404") == 1
assert total(end, "metaserve_requests", model="digits", protocol="predict", status="504") == 1
# Failures are among the latencies, in all of their phases.
assert value(end, "metaserve_request_duration_seconds", "_count", model="tutorial") == 25
for phase in ("queue", "parse", "run", "write"):
    assert value(end, "metaserve_request_phase_seconds", "_count", model="tutorial", phase=phase) == 25
assert value(end, "metaserve_request_phase_seconds", "_count", model="digits", phase="run") == 1
assert value(end, "metaserve_request_duration_seconds", "_sum", model="tutorial") > 0
assert value(end, "metaserve_batch_size", "_sum", model="tutorial") == 15
assert total(end, "metaserve_executions", model="tutorial") == 15
assert total(end, "metaserve_request_body_bytes", model="tutorial") == bytes_in
assert total(end, "metaserve_response_body_bytes", model="tutorial") == bytes_out
for model, step, weights in (("tutorial", 1000, 4), ("digits", 3000, 68912)):
    assert value(end, "metaserve_model_loaded", model=model) == 1
    assert value(end, "metaserve_model_step", model=model) == step
    assert value(end, "metaserve_model_version", model=model) == step
    assert value(end, "metaserve_model_weights_bytes", model=model) == weights
    assert value(end, "metaserve_model_age_seconds", model=model) > value(start, "metaserve_model_age_seconds", model=model)
    assert value(end, "metaserve_queue_depth", model=model) == 0
    assert value(end, "metaserve_requests_in_flight", model=model) == 0
    assert total(end, "metaserve_reloads", model=model, outcome="loaded") == 1
    assert total(end, "metaserve_reloads", model=model, outcome="broken") == 0
assert total(end, "metaserve_http_responses", status="504") == 1
assert value(end, "process_resident_memory_bytes") > 1_000_000
assert value(end, "metaserve_http_connections") >= 1
assert value(end, "process_max_fds") >= value(end, "process_open_fds")
assert total(end, "metaserve_version_requests", model="tutorial", version="1000", status="200") == 15
assert total(end, "metaserve_version_requests", model="tutorial", version="1000", status="400") == 9
assert value(end, "metaserve_version_request_duration_seconds", "_count", model="tutorial", version="1000") == 24
assert value(end, "metaserve_version_share_ratio", model="tutorial", version="1000") == 1
assert value(end, "metaserve_load_duration_seconds", "_count", model="tutorial") == 1
assert value(end, "process_threads") > 2 and value(end, "process_open_fds") > 3
assert 0 < value(end, "process_cpu_seconds", "_total")

# What clients made up made no series; only statuses of models are new.
new = {(name, dict(labels).get("status")) for name, labels in series(end) - series(start)}
assert all(name in ("metaserve_requests_total", "metaserve_version_requests_total") and status in ("400", "404", "504") for name, status in new), new

admin = {"Authorization": "Bearer " + token}
session.post(f"{address}/v2/repository/models/tutorial/unload", headers=admin, timeout=20).raise_for_status()
gone = scrape()
assert value(gone, "metaserve_model_loaded", model="tutorial") == 0
for family in ("metaserve_model_step", "metaserve_version_requests", "metaserve_version_request_duration_seconds"):
    assert not [sample for sample in gone[family].samples if sample.labels["model"] == "tutorial"]
session.post(f"{address}/v2/repository/models/tutorial/load", headers=admin, timeout=20).raise_for_status()
back = scrape()
assert value(back, "metaserve_model_loaded", model="tutorial") == 1
assert total(back, "metaserve_reloads", model="tutorial", outcome="loaded") == 2
# Counters never go back.
assert total(back, "metaserve_requests", model="tutorial", protocol="v2", status="200") == 5
print("ok")
