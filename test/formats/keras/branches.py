"""Makes networks of branches and squeeze-and-excitation as Keras's users write them; saves them, and what they answer.

Arguments: a folder, and the major version of Keras, 2 or 3. Writes <name>.keras, <name>.h5, the SavedModel <name>, and
answers.json. The pictures are uint8 [2, 12, 13, 3].
"""
import json
import os
import sys

folder, version = sys.argv[1:]
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np  # noqa: E402

keras = __import__("tf_keras" if version == "2" else "keras")
layers = keras.layers
keras.utils.set_random_seed(4)
pixels = np.arange(2 * 12 * 13 * 3).reshape(2, 12, 13, 3) * 37 % 256


def excited(squeeze, dense=False, gate="sigmoid"):
    def write(maps):
        x = squeeze(maps)
        for channels, activation in ((4, "relu"), (6, gate)):
            layer = layers.Dense(channels) if dense else layers.Conv2D(channels, 1)
            x = layers.Activation(activation)(layer(x))
        return layers.Multiply()([maps, x])

    return write


def kept(maps):
    return layers.GlobalAveragePooling2D(keepdims=True)(maps)


def reshaped(maps):
    return layers.Reshape((1, 1, 6))(layers.GlobalAveragePooling2D()(maps))


def reshaped_late(maps):
    x = layers.Dense(6, activation="sigmoid")(layers.GlobalAveragePooling2D()(maps))
    return layers.Multiply()([layers.Reshape((1, 1, 6))(x), maps])


def inception(maps):
    branches = [
        layers.Conv2D(3, 1)(maps),
        layers.Conv2D(2, 1)(layers.AveragePooling2D(3, strides=1, padding="same")(maps)),
        maps,
    ]
    return layers.AveragePooling2D(2)(layers.Concatenate(axis=3)(branches))


networks = {
    "inception": inception,
    "averages of uneven windows": layers.AveragePooling2D((2, 5), (3, 1), "same"),
    "means kept": excited(kept),
    "means reshaped": excited(reshaped),
    "means reshaped, dense": excited(reshaped, dense=True),
    "features": excited(layers.GlobalAveragePooling2D(), dense=True),
    "features reshaped": reshaped_late,
    "hard sigmoid": excited(kept, gate="hard_sigmoid"),
}
answers = {}
for name, write in networks.items():
    inputs = keras.Input((12, 13, 3))
    maps = layers.Conv2D(6, 3)(layers.Rescaling(1 / 255)(inputs))
    model = keras.Model(inputs, layers.Dense(3)(layers.Flatten()(write(maps))))
    model.set_weights([one if one.ndim > 1 else one + 0.1 for one in model.get_weights()])
    path = os.path.join(folder, name)
    model.save(path + ".keras")
    model.save(path + ".h5")
    model.export(path)
    answers[name] = model(pixels.astype(np.float32)).numpy().tolist()
with open(os.path.join(folder, "answers.json"), "w") as file:
    json.dump(answers, file)
