"""Runs a SavedModel with TensorFlow: arguments its folder, a file of uint8 pixels and their shape as JSON."""

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

pixels = np.fromfile(sys.argv[2], np.uint8).reshape(json.loads(sys.argv[3]))
answer = tf.saved_model.load(sys.argv[1]).signatures["serving_default"](pictures=tf.constant(pixels))
print(json.dumps({name: answer[name].numpy().tolist() for name in ("logits", "probabilities")}))
