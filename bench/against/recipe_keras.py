"""The article's network and recipe in Keras on a given split; prints what it answers to held-out pictures, as JSON.

Argument: a JSON file {pictures, heldOut: files of raw uint8 pictures, train, validation: indexes, labels,
heldOutLabels, size, classes, seed, batchSize, learningRate, epochs}.
"""
import json
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import numpy as np  # noqa: E402

with open(sys.argv[1]) as file:
    task = json.load(file)

side = task["size"]


def pictures_of(path):
    """[count, side, side, 3] in 0..1."""
    return np.fromfile(path, np.uint8).reshape(-1, side, side, 3).astype(np.float32) / 255


class Best(keras.callbacks.Callback):
    """Keeps the weights of the epoch with the highest validation accuracy, of equals that with the lowest loss."""

    best = (-1.0, 0.0)

    def on_epoch_end(self, epoch, logs):
        figures = (logs["val_accuracy"], -logs["val_loss"])
        if figures > self.best:
            self.best, self.weights = figures, self.model.get_weights()


def main():
    keras.utils.set_random_seed(task["seed"])
    layers = keras.layers
    weights = {
        "kernel_initializer": lambda: keras.initializers.TruncatedNormal(stddev=0.05),
        "bias_initializer": lambda: keras.initializers.Constant(0.05),
    }
    own = lambda: {name: make() for name, make in weights.items()}  # noqa: E731
    model = keras.Sequential([
        keras.Input((side, side, 3)),
        layers.Conv2D(16, 5, padding="same", **own()), layers.MaxPooling2D(5, 2, padding="same"), layers.ReLU(),
        layers.Conv2D(32, 4, padding="same", **own()), layers.MaxPooling2D(4, 2, padding="same"), layers.ReLU(),
        layers.Conv2D(64, 3, padding="same", **own()), layers.MaxPooling2D(3, 2, padding="same"), layers.ReLU(),
        layers.Flatten(),
        layers.Dense(1024, activation="relu", **own()),
        layers.Dense(task["classes"], **own()),
    ])  # fmt: skip
    model.compile(
        optimizer=keras.optimizers.Adam(task["learningRate"], epsilon=1e-8),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    pictures, labels = pictures_of(task["pictures"]), np.array(task["labels"])
    train, validation = np.array(task["train"]), np.array(task["validation"])
    best = Best()
    before = time.perf_counter()
    model.fit(
        pictures[train],
        labels[train],
        batch_size=task["batchSize"],
        epochs=task["epochs"],
        validation_data=(pictures[validation], labels[validation]),
        callbacks=[best],
        verbose=0,
    )
    seconds = time.perf_counter() - before
    model.set_weights(best.weights)
    logits = model.predict(pictures_of(task["heldOut"]), verbose=0)
    accuracy = float((logits.argmax(axis=1) == np.array(task["heldOutLabels"])).mean())
    print(json.dumps({"accuracy": accuracy, "validationAccuracy": best.best[0], "seconds": seconds}))


if __name__ == "__main__":
    main()
