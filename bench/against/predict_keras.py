"""Classifies a picture with Keras on TensorFlow: predict_keras.py <model.keras> <picture>. Prints a line of JSON."""
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

model = keras.saving.load_model(sys.argv[1], compile=False)
pixels = tf.io.decode_image(tf.io.read_file(sys.argv[2]), channels=3, expand_animations=False)
pixels = tf.image.resize(pixels, (100, 100), antialias=True)
[probabilities] = tf.nn.softmax(model(pixels[None], training=False)).numpy().tolist()
likeliest = max(range(2), key=probabilities.__getitem__)
print(json.dumps({"file": sys.argv[2], "class": ("animals", "food")[likeliest], "probability": probabilities[likeliest]}))
