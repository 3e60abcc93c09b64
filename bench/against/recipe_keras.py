"""Trains the article's network by its recipe in Keras on a given split. Prints its accuracies as JSON.

Usage: recipe_keras.py <JSON file with {pictures, heldOut: files of raw uint8 pictures, train, validation: indices, labels,
heldOutLabels, size, classes, seed, batchSize, learningRate, epochs}>
"""
import json
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import numpy as np  # noqa: E402
from network_keras import build  # noqa: E402

with open(sys.argv[1]) as file:
    task = json.load(file)

side = task["size"]


def pictures_of(path):
    """[count, side, side, 3] in 0..1."""
    return np.fromfile(path, np.uint8).reshape(-1, side, side, 3).astype(np.float32) / 255


class Best(keras.callbacks.Callback):
    """Keeps the weights of the epoch with the highest validation accuracy; on a tie, with the lowest loss."""

    best = (-1.0, 0.0)

    def on_epoch_end(self, epoch, logs):
        figures = (logs["val_accuracy"], -logs["val_loss"])
        if figures > self.best:
            self.best, self.weights = figures, self.model.get_weights()


def main():
    keras.utils.set_random_seed(task["seed"])
    model = build(side, task["classes"])
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
