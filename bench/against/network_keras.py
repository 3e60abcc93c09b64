"""The article's network in Keras on TensorFlow. Run by bench/train.ts, it takes training steps.

Usage: network_keras.py <batch> <threads, 0 for Keras's own choice> [jit]
"""
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from answers import answer_steps  # noqa: E402


def build(side=100, classes=2):
    """The network with the article's initial weights, for RGB pictures of side x side."""
    layers = keras.layers

    def initializers():
        # One for each layer: an initializer gives the same numbers every time.
        return {
            "kernel_initializer": keras.initializers.TruncatedNormal(stddev=0.05),
            "bias_initializer": keras.initializers.Constant(0.05),
        }

    return keras.Sequential([
        keras.Input((side, side, 3)),
        layers.Conv2D(16, 5, padding="same", **initializers()), layers.MaxPooling2D(5, 2, padding="same"), layers.ReLU(),
        layers.Conv2D(32, 4, padding="same", **initializers()), layers.MaxPooling2D(4, 2, padding="same"), layers.ReLU(),
        layers.Conv2D(64, 3, padding="same", **initializers()), layers.MaxPooling2D(3, 2, padding="same"), layers.ReLU(),
        layers.Flatten(),
        layers.Dense(1024, activation="relu", **initializers()),
        layers.Dense(classes, **initializers()),
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

    def take_steps(count):
        for _ in range(count):
            loss = train_step(tf.constant(pixels), tf.constant(labels))
        loss.numpy()

    how = "jit_compile" if jit else "tf.function"
    answer_steps(f"Keras {keras.__version__}, TensorFlow {tf.__version__}, {how}", take_steps)


if __name__ == "__main__":
    main()
