"""A network in Keras, made of the layers and weights that a manifest of bat-sup's describes."""
import keras
import numpy as np


def layer_of(kind, attributes, weights):
    """@param weights: the layer's own, by the last part of their names. @returns the layer, and its weights in Keras's order."""
    layers = keras.layers
    sliding = {key: attributes[key] for key in ("padding",) if key in attributes}
    if kind in ("conv", "depthwiseConv", "fullyConnected"):
        values = [weights[key] for key in ("weights", "biases") if key in weights]
        use_bias = "biases" in weights
        filters, size = values[0].shape[-1], values[0].shape[:2]
        if kind == "conv":
            return layers.Conv2D(filters, size, attributes["stride"], use_bias=use_bias, **sliding), values
        if kind == "depthwiseConv":
            return layers.DepthwiseConv2D(size, attributes["stride"], use_bias=use_bias, **sliding), values
        return layers.Dense(filters, use_bias=use_bias), values
    if kind == "batchNorm":
        order = ("scale", "offset", "mean", "variance")
        return layers.BatchNormalization(momentum=0.9, epsilon=attributes["epsilon"]), [weights[key] for key in order]
    made = {
        "pool": lambda: layers.MaxPooling2D(attributes["kernel"], attributes["stride"], **sliding),
        "activation": lambda: layers.ReLU(max_value={"relu": None, "relu6": 6}[attributes["function"]]),
        "flatten": layers.Flatten,
        "globalAveragePool": layers.GlobalAveragePooling2D,
        "add": layers.Add,
    }
    return made[kind](), []


def read_weights(file, tensors):
    """Float32, one tensor after the other, as weights.bin of a checkpoint: name -> array."""
    values = np.fromfile(file, np.float32)
    ends = np.cumsum([np.prod(tensor["shape"], dtype=np.int64) for tensor in tensors])
    parts = np.split(values, ends[:-1])
    return {tensor["name"]: part.reshape(tensor["shape"]) for tensor, part in zip(tensors, parts)}


def network_of(task):
    """@param task: layers, weights (a file), tensors (their names and shapes in it), sizes and frozen (names of layers)."""
    weights = read_weights(task["weights"], task["tensors"])
    pictures = keras.Input((task["sizes"]["height"], task["sizes"]["width"], 3))
    outputs = {}
    for layer in task["layers"]:
        name = layer["name"]
        own = {key.split("/")[1]: value for key, value in weights.items() if key.startswith(f"{name}/")}
        made, values = layer_of(layer["kind"], layer["attributes"], own)
        inputs = [outputs[one] for one in layer["inputs"]] or [pictures]
        outputs[name] = made(inputs if len(inputs) > 1 else inputs[0])
        made.set_weights(values)
        made.trainable = name not in task["frozen"]
    return keras.Model(pictures, outputs[task["layers"][-1]["name"]])
