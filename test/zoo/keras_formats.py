"""Random weights for Keras's networks, and saving them in every format that bat-sup imports."""
import contextlib
import os

import numpy as np
import tensorflow as tf
import tensorflowjs_alone  # noqa: F401
from tensorflowjs.converters import converter


def keras_of(version):
    """Keras 2 or 3."""
    return __import__("tf_keras" if version == "2" else "keras")


def layers_in(model, keras):
    """All layers of a model and of the models in it."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from layers_in(layer, keras)
        else:
            yield layer


@contextlib.contextmanager
def learning(norms):
    """Lets batch normalisations take over the statistics of the next batch, whatever the model says about them."""
    trainable = [norm.trainable for norm in norms]
    for norm in norms:
        norm.trainable, norm.momentum = True, 0.0
        norm.call = lambda x, _call=norm.call, **_: _call(x, training=True)
    yield
    for norm, flag in zip(norms, trainable):
        del norm.call
        norm.trainable, norm.momentum = flag, 0.99


def randomise(model, pictures, keras, random):
    """Gives a model moving averages near to those of the pictures, as a trained one has: nothing vanishes or explodes."""
    norms = []
    for layer in layers_in(model, keras):
        if isinstance(layer, keras.layers.BatchNormalization):
            norms.append(layer)
        elif getattr(layer, "use_bias", False):
            layer.set_weights([one if one.ndim > 1 else random.normal(0, 0.1, one.shape) for one in layer.get_weights()])

    def measure():
        with learning(norms):
            model(pictures)

    def vary_affine(norm):
        *affine, mean, variance = norm.get_weights()
        affine = [random.uniform(0.5, 1.5, one.shape) if one[0] == 1 else random.normal(0, 0.2, one.shape) for one in affine]
        norm.set_weights([*affine, mean, variance])

    def vary_statistics(norm):
        *affine, mean, variance = norm.get_weights()
        mean += random.normal(0, 0.1, mean.shape) * np.sqrt(variance)
        # Where maps vary little around a large mean, float32 itself would cost digits: Keras's own would be 1e-5 from float64.
        variance = variance + 1e-3 + 0.1 * mean**2
        norm.set_weights([*affine, mean, variance * random.uniform(0.8, 1.25, variance.shape)])

    # With squeeze-and-excitation, maps grow from block to block unless they are measured with the factors that they get.
    is_scaled = any(isinstance(layer, keras.layers.Multiply) for layer in layers_in(model, keras))
    if is_scaled:
        for norm in norms:
            vary_affine(norm)
    measure()
    for norm in norms:
        if not is_scaled:
            vary_affine(norm)
        vary_statistics(norm)


def convert(source, target, input_format, output_format, *options):
    """tensorflowjs_converter as users call it."""
    converter.convert([f"--input_format={input_format}", f"--output_format={output_format}", *options, source, target])


def save(model, path, keras, endings=(".keras", ".h5", "-export", "-saved", "-tfjs", "-graph")):
    """Saves a model with these endings. Returns why some of them failed, by ending."""
    is_keras2 = keras.__name__ == "tf_keras"
    export = {} if is_keras2 else {"format": "tf_saved_model", "verbose": False}
    layers_model = (".h5", "keras") if is_keras2 else (".keras", "keras_keras")
    ways = {
        ".keras": lambda to: model.save(to),
        ".h5": lambda to: model.save(to),
        "-export": lambda to: model.export(to, **export),
        "-saved": lambda to: tf.saved_model.save(model, to),
        "-tfjs": lambda to: convert(path + layers_model[0], to, layers_model[1], "tfjs_layers_model"),
        "-graph": lambda to: convert(path + "-export", to, "tf_saved_model", "tfjs_graph_model"),
    }
    errors = {}
    for ending in endings:
        try:
            ways[ending](path + ending)
        except Exception as error:
            errors[ending] = f"{type(error).__name__}: {error}"
    return errors
