"""Serves an ONNX model over HTTP as a service of one's own would: FastAPI, ONNX Runtime with one thread for each worker, orjson.

Usage: MODEL=FOLDER/model.onnx uvicorn app:app --workers 2     POST /predict {"feeds": {NAME: VALUE}, "fetches": [NAME]}
"""
import os

import numpy as np
import onnxruntime as ort
import orjson
from fastapi import FastAPI, Request, Response

options = ort.SessionOptions()
options.intra_op_num_threads = int(os.environ.get("INTRA_OP_THREADS", "1"))
session = ort.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
dtypes = {"tensor(float)": np.float32, "tensor(int32)": np.int32, "tensor(int64)": np.int64, "tensor(bool)": np.bool_}
inputs = {value.name: dtypes[value.type] for value in session.get_inputs()}
app = FastAPI()


# A plain function would run in a pool of threads, which is slower here. The run takes the worker's only processor anyway.
@app.post("/predict")
async def predict(request: Request):
    body = orjson.loads(await request.body())
    feeds = {name: np.asarray(value, inputs[name]) for name, value in body["feeds"].items()}
    fetches = body.get("fetches")
    names = fetches or [output.name for output in session.get_outputs()]
    # orjson takes arrays, but no single number of NumPy.
    outputs = {name: value if np.ndim(value) else value.item() for name, value in zip(names, session.run(fetches, feeds))}
    content = orjson.dumps({"outputs": outputs}, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(content, media_type="application/json")
