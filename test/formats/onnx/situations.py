"""
Exports small networks with what users of other importers of ONNX reported, and writes down what they answer.

Argument: a folder to write to. fixtures/situations was written by this with torch 2.15.0. The pictures are the uint8
[2, 12, 15, 3] of the test, over 255; answers.json has the logits by the file's name.
"""

import json
import os
import sys
import warnings

import onnx
import torch
from torch import nn
from torch.nn import functional
from without_paths import without_paths

warnings.simplefilter("ignore")
folder = sys.argv[1]
torch.manual_seed(1)


class Wrapped(nn.Module):
    """A convolution, what is tried, and a fully connected layer over the means."""

    def __init__(self, tried=None, before=None, channels=8, after=None):
        super().__init__()
        self.before, self.tried, self.after = before, tried, after
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.answer = nn.Linear(channels, 4)

    def forward(self, pictures):
        maps = torch.relu(self.stem(self.before(pictures) if self.before else pictures))
        maps = self.tried(maps) if self.tried else maps
        features = self.after(maps) if self.after else torch.flatten(functional.adaptive_avg_pool2d(maps, 1), 1)
        return self.answer(features)


class SqueezeAndExcitation(nn.Module):
    """With fully connected layers, as in the article."""

    def __init__(self):
        super().__init__()
        self.gates = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 8), nn.Sigmoid())

    def forward(self, maps):
        batch, channels = maps.shape[:2]
        gates = self.gates(functional.adaptive_avg_pool2d(maps, 1).view(batch, channels))
        return maps * gates.view(batch, channels, 1, 1).expand_as(maps)


class Affine(nn.Module):
    """Batch normalisation in plain arithmetic; one of its factors is 0, as where channels were pruned."""

    def __init__(self):
        super().__init__()
        for name in ("mean", "variance", "scale", "offset"):
            self.register_buffer(name, torch.rand(1, 8, 1, 1) + 0.5)
        self.scale[0, 3] = 0

    def forward(self, maps):
        return (maps - self.mean) / torch.sqrt(self.variance + 1e-3) * self.scale + self.offset


class Twice(nn.Module):
    """A scaled value that a layer reads, and that is shifted for another."""

    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1)

    def forward(self, maps):
        scaled = maps * 2
        return self.one(scaled) + self.other(scaled + 1)


def each_colour(pictures):
    red = pictures[:, 0].unsqueeze(1) * 0.5 - 0.1
    green = torch.unsqueeze(pictures[:, 1], 1) * 0.75 + 0.2
    return torch.cat((red, green, pictures[:, 2:3] / 2), 1)


def caffe(pictures):
    return pictures.flip(1) * 255 - torch.tensor([103.939, 116.779, 123.68]).reshape(1, 3, 1, 1)


def conv(*arguments, **options):
    return nn.Conv2d(*arguments, **options)


