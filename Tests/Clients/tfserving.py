"""Talks to a server as clients of TensorFlow Serving's REST protocol do: python tfserving.py ADDRESS, where models/ and a model of
strings are served. See ClientTests.swift."""

import base64
import sys

import requests

address = sys.argv[1]
session = requests.Session()


def get(path):
    response = session.get(f"{address}/v1/models{path}", timeout=20)
    assert response.headers["content-type"].startswith("application/json"), response.headers
    return response.status_code, response.json()


def predict(path, body, **options):
    response = session.post(f"{address}/v1/models/{path}:predict", json=body, timeout=20, **options)
    return response.status_code, response.json()


def describe():
    status, body = get("/digits")
    assert status == 200
    assert body["model_version_status"] == [
        {"version": "3000", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}], body
    assert get("/digits/versions/3000") == (200, body)
    status, body = get("/digits/metadata")
    assert status == 200
    assert body["model_spec"] == {"name": "digits", "signature_name": "", "version": "3000"}, body
    signature = body["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["inputs"]["x"]["dtype"] == "DT_FLOAT"
    assert [size["size"] for size in signature["inputs"]["x"]["tensor_shape"]["dim"]] == ["-1", "64"]
    for path, error in (("/nope", "Could not find any versions of model nope"),
                        ("/digits/versions/7", "Could not find version 7 of model digits")):
        status, body = get(path)
        assert status == 404 and body["error"].startswith(error), body
    # KServe's clients read the same paths.
    assert "digits" in get("")[1]["models"]
    assert get("/digits")[1]["ready"] is True


def columns():
    rows = [[float(i % 16) for i in range(64)], [0.0] * 64]
    status, body = predict("digits", {"inputs": {"x": rows, "keep_prob": 1.0}})
    assert status == 200, body
    outputs = body["outputs"]
    assert sorted(outputs) == ["class", "logits", "probs"], outputs
    assert len(outputs["probs"]) == 2 and len(outputs["probs"][0]) == 10
    for probabilities, number in zip(outputs["probs"], outputs["class"]):
        assert abs(sum(probabilities) - 1) < 1e-5 and probabilities[number] == max(probabilities)
    # One input at a time is the same as several.
    assert predict("digits/versions/3000", {"inputs": {"x": rows[:1], "keep_prob": 1.0}})[1]["outputs"]["class"] == (
        outputs["class"][:1])
    assert predict("tutorial", {"inputs": {"w1": 13.0, "w2": 17.0}}) == (200, {"outputs": 60.0})
    assert predict("tutorial", {"signature_name": "serving_default", "inputs": {"w1": 13.0, "w2": 17.0}, "more": 1}) == (
        200, {"outputs": 60.0})


def rows():
    instances = [{"w1": 1.0, "w2": float(i)} for i in range(3)]
    assert predict("tutorial", {"instances": instances}) == (200, {"predictions": [2.0, 4.0, 6.0]})
    instances = [{"w1": [1.0, 2.0], "w2": [float(i), 0.5]} for i in range(3)]
    assert predict("tutorial", {"instances": instances}) == (
        200, {"predictions": [[2.0, 5.0], [4.0, 5.0], [6.0, 5.0]]})


def strings():
    _, body = get("/strings/metadata")
    signature = body["metadata"]["signature_def"]["signature_def"]["look_up"]
    assert signature["inputs"]["words"]["dtype"] == "DT_STRING", signature

    def look_up(**what):
        return predict("strings", {"signature_name": "look_up", **what})

    text = [{"b64": base64.b64encode(word).decode()} for word in (b"a", b"b")]
    encoded = look_up(inputs=text)
    assert encoded[0] == 200 and sorted(encoded[1]["outputs"]) == ["number", "other"], encoded
    assert encoded == look_up(inputs=["a", "b"]) == look_up(inputs={"words": text})
    status, body = look_up(instances=text)
    assert status == 200 and [row["number"] for row in body["predictions"]] == encoded[1]["outputs"]["number"], body
    assert body == look_up(instances=["a", "b"])[1] == look_up(instances=[{"words": word} for word in text])[1]
    status, body = look_up(inputs=[{"b64": "no base 64!"}])
    assert status == 400, body


def errors():
    def fails(body, status, words, path="tutorial"):
        answer = predict(path, body)
        assert answer[0] == status and list(answer[1]) == ["error"] and words in answer[1]["error"], answer

    fails({}, 400, "Missing 'inputs' or 'instances' key")
    fails({"inputs": {}, "instances": []}, 400, "expecting only one of 'inputs' or 'instances' keys to exist")
    fails({"inputs": {"w1": 1.0}}, 400, "w2")
    fails({"inputs": {"w1": [[1.0], [2.0, 3.0]], "w2": 1.0}}, 400, "w1")
    fails({"signature_name": "other", "inputs": {"w1": 1.0, "w2": 1.0}}, 400, "other")
    fails({"inputs": 1.0}, 404, "Servable not found for request: Latest(nope)", "nope")
    fails({"inputs": 1.0}, 404, "Servable not found for request: Specific(tutorial, 7)", "tutorial/versions/7")
    response = session.post(f"{address}/v1/models/tutorial:predict", data='{"inputs": {"w1"', timeout=20)
    assert response.status_code == 400 and "JSON" in response.json()["error"], response.text


def compressed():
    session.headers["Accept-Encoding"] = "gzip"
    _, body = predict("digits", {"inputs": {"x": [[0.0] * 64] * 100, "keep_prob": 1.0}})
    assert len(body["outputs"]["class"]) == 100


for test in (describe, columns, rows, strings, errors, compressed):
    test()
print("ok")
