"""The article's network in Keras on TensorFlow, and the time of its training step: tf.function, or jit_compile as well.

Started by bench/train.ts: each line on stdin is a number of steps, each answer the milliseconds they took.
"""
import json
import os
import resource
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402


def build():
    """The network, its weights as the article has them."""
    layers = keras.layers
    weights = {
        "kernel_initializer": keras.initializers.TruncatedNormal(stddev=0.05),
        "bias_initializer": keras.initializers.Constant(0.05),
    }
    return keras.Sequential([
        keras.Input((100, 100, 3)),
        layers.Conv2D(16, 5, padding="same", **weights), layers.MaxPooling2D(5, 2, padding="same"), layers.ReLU(),
        layers.Conv2D(32, 4, padding="same", **weights), layers.MaxPooling2D(4, 2, padding="same"), layers.ReLU(),
        layers.Conv2D(64, 3, padding="same", **weights), layers.MaxPooling2D(3, 2, padding="same"), layers.ReLU(),
        layers.Flatten(),
        layers.Dense(1024, activation="relu", **weights),
        layers.Dense(2, **weights),
    ])  # fmt: skip


def main():
    batch, threads, jit = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] == ["jit"]
    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    keras.utils.set_random_seed(1)
    model = build()
    optimizer = keras.optimizers.Adam(1e-4)
    optimizer.build(model.trainable_variables)
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    count = batch * 100 * 100 * 3
    pixels = (np.arange(count) * 7919 % 256).astype(np.uint8).reshape(batch, 100, 100, 3)
    labels = (np.arange(batch) % 2).astype(np.int32)

    @tf.function(jit_compile=jit)
    def train_step(bytes_, classes):
        pictures = tf.cast(bytes_, tf.float32) * (1 / 255)
        with tf.GradientTape() as tape:
            loss = cross_entropy(classes, model(pictures, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    for _ in range(5):
        train_step(tf.constant(pixels), tf.constant(labels)).numpy()
    name = f"Keras {keras.__version__}, TensorFlow {tf.__version__}, {'jit_compile' if jit else 'tf.function'}"
    print(json.dumps({"description": name}), flush=True)
    for line in sys.stdin:
        steps = int(line)
        before = time.perf_counter()
        for _ in range(steps):
            loss = train_step(tf.constant(pixels), tf.constant(labels))
        loss.numpy()
        milliseconds = (time.perf_counter() - before) * 1000
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"milliseconds": milliseconds, "peakMebibytes": peak}), flush=True)


if __name__ == "__main__":
    main()
