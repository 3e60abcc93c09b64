"""PyTorch for bench/backbone.ts: backbone_pytorch.py <folder> <threads> [compiled]. Each line on stdin is a number of batches."""
import json
import sys

import numpy as np
import torch
from answers import answer_batches
from torch import nn
from torch.nn import functional as F

folder, threads, compiled = sys.argv[1], int(sys.argv[2]), "compiled" in sys.argv[3:]
torch.set_num_threads(threads)
with open(f"{folder}/network.json") as file:
    description = json.load(file)
values = np.fromfile(f"{folder}/weights.bin", np.float32)
weights, at = {}, 0
for tensor in description["tensors"]:
    size = int(np.prod(tensor["shape"]))
    weights[tensor["name"]] = torch.from_numpy(values[at : at + size].reshape(tensor["shape"]))
    at += size


class Convolution(nn.Module):
    """TensorFlow's SAME padding: symmetric where it can be, which the convolution does itself."""

    def __init__(self, layer, groups):
        super().__init__()
        height, width, channels = layer["inputShape"]
        options, outputs = layer["attributes"], layer["outputShape"][2]
        kernel, stride = options["kernel"], options["stride"]
        top, bottom = self.padding(height, kernel, stride)
        left, right = self.padding(width, kernel, stride)
        self.around = None if top == bottom and left == right else (left, right, top, bottom)
        inside = 0 if self.around else (top, left)
        self.convolution = nn.Conv2d(channels, outputs, kernel, stride, inside, groups=groups, bias=False)
        filters = weights[f"{layer['name']}/weights"]
        order = (2, 3, 0, 1) if groups > 1 else (3, 2, 0, 1)
        self.convolution.weight.data = filters.permute(order).contiguous()

    @staticmethod
    def padding(size, kernel, stride):
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        return total // 2, total - total // 2

    def forward(self, x):
        return self.convolution(F.pad(x, self.around) if self.around else x)


def module(layer):
    name, kind = layer["name"], layer["kind"]
    if kind == "conv":
        return Convolution(layer, 1)
    if kind == "depthwiseConv":
        return Convolution(layer, layer["inputShape"][2])
    if kind == "batchNorm":
        norm = nn.BatchNorm2d(layer["outputShape"][2], eps=layer["attributes"]["epsilon"])
        norm.weight.data, norm.bias.data = weights[f"{name}/scale"], weights[f"{name}/offset"]
        norm.running_mean, norm.running_var = weights[f"{name}/mean"], weights[f"{name}/variance"]
        return norm
    if kind == "activation":
        return nn.ReLU6()
    if kind == "globalAveragePool":
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    if kind == "fullyConnected":
        linear = nn.Linear(layer["inputShape"][0], layer["outputShape"][0])
        linear.weight.data, linear.bias.data = weights[f"{name}/weights"].T.contiguous(), weights[f"{name}/biases"]
        return linear
    return nn.Identity()


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = description["layers"]
        self.modules_of_layers = nn.ModuleList(module(layer) for layer in self.layers)

    def forward(self, x):
        outputs = {}
        for layer, compute in zip(self.layers, self.modules_of_layers):
            inputs = [outputs[name] for name in layer["inputs"]] or [x]
            outputs[layer["name"]] = inputs[0] + inputs[1] if layer["kind"] == "add" else compute(inputs[0])
        return outputs[self.layers[-1]["name"]]


network = Network().eval().to(memory_format=torch.channels_last)
if compiled:
    network = torch.compile(network)
batch, side = description["batch"], description["side"]
pictures = torch.from_numpy(np.fromfile(f"{folder}/pictures.bin", np.float32).reshape(batch, side, side, 3))
pictures = pictures.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


def compute():
    with torch.inference_mode():
        return network(pictures).numpy()


answer_batches(compute)
