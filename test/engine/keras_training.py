"""Trains the article's network with Keras from given weights on given batches; prints the losses as JSON.

Arguments: a JSON file {size, classes, steps, batch, learningRate, weights: [{name, shape, file}], pixels, labels}.
"""
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

with open(sys.argv[1]) as file:
    task = json.load(file)

layers = keras.layers
model = keras.Sequential([
    keras.Input((task["size"], task["size"], 3)),
    layers.Conv2D(16, 5, padding="same"), layers.MaxPooling2D(5, 2, padding="same"), layers.ReLU(),
    layers.Conv2D(32, 4, padding="same"), layers.MaxPooling2D(4, 2, padding="same"), layers.ReLU(),
    layers.Conv2D(64, 3, padding="same"), layers.MaxPooling2D(3, 2, padding="same"), layers.ReLU(),
    layers.Flatten(),
    layers.Dense(1024, activation="relu"),
    layers.Dense(task["classes"]),
])  # fmt: skip
weights = [np.fromfile(one["file"], "<f4").reshape(one["shape"]) for one in task["weights"]]
model.set_weights(weights)

# The step size with epsilon outside of the bias correction, as at the end of section 2 of Kingma and Ba.
optimizer = keras.optimizers.Adam(task["learningRate"], beta_1=0.9, beta_2=0.999, epsilon=1e-8)
cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
pixels = np.fromfile(task["pixels"], np.uint8).reshape(task["steps"], task["batch"], task["size"], task["size"], 3)
labels = np.array(task["labels"]).reshape(task["steps"], task["batch"])

losses = []
for step in range(task["steps"]):
    with tf.GradientTape() as tape:
        loss = cross_entropy(labels[step], model(pixels[step].astype(np.float32) / 255, training=True))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    losses.append(float(loss))
print(json.dumps({"losses": losses, "sums": [float(np.abs(w).sum()) for w in model.get_weights()]}))
