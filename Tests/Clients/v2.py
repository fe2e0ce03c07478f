"""Talks to a server with Triton's own client: python v2.py HOST:PORT TOKEN, where models/ is served. See ClientTests.swift."""

import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException


def tensor(name, array, datatype, binary):
    result = triton.InferInput(name, list(array.shape), datatype)
    result.set_data_from_numpy(array, binary_data=binary)
    return result


def digits(client, binary_in, binary_out, count=3, outputs=("probs:0", "class:0"), **options):
    x = np.arange(count * 64, dtype=np.float32).reshape(count, 64) % 16
    inputs = [tensor("x:0", x, "FP32", binary_in), tensor("keep_prob:0", np.ones(1, np.float32), "FP32", binary_in)]
    wanted = [triton.InferRequestedOutput(name, binary_data=binary_out, **options) for name in outputs]
    return client.infer("digits", inputs, outputs=wanted or None, request_id="a 7")


def describe(client):
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready("digits") and client.is_model_ready("digits", "3000")
    assert not client.is_model_ready("nope") and not client.is_model_ready("digits", "7")
    assert client.get_server_metadata()["name"] == "metaserve"
    metadata = client.get_model_metadata("digits")
    assert [tensor["name"] for tensor in metadata["inputs"]] == ["x:0", "keep_prob:0"], metadata
    assert metadata["inputs"][0]["shape"] == [-1, 64]
    config = client.get_model_config("digits")
    assert [tensor["name"] for tensor in config["input"]] == ["x:0", "keep_prob:0"], config


def infer(client):
    expected = digits(client, False, False)
    assert expected.get_response()["id"] == "a 7"
    assert expected.as_numpy("probs:0").shape == (3, 10)
    for binary_in in (False, True):
        for binary_out in (False, True):
            result = digits(client, binary_in, binary_out)
            for name in ("probs:0", "class:0"):
                assert np.array_equal(result.as_numpy(name), expected.as_numpy(name)), (binary_in, binary_out, name)
    everything = digits(client, True, True, outputs=())
    assert [output["name"] for output in everything.get_response()["outputs"]] == ["logits:0", "probs:0", "class:0"]
    # A name is sent back as it was asked for.
    assert np.array_equal(digits(client, True, True, outputs=("class",)).as_numpy("class"), expected.as_numpy("class:0"))
    classes = digits(client, True, True, outputs=("probs",), class_count=2).as_numpy("probs")
    assert classes.shape == (3, 2)
    assert int(classes[0, 0].decode().split(":")[1]) == expected.as_numpy("class:0")[0]
    large = digits(client, True, True, count=10_000)
    assert large.as_numpy("probs:0").shape == (10_000, 10)
    assert digits(client, True, True, count=0).as_numpy("probs:0").shape == (0, 10)


def many(client):
    requests = [client.async_infer("tutorial", [
        tensor("w1", np.float32([i]), "FP32", True), tensor("w2", np.float32([i]), "FP32", True)]) for i in range(200)]
    answers = [request.get_result().as_numpy("op_to_restore:0")[0] for request in requests]
    assert answers == [4.0 * i for i in range(200)], answers


def errors(client):
    def message(call):
        try:
            call()
        except InferenceServerException as error:
            return error.status(), error.message()
        raise AssertionError("no error")

    x = np.zeros((1, 63), np.float32)
    keep = tensor("keep_prob", np.ones(1, np.float32), "FP32", True)
    assert message(lambda: client.infer("digits", [tensor("x", x, "FP32", True), keep])) == (
        "400", 'input "x": expected shape [-1,64], got [1,63]')
    x = np.zeros((1, 64), np.int32)
    assert message(lambda: client.infer("digits", [tensor("x", x, "INT32", True), keep])) == (
        "400", 'input "x": expected datatype FP32, got INT32')
    assert message(lambda: client.infer("nope", [keep]))[0] == "404"
    assert message(lambda: client.get_model_metadata("nope"))[0] == "404"


def repository(client):
    admin = {"Authorization": "Bearer " + sys.argv[2]}

    def states():
        return {model["name"]: model["state"] for model in client.get_model_repository_index(headers=admin)}

    assert states() == {"digits": "READY", "tutorial": "READY"}
    client.unload_model("tutorial", headers=admin)
    assert not client.is_model_ready("tutorial")
    assert states()["tutorial"] in ("UNLOADING", "UNAVAILABLE")
    client.load_model("tutorial", headers=admin)
    assert client.is_model_ready("tutorial")


def compressed(client):
    x = np.zeros((100, 64), np.float32)
    inputs = [tensor("x", x, "FP32", True), tensor("keep_prob", np.ones(1, np.float32), "FP32", True)]
    result = client.infer(
        "digits", inputs, request_compression_algorithm="gzip", response_compression_algorithm="gzip")
    assert np.array_equal(result.as_numpy("probs:0"), client.infer("digits", inputs).as_numpy("probs:0"))


def statistics(client):
    stats = client.get_inference_statistics("digits")["model_stats"][0]
    assert stats["inference_stats"]["success"]["count"] >= 9, stats
    assert stats["inference_stats"]["fail"]["count"] == 2, stats


client = triton.InferenceServerClient(sys.argv[1], concurrency=8)
for test in (describe, infer, compressed, many, errors, statistics, repository):
    test(client)
print("ok")
