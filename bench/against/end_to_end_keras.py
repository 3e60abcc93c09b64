"""Trains the article's network on a folder of pictures as a Keras user would: image_dataset_from_directory, fit.

Arguments: folder, epochs, batch. Prints the last epoch's validation accuracy.
"""
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from network_keras import build  # noqa: E402

folder, epochs, batch = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
keras.utils.set_random_seed(1)
options = {"image_size": (100, 100), "batch_size": batch, "validation_split": 0.2, "seed": 1, "verbose": False}


def pictures(subset):
    dataset = keras.utils.image_dataset_from_directory(folder, subset=subset, **options)
    scaled = dataset.map(lambda x, y: (x / 255, y), num_parallel_calls=tf.data.AUTOTUNE)
    return scaled.cache().prefetch(tf.data.AUTOTUNE)


model = build()
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer=keras.optimizers.Adam(3e-4), loss=loss, metrics=["accuracy"])
history = model.fit(pictures("training"), validation_data=pictures("validation"), epochs=epochs, verbose=0)
print(history.history["val_accuracy"][-1])
