"""Runs .tflite files in LiteRT's interpreter; prints their answers as JSON.

Argument: a JSON list of {file, pixels, shape, scale}; pixels: a file of uint8 [batch, height, width, channels]; with a
scale the model takes floats, (pixels * scale - mean) / deviation.
"""
import json
import os
import sys
import zipfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402


def run(task):
    runner = tf.lite.Interpreter(task["file"]).get_signature_runner("serving_default")
    pixels = np.fromfile(task["pixels"], np.uint8).reshape(task["shape"])
    if task["scale"] is not None:
        pixels = pixels.astype(np.float32) * np.float32(task["scale"])
        pixels = (pixels - np.float32(task["mean"])) / np.float32(task["deviation"])
    answer = runner(pictures=pixels)
    single = [runner(pictures=pixels[i : i + 1])["logits"][0].tolist() for i in range(len(pixels))]
    with zipfile.ZipFile(task["file"]) as files:
        labels = files.read("labels.txt").decode().splitlines()
        about = json.loads(files.read("bat-sup.json"))
    probabilities = answer["probabilities"].tolist()
    return {
        "logits": answer["logits"].tolist(),
        "single": single,
        "probabilities": probabilities,
        "labels": labels,
        "about": about,
    }


with open(sys.argv[1]) as file:
    print(json.dumps([run(task) for task in json.load(file)]))
