"""Makes Keras's networks with random weights and random moving averages, and saves each in every format, and what they
answer as answers.json.

Arguments: a folder; the major version of Keras, 2 or 3; names of networks. The pictures are uint8 [4, height, width, 3] in
<folder>/pixels; their height and width are the network's.
"""
import json
import os
import sys

folder, version, *names = sys.argv[1:]
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_USE_LEGACY_KERAS"] = "1" if version == "2" else "0"
import numpy as np  # noqa: E402

sys.path.insert(0, os.path.dirname(__file__))
import tensorflowjs_alone  # noqa: E402, F401
import tensorflow as tf  # noqa: E402
from tensorflowjs.converters import converter  # noqa: E402

keras = __import__("tf_keras" if version == "2" else "keras")
layers = keras.layers
random = np.random.default_rng(5)
height, width, classes = 96, 64, 7


def application(name, **options):
    """Without its softmax, so that the answers are logits."""
    make = getattr(keras.applications, name)
    return make(weights=None, input_shape=(height, width, 3), classes=classes, classifier_activation=None, **options)


def every_layer(model):
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from every_layer(layer)
        else:
            yield layer


def randomise(model, pixels):
    """Moving averages near to those of the pictures, as a trained network has them, so that nothing vanishes or explodes."""
    norms = [layer for layer in every_layer(model) if isinstance(layer, layers.BatchNormalization)]
    for layer in every_layer(model):
        if layer.weights and layer not in norms:
            layer.set_weights([one if one.ndim > 1 else random.normal(0, 0.1, one.shape) for one in layer.get_weights()])
    for layer in norms:
        layer.momentum = 0.0
    model(pixels, training=True)
    for layer in norms:
        layer.momentum = 0.99
        *affine, mean, variance = layer.get_weights()
        affine = [random.uniform(0.5, 1.5, one.shape) if one[0] == 1 else random.normal(0, 0.2, one.shape) for one in affine]
        shift = random.normal(0, 0.1, mean.shape) * np.sqrt(variance)
        layer.set_weights([*affine, mean + shift, (variance + 1e-3) * random.uniform(0.8, 1.25, variance.shape)])


def convert(source, target, input_format, output_format, *options):
    """tensorflowjs_converter as users call it."""
    converter.convert([f"--input_format={input_format}", f"--output_format={output_format}", *options, source, target])


def save(model, path):
    model.save(path + ".keras")
    model.save(path + ".h5")
    if version == "2":
        model.export(path + "-export")
        convert(path + ".h5", path + "-tfjs", "keras", "tfjs_layers_model")
    else:
        model.export(path + "-export", format="tf_saved_model", verbose=False)
        convert(path + ".keras", path + "-tfjs", "keras_keras", "tfjs_layers_model")
    tf.saved_model.save(model, path + "-saved")
    convert(path + "-export", path + "-graph", "tf_saved_model", "tfjs_graph_model")


networks = ["MobileNet", "MobileNetV2", "MobileNetV3Small", "MobileNetV3Large", "EfficientNetB0", "DenseNet121", "ResNet50", "ResNet50V2", "VGG16"]
pixels = random.integers(0, 256, (4, height, width, 3), np.uint8)
pixels.tofile(os.path.join(folder, "pixels"))
answers = {}
for name in names or networks:
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    model = application(name)
    pictures = pixels.astype(np.float32)
    own = name.startswith(("MobileNetV3", "EfficientNet"))
    pictures = pictures if own else pictures / 255
    randomise(model, pictures)
    save(model, os.path.join(folder, name))
    answers[name] = np.asarray(model(pictures, training=False)).tolist()
with open(os.path.join(folder, "answers.json"), "w") as file:
    json.dump(answers, file)
