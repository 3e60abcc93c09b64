"""Trains a network of Keras in a tf.function, after it has saved it.

Usage: from_keras.py <task.json> <threads, 0 for TensorFlow's own choice>
"""
import json
import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from answers import answer_steps  # noqa: E402


def main():
    task = json.loads(Path(sys.argv[1]).read_text())
    threads = int(sys.argv[2])
    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    keras.utils.set_random_seed(1)
    batch, size = task["batch"], task["size"]
    model = getattr(keras.applications, task["network"])(
        input_shape=(size, size, 3), weights=None, classes=task["classes"], classifier_activation=None
    )
    model.save(task["file"])
    optimizer = keras.optimizers.Adam(task["learningRate"], epsilon=1e-8)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    pixels = (np.arange(batch * size * size * 3, dtype=np.int64) * 7919 % 251).astype(np.uint8)
    pixels = tf.constant(pixels.reshape(batch, size, size, 3))
    labels = tf.constant(np.arange(batch) % task["classes"])

    @tf.function
    def train_step():
        with tf.GradientTape() as tape:
            pictures = tf.cast(pixels, tf.float32) / 255
            loss = loss_of(labels, model(pictures, training=not task["frozenStatistics"]))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    answer_steps(f"Keras {keras.__version__}, tf.function", train_step, task["checkedSteps"])


if __name__ == "__main__":
    main()
