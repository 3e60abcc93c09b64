"""Takes training steps for bench/training/contestants.ts in a tf.function.

Usage: train_keras.py <task.json> [jit]
"""
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from answers import answer_steps  # noqa: E402
from layers_keras import network_of  # noqa: E402


def main():
    task, jit = json.loads(Path(sys.argv[1]).read_text()), sys.argv[2:] == ["jit"]
    if task["threads"]:
        tf.config.threading.set_intra_op_parallelism_threads(task["threads"])
    if task["precision"] == "bf16":
        keras.mixed_precision.set_global_policy("mixed_bfloat16")
    model = network_of(task)
    optimizer = keras.optimizers.Adam(task["learningRate"], epsilon=1e-8)
    optimizer.build(model.trainable_variables)
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    batch, height, width, classes = [task["sizes"][key] for key in ("batch", "height", "width", "classes")]
    pixels = (np.arange(batch * height * width * 3, dtype=np.int64) * 7919 % 251).astype(np.uint8)
    pixels = tf.constant(pixels.reshape(batch, height, width, 3))
    labels = tf.constant((np.arange(batch) % classes).astype(np.int32))

    @tf.function(jit_compile=jit)
    def compute_step(bytes_, classes):
        pictures = tf.cast(bytes_, tf.float32) * (1 / 255)
        with tf.GradientTape() as tape:
            loss = cross_entropy(classes, model(pictures, training=not task["frozenStatistics"]))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    how = "jit_compile" if jit else "tf.function"
    description = f"Keras {keras.__version__}, TensorFlow {tf.__version__}, {how}"
    answer_steps(description, lambda: compute_step(pixels, labels), task["checkedSteps"])


if __name__ == "__main__":
    main()
