"""Exports torchvision's and timm's networks as ONNX, in the ways that people do, and writes down what PyTorch answers.

Arguments: a folder to write to, a photograph, and the networks' names. Writes <name>.pixels, uint8 [2, side, side, 3], and
prints for each network its side, its logits for pixels / 255, and its files with the options they were exported with.
"""

import json
import os
import sys
import warnings

import numpy
import onnx
import timm
import torch
import torchvision
from PIL import Image
from randomise import randomise
from torch import nn

warnings.simplefilter("ignore")
folder, photograph, *names = sys.argv[1:]
classes = 10
# Their average pooling, to 7 x 7, can be exported at multiples of that only.
sides = {"alexnet": 224, "vgg11": 224}
# Each is half a gigabyte.
large = ["vgg11"]


class Normalised(nn.Module):
    """Subtracts ImageNet's mean and divides by its deviation first."""

    def __init__(self, network):
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1))

    def forward(self, pictures):
        return self.network((pictures - self.mean) / self.deviation)


def build(name):
    if name.startswith("efficientnet_lite"):
        return timm.create_model(name, num_classes=classes)
    options = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    # As torchvision's own weights for it were trained.
    options |= {"transform_input": True} if name == "googlenet" else {}
    return torchvision.models.get_model(name, num_classes=classes, **options)


def pixels_for(name, side):
    """Half of the photograph, and noise."""
    image = Image.open(photograph).convert("RGB")
    square = image.crop((0, 0, image.height, image.height)).resize((side, side))
    noise = numpy.random.default_rng(len(name)).integers(0, 256, (side, side, 3))
    return numpy.stack([numpy.asarray(square), noise]).astype("u1")


def randomised(model, pictures, pixels, seed):
    """Draws weights for which PyTorch's own rounding moves no logit by 5e-6 of their spread. Returns the logits of float64."""
    while True:
        randomise(model, pictures, seed)
        rounded = model(pictures)
        logits = model.double()(torch.tensor(pixels).double().permute(0, 3, 1, 2) / 255)
        model.float()
        if (rounded - logits).abs().max() < 5e-6 * (logits.max() - logits.min()):
            return logits
        seed += 100


def variants(index, name):
    """Options of the exports of a network: over all networks, every option meets every other."""
    old = {"exporter": "old", "folded": index % 2 == 0, "open": index % 4 < 2, "opset": [11, 13, 9, 17, 20][index % 5]}
    other = {**old, "folded": not old["folded"], "open": not old["open"], "opset": [17, 9, 20, 11, 13][index % 5]}
    new = {"exporter": "new", "folded": index % 2 == 1, "open": index % 4 in (1, 2), "opset": [18, 20, None][index % 3]}
    both = [{**old, "external": index % 3 == 0}, {**new, "external": index % 2 == 0 or name in large}]
    return both if name in large else [*both, {**other, "external": False}]


def export(model, pictures, file, options):
    exporting = {"input_names": ["pictures"], "opset_version": options["opset"]}
    if options["exporter"] == "new":
        shapes = {"dynamic_shapes": ({0: torch.export.Dim("batch")},)} if options["open"] else {}
        kept = {"external_data": options["external"], "optimize": options["folded"], "verbose": False}
        torch.onnx.export(model, (pictures,), file, dynamo=True, **exporting, **shapes, **kept)
        return
    axes = {"dynamic_axes": {"pictures": {0: "batch"}}} if options["open"] else {}
    training = torch.onnx.TrainingMode.EVAL if options["folded"] else torch.onnx.TrainingMode.PRESERVE
    folding = {"do_constant_folding": options["folded"], "training": training}
    torch.onnx.export(model, (pictures,), file, dynamo=False, **exporting, **axes, **folding)
    if options["external"]:
        onnx.save(onnx.load(file), file, save_as_external_data=True, location=os.path.basename(file) + ".data")


def make(index, name):
    side = sides.get(name, 96)
    pixels = pixels_for(name, side)
    pixels.tofile(os.path.join(folder, f"{name}.pixels"))
    pictures = torch.tensor(pixels).permute(0, 3, 1, 2).contiguous() / 255
    torch.manual_seed(index)
    model = build(name)
    if index % 3 == 1:
        model = Normalised(model)
    logits = randomised(model, pictures, pixels, index)
    files = []
    for options in variants(index, name):
        file = f"{name}-{len(files) + 1}.onnx"
        export(model, pictures, os.path.join(folder, file), options)
        files.append({"file": file, **options})
    return {"side": side, "logits": logits.tolist(), "files": files}


with torch.no_grad():
    # PyTorch's exporters print to standard output.
    printing, sys.stdout = sys.stdout, sys.stderr
    made = {name: make(index, name) for index, name in enumerate(names)}
    json.dump(made, printing)
