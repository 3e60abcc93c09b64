"""
Ten training steps in Keras from one of its networks, saved before, with a softmax at its end.

Usage: start_keras.py <task.json> -> { losses: { case: [step] } }
"""
import json
import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras  # noqa: E402
import numpy as np  # noqa: E402

task = json.loads(Path(sys.argv[1]).read_text())
steps, batch, height, width, channels = task["shape"]
pixels = np.fromfile(task["pixels"], np.uint8).reshape(task["shape"]).astype(np.float32) / 255
labels = np.array(task["labels"])


def network(activation):
    return keras.applications.MobileNetV2(
        input_shape=(height, width, channels),
        weights=None,
        classes=task["classes"],
        classifier_activation=activation,
    )


keras.utils.set_random_seed(7)
start = network("softmax")
# Offsets above 0 keep most values between the corners of ReLU6, where rounding does not grow from layer to layer.
random = np.random.default_rng(7)
norms = [layer for layer in start.layers if isinstance(layer, keras.layers.BatchNormalization)]
for layer in norms:
    size = layer.gamma.shape
    still = [np.zeros(size), np.ones(size)]
    layer.set_weights([random.uniform(0.5, 1.5, size), random.uniform(0.5, 1.5, size), *still])
    layer.momentum = 0.0
# Now the moving averages are those of these pictures.
start(pixels[0], training=True)
start.save(task["keras"])
weights = start.get_weights()


def learn(frozen, statistics):
    # In double precision, so that only our rounding is measured.
    keras.config.set_floatx("float64")
    model = network(None)
    model.set_weights(weights)
    names = [layer.name for layer in model.layers]
    upto = names.index(frozen) + 1 if frozen else 0
    for index, layer in enumerate(model.layers):
        if index < upto:
            layer.trainable = False
    optimizer = keras.optimizers.Adam(task["learningRate"], epsilon=1e-8)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    import tensorflow as tf

    @tf.function
    def step(pictures, own):
        with tf.GradientTape() as tape:
            loss = loss_of(own, model(tf.cast(pictures, tf.float64), training=statistics))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    return [float(step(pixels[index], labels[index])) for index in range(steps)]


print(json.dumps({one["name"]: learn(one.get("layer"), one["statistics"]) for one in task["cases"]}))
