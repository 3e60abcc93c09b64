"""Trains a residual network in Keras, with everything that a recipe can turn on, from given weights on given batches.

Arguments: a JSON file {size, classes, steps, batch, learningRates, weightDecay, clipNorm, labelSmoothing, classWeights,
weights: [{name, shape, file}], pixels, labels}. Prints the losses and the sums of the absolute weights, as JSON.
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
made = []


def conv_norm(maps, channels, kernel=3, stride=1):
    made.append(layers.Conv2D(channels, kernel, stride, padding="same", use_bias=False))
    maps = made[-1](maps)
    made.append(layers.BatchNormalization(momentum=0.9, epsilon=1e-3))
    return made[-1](maps)


def block(maps, channels, stride):
    fits = stride == 1 and maps.shape[-1] == channels
    shortcut = maps if fits else conv_norm(maps, channels, 1, stride)
    maps = layers.ReLU()(conv_norm(maps, channels, 3, stride))
    return layers.ReLU()(layers.Add()([conv_norm(maps, channels), shortcut]))


pictures = keras.Input((task["size"], task["size"], 3))
maps = layers.ReLU()(conv_norm(pictures, 32))
for channels, stride in [(32, 1), (32, 1), (64, 2), (64, 1)]:
    maps = block(maps, channels, stride)
made.append(layers.Dense(task["classes"]))
model = keras.Model(pictures, made[-1](layers.GlobalAveragePooling2D()(maps)))

given = {one["name"]: np.fromfile(one["file"], "<f4").reshape(one["shape"]) for one in task["weights"]}
ours = iter(given)
variables = []
for layer in made:
    names = [next(ours) for _ in layer.get_weights()]
    layer.set_weights([given[name] for name in names])
    variables += zip(names, layer.weights)

optimizer = keras.optimizers.AdamW(
    1.0, weight_decay=task["weightDecay"], epsilon=1e-8, global_clipnorm=task["clipNorm"]
)
optimizer.exclude_from_weight_decay([v for name, v in variables if not name.endswith("/weights")])
cross_entropy = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=task["labelSmoothing"])
pixels = np.fromfile(task["pixels"], np.uint8).reshape(task["steps"], task["batch"], task["size"], task["size"], 3)
labels = np.array(task["labels"]).reshape(task["steps"], task["batch"])
class_weights = np.array(task["classWeights"], np.float32)

losses = []
for step, learning_rate in enumerate(task["learningRates"]):
    optimizer.learning_rate = learning_rate
    truth = keras.utils.to_categorical(labels[step], task["classes"])
    with tf.GradientTape() as tape:
        logits = model(pixels[step].astype(np.float32) / 255, training=True)
        loss = cross_entropy(truth, logits, sample_weight=class_weights[labels[step]])
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    losses.append(float(loss))
print(json.dumps({"losses": losses, "sums": {name: float(np.abs(v.numpy()).sum()) for name, v in variables}}))