networks = {
    "means-of-means": Wrapped(after=lambda maps: maps.mean(3).mean(2)),
    "means-kept": Wrapped(after=lambda maps: maps.mean((2, 3), keepdim=True).squeeze(-1).squeeze(-1)),
    "indexed": Wrapped(after=lambda maps: functional.adaptive_avg_pool2d(maps, 1)[:, :, 0, 0]),
    "view": Wrapped(channels=8 * 12 * 15, after=lambda maps: maps.view(maps.size(0), -1)),
    "view-of-product": Wrapped(
        channels=8 * 12 * 15, after=lambda maps: maps.view(-1, maps.size(1) * maps.size(2) * maps.size(3))
    ),
    "reshape-of-one": Wrapped(channels=8 * 12 * 15, after=lambda maps: maps.reshape(1, -1)),
    "squeeze-and-excitation": Wrapped(SqueezeAndExcitation()),
    "affine": Wrapped(Affine()),
    "twice": Wrapped(Twice()),
    "ceil": Wrapped(nn.MaxPool2d(3, 2, ceil_mode=True)),
    "ceil-padded": Wrapped(nn.MaxPool2d(2, 2, padding=1, ceil_mode=True)),
    "ceil-of-one": Wrapped(nn.MaxPool2d(1, 2, ceil_mode=True)),
    "ceil-wide": Wrapped(nn.MaxPool2d(2, 3, ceil_mode=True)),
    "average": Wrapped(nn.AvgPool2d(3, 2, padding=1)),
    "average-uncounted": Wrapped(nn.AvgPool2d(3, 1, padding=1, count_include_pad=False)),
    "average-uneven": Wrapped(nn.AdaptiveAvgPool2d((4, 5))),
    "average-of-one": Wrapped(nn.AvgPool2d(1)),
    "average-all": Wrapped(nn.AvgPool2d((12, 15)), after=lambda maps: torch.flatten(maps, 1)),
    "each-colour": Wrapped(before=each_colour),
    "caffe": Wrapped(before=caffe),
    "bgr": Wrapped(before=lambda pictures: pictures[:, [2, 1, 0]] - 0.5),
    "padded": Wrapped(nn.Sequential(nn.ZeroPad2d((1, 2, 3, 0)), conv(8, 8, (3, 5), stride=(2, 1)))),
    "grouped": Wrapped(nn.Sequential(conv(8, 8, 3, groups=4, padding=1), nn.Hardswish(), conv(8, 8, 1, groups=2))),
    "concatenated": Wrapped(lambda maps: torch.cat([maps, maps * 2, functional.max_pool2d(maps, 3, 1, 1)], 1), channels=24),
    "normalised-features": Wrapped(channels=8, after=lambda maps: functional.batch_norm(
        maps.mean((2, 3)), torch.zeros(8), torch.ones(8) * 2)),
    "shuffled": Wrapped(lambda maps: maps.view(-1, 2, 4, 12, 15).transpose(1, 2).reshape(-1, 8, 12, 15)),
    "split": Wrapped(lambda maps: torch.cat(maps.split(4, 1)[::-1], 1)),
    "largest-means": Wrapped(after=lambda maps: maps.amax((2, 3))),
    "average-ceil-padded": Wrapped(nn.AvgPool2d(3, 2, padding=1, ceil_mode=True)),
    "reflected": Wrapped(nn.ReflectionPad2d(1)),
    "dilated": Wrapped(conv(8, 8, 3, dilation=2)),
    "sums": Wrapped(lambda maps: maps + maps.sigmoid() + functional.leaky_relu(maps - 1, 0.1)),
    "largest": Wrapped(nn.AdaptiveMaxPool2d(1)),
    "average-uncounted-halving": Wrapped(nn.AvgPool2d(3, 2, padding=1, count_include_pad=False)),
    "average-uncounted-wide": Wrapped(nn.AvgPool2d((5, 1), (3, 2), padding=(2, 0), count_include_pad=False)),
}

pixels = torch.arange(2 * 12 * 15 * 3).reshape(2, 12, 15, 3) * 37 % 256
pictures = (pixels / 255).permute(0, 3, 1, 2).contiguous()
answers = {}


def export(name, network, given, **options):
    file = os.path.join(folder, name + ".onnx")
    torch.onnx.export(network, (given,), file, input_names=["pictures"], **options)
    return file


old = {"dynamo": False, "dynamic_axes": {"pictures": {0: "batch"}}}
for index, (name, network) in enumerate(networks.items()):
    network.eval()
    with torch.no_grad():
        answers[name] = network(pictures).tolist() if name != "reshape-of-one" else None
    if answers[name] is None:
        one = [network(picture[None])[0].tolist() for picture in pictures]
        answers[name] = one
        export(name, network, pictures[:1], **old, opset_version=11)
        continue
    export(name, network, pictures, **old, do_constant_folding=index % 2 == 0, opset_version=[9, 11, 13, 17][index % 4])

# Today's exporter, unfolded.
for name in ["squeeze-and-excitation", "each-colour", "affine", "ceil-padded"]:
    shapes = {"dynamic_shapes": ({0: torch.export.Dim("batch")},)}
    export(name + "-today", networks[name], pictures, dynamo=True, optimize=False, external_data=False, verbose=False, **shapes)
    answers[name + "-today"] = answers[name]

# In float16; weights are rounded, so that the answers are those of the rounded weights.
rounded = Wrapped(nn.Sequential(conv(8, 8, 3), nn.BatchNorm2d(8), nn.ReLU6())).eval().half()
export("half", rounded, pictures.half(), dynamo=False)
with torch.no_grad():
    answers["half"] = rounded.float()(pictures).tolist()

# Nodes that read no name, and constants that are listed as inputs as well, as before version 4 of the format.
model = onnx.load(os.path.join(folder, "affine.onnx"))
model.graph.input.extend(
    onnx.helper.make_tensor_value_info(one.name, one.data_type, one.dims) for one in model.graph.initializer
)
onnx.save(model, os.path.join(folder, "inputs.onnx"))
answers["inputs"] = answers["affine"]
for name in answers:
    without_paths(os.path.join(folder, name + ".onnx"))
with open(os.path.join(folder, "answers.json"), "w") as file:
    json.dump(answers, file)
