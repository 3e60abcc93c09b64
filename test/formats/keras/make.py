"""Makes networks as users of Keras write them, and saves them as .keras, .h5 and SavedModel; prints what they answer as JSON.

Argument: a folder. The pictures are uint8 [2, 32, 32, 3], 37 * index % 256.
"""
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers  # noqa: E402

keras.utils.set_random_seed(1)


def sequential():
    return keras.Sequential([
        keras.Input((32, 32, 3)),
        layers.Rescaling(1 / 127),
        layers.Conv2D(6, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(4, (5, 5), padding="same", use_bias=False),
        layers.BatchNormalization(epsilon=1e-4),
        layers.Activation("relu"),
        layers.MaxPooling2D(pool_size=2),
        layers.Flatten(),
        layers.Dropout(0.4),
        layers.Dense(8, activation="relu"),
        layers.Dense(3),
    ])


def functional():
    pictures = keras.Input((32, 32, 3))
    maps = layers.Conv2D(4, 3, strides=2, padding="same")(pictures)
    other = layers.Conv2D(4, 1, padding="valid")(maps)
    maps = layers.BatchNormalization(scale=False)(maps)
    maps = layers.ReLU()(layers.Add()([other, maps]))
    return keras.Model(pictures, layers.Dense(3)(layers.GlobalAveragePooling2D()(maps)))


def softmax():
    return keras.Sequential([keras.Input((32, 32, 3)), layers.Flatten(), layers.Dense(3, activation="softmax")])


def valid():
    return keras.Sequential([
        keras.Input((32, 32, 3)),
        layers.Conv2D(4, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(5, 4, strides=2, activation="relu"),
        layers.MaxPooling2D(4, strides=3),
        layers.Flatten(),
        layers.Dense(2),
    ])


def mobile():
    pictures = keras.Input((32, 32, 3))
    maps = layers.Conv2D(6, 3, padding="same", activation="relu6")(pictures)
    for index, activation in enumerate(["relu6", "silu", "hard_silu", "sigmoid", layers.LeakyReLU(), layers.ReLU(max_value=6)]):
        strides = 2 if index in (1, 3) else 1
        maps = layers.DepthwiseConv2D(3 + index, strides=strides, padding="same", use_bias=index > 0)(maps)
        maps = layers.BatchNormalization()(maps)
        maps = layers.Activation(activation)(maps) if isinstance(activation, str) else activation(maps)
        maps = layers.Conv2D(6, 1, activation=layers.ReLU(negative_slope=0.1) if index == 0 else "swish")(maps)
    return keras.Model(pictures, layers.Dense(3)(layers.GlobalAveragePooling2D()(maps)))


def average():
    return keras.Sequential([keras.Input((32, 32, 3)), layers.AveragePooling2D(2, name="mean"), layers.Flatten(), layers.Dense(2)])


def normalised():
    return keras.Sequential([keras.Input((32, 32, 3)), layers.Flatten(), layers.LayerNormalization(name="norm"), layers.Dense(2)])


pixels = (np.arange(2 * 32 * 32 * 3).reshape(2, 32, 32, 3) * 37 % 256).astype(np.float32)
answers = {}
for make in (sequential, functional, softmax, valid, mobile, average, normalised):
    model = make()
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([np.random.uniform(0.5, 1.5, one.shape) for one in layer.get_weights()])
    for ending in (".keras", ".h5"):
        model.save(os.path.join(sys.argv[1], make.__name__ + ending))
    model.export(os.path.join(sys.argv[1], make.__name__), format="tf_saved_model", verbose=False)
    scaled = pixels if make is sequential else pixels / 255
    answers[make.__name__] = np.asarray(model(scaled, training=False)).tolist()
print(json.dumps(answers))
