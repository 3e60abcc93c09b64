"""Opens .keras files in Keras; prints their answers as JSON.

Argument: a JSON list of {file, pixels, shape, scale}; pixels: a file of uint8 [batch, height, width, channels]; with a
scale the model takes (pixels * scale - mean) / deviation.
"""
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras  # noqa: E402
import numpy as np  # noqa: E402


def run(task):
    model = keras.saving.load_model(task["file"])
    pixels = np.fromfile(task["pixels"], np.uint8).reshape(task["shape"]).astype(np.float32)
    scale, mean, deviation = (np.float32(task[name] or 0) for name in ("scale", "mean", "deviation"))
    logits = model((pixels * (scale or 1) - mean) / deviation, training=False)
    again = task["file"] + ".again.keras"
    model.save(again)
    legacy = task["file"] + ".again.h5"
    model.save(legacy)
    return {"logits": np.asarray(logits).tolist(), "again": again, "legacy": legacy}


with open(sys.argv[1]) as file:
    print(json.dumps([run(task) for task in json.load(file)]))
