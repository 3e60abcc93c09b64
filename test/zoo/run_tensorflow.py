"""Opens SavedModels and TensorFlow 1's checkpoints in TensorFlow; prints their answers as JSON.

Argument: a JSON list of {file, pixels, shape}; pixels: a file of uint8 RGB [batch, height, width, channels].
"""

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

v1 = tf.compat.v1
tf.get_logger().setLevel("ERROR")


def run_checkpoint(folder, pixels):
    with tf.Graph().as_default(), v1.Session() as session:
        saver = v1.train.import_meta_graph(os.path.join(folder, "model.meta"))
        saver.restore(session, v1.train.latest_checkpoint(folder))
        outputs = np.zeros((len(pixels), len(session.run("classes:0"))))
        # The checkpoint takes BGR, as OpenCV reads it.
        return session.run("logits:0", {"Placeholder:0": pixels[..., ::-1], "Placeholder_1:0": outputs})


def run(task):
    pixels = np.fromfile(task["pixels"], np.uint8).reshape(task["shape"])
    if not os.path.exists(os.path.join(task["file"], "saved_model.pb")):
        return {"logits": run_checkpoint(task["file"], pixels).tolist()}
    signature = tf.saved_model.load(task["file"]).signatures["serving_default"]
    return {"logits": signature(pictures=tf.constant(pixels))["logits"].numpy().tolist()}


with open(sys.argv[1]) as file:
    print(json.dumps([run(task) for task in json.load(file)]))
