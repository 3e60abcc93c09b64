"""A network in PyTorch, made of the layers and weights that a manifest of bat-sup's describes; channels_last."""
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def same_pads(size, kernel, stride):
    """TensorFlow's SAME padding of one axis: the odd pixel goes to the right and the bottom."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def paddings_of(layer, kernel):
    """((top, bottom), (left, right)) of a layer whose windows move over maps."""
    stride, same = layer["attributes"]["stride"], layer["attributes"]["padding"] == "same"
    return [same_pads(size, kernel, stride) if same else (0, 0) for size in layer["inputShape"][:2]]


class Convolution(nn.Module):
    def __init__(self, weights, biases, groups, layer):
        super().__init__()
        outputs, inputs, kernel, _ = weights.shape
        stride = layer["attributes"]["stride"]
        vertical, horizontal = paddings_of(layer, kernel)
        # Symmetric padding where it equals SAME, because the convolution does it for free.
        symmetric = vertical[0] == vertical[1] and horizontal[0] == horizontal[1]
        self.pads = None if symmetric else (*horizontal, *vertical)
        padding = (vertical[0], horizontal[0]) if symmetric else 0
        self.convolution = nn.Conv2d(
            inputs * groups, outputs, kernel, stride, padding, groups=groups, bias=biases is not None
        )
        self.convolution.weight.data = weights
        if biases is not None:
            self.convolution.bias.data = biases

    def forward(self, x):
        return self.convolution(F.pad(x, self.pads) if self.pads else x)


def pool_of(layer):
    """Symmetric padding where it equals SAME, because pooling does it for free; explicit padding otherwise."""
    kernel, stride = layer["attributes"]["kernel"], layer["attributes"]["stride"]
    vertical, horizontal = paddings_of(layer, kernel)
    if vertical[0] == vertical[1] and horizontal[0] == horizontal[1]:
        return nn.MaxPool2d(kernel, stride, (vertical[0], horizontal[0]))
    return nn.Sequential(nn.ConstantPad2d((*horizontal, *vertical), float("-inf")), nn.MaxPool2d(kernel, stride))


class Flatten(nn.Module):
    """In the order of bat-sup, [height, width, channels], in which channels_last maps are already."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1).flatten(1)


def module_of(layer, weights):
    name, kind, attributes = layer["name"], layer["kind"], layer["attributes"]
    part = lambda key: weights.get(f"{name}/{key}")
    if kind == "conv":
        return Convolution(part("weights").permute(3, 2, 0, 1).contiguous(), part("biases"), 1, layer)
    if kind == "depthwiseConv":
        filters = part("weights").permute(2, 3, 0, 1).contiguous()
        return Convolution(filters, part("biases"), filters.shape[0], layer)
    if kind == "batchNorm":
        norm = nn.BatchNorm2d(part("scale").numel(), eps=attributes["epsilon"], momentum=0.1)
        norm.weight.data, norm.bias.data = part("scale"), part("offset")
        norm.running_mean, norm.running_var = part("mean"), part("variance")
        return norm
    if kind == "activation":
        return {"relu6": nn.ReLU6(inplace=True), "relu": nn.ReLU(inplace=True)}[attributes["function"]]
    if kind == "fullyConnected":
        linear = nn.Linear(*part("weights").shape)
        linear.weight.data, linear.bias.data = part("weights").t().contiguous(), part("biases")
        return linear
    if kind == "pool":
        return pool_of(layer)
    if kind == "globalAveragePool":
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return {"flatten": Flatten, "add": nn.Identity}[kind]()


class Network(nn.Module):
    """Computes pictures [batch, channels, height, width] -> logits [batch, classes]."""

    def __init__(self, layers, weights):
        super().__init__()
        self.layers = layers
        self.parts = nn.ModuleDict({layer["name"]: module_of(layer, weights) for layer in layers})
        self.last_reader = {name: layer["name"] for layer in layers for name in layer["inputs"]}

    def forward(self, pictures):
        outputs = {}
        for layer in self.layers:
            name, names = layer["name"], layer["inputs"]
            inputs = [outputs[one] for one in names] or [pictures]
            for one in names:
                if self.last_reader[one] == name:
                    del outputs[one]
            if layer["kind"] == "add":
                outputs[name] = inputs[0] + inputs[1]
            else:
                outputs[name] = self.parts[name](inputs[0])
            del inputs
        return outputs[self.layers[-1]["name"]]


def read_weights(file, tensors):
    """Float32, one tensor after the other, as weights.bin of a checkpoint."""
    values = np.fromfile(file, np.float32)
    weights, offset = {}, 0
    for tensor in tensors:
        size = int(np.prod(tensor["shape"]))
        weights[tensor["name"]] = torch.from_numpy(values[offset : offset + size].reshape(tensor["shape"]).copy())
        offset += size
    return weights


def network_of(task, frozen=(), frozen_statistics=True):
    """@param task: layers, weights (a file) and tensors (their names and shapes in it)."""
    model = Network(task["layers"], read_weights(task["weights"], task["tensors"]))
    model = model.to(memory_format=torch.channels_last)
    if frozen_statistics:
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
    for name in frozen:
        for parameter in model.parts[name].parameters():
            parameter.requires_grad = False
        model.parts[name].eval()
    return model
