"""Runs ONNX models in ONNX Runtime; prints their answers as JSON.

Argument: a JSON list of {file, pixels, shape, scale}; pixels: a file of uint8 [batch, height, width, channels]; with a
scale the model takes floats [batch, channels, height, width], (pixels * scale - mean) / deviation.
"""
import json
import sys

import numpy as np
import onnx
import onnxruntime


def run(task):
    onnx.checker.check_model(task["file"], full_check=True)
    session = onnxruntime.InferenceSession(task["file"], providers=["CPUExecutionProvider"])
    pixels = np.fromfile(task["pixels"], np.uint8).reshape(task["shape"])
    if task["scale"] is not None:
        pixels = pixels.astype(np.float32) * np.float32(task["scale"])
        pixels = (pixels - np.float32(task["mean"])) / np.float32(task["deviation"])
        pixels = pixels.transpose(0, 3, 1, 2)
    [pictures] = session.get_inputs()
    logits, probabilities = session.run(["logits", "probabilities"], {pictures.name: pixels})
    return {
        "input": pictures.name,
        "logits": logits.tolist(),
        "probabilities": probabilities.tolist(),
        "metadata": session.get_modelmeta().custom_metadata_map,
    }


with open(sys.argv[1]) as file:
    print(json.dumps([run(task) for task in json.load(file)]))
