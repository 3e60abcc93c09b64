"""The article's network in Keras on TensorFlow."""
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402


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
