"""
Ten training steps in PyTorch from a network of torchvision, exported to ONNX before.

Usage: start_torch.py <task.json> -> { losses: { case: [step] } }
"""
import copy
import json
import sys
from pathlib import Path

import numpy as np
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

sys.path.append(str(Path(__file__).parents[1] / "zoo"))
from well_conditioned import randomised  # noqa: E402

task = json.loads(Path(sys.argv[1]).read_text())
# On a busy machine, threads that wait for each other take far longer than one.
torch.set_num_threads(1)
shape = task["shape"]
pixels = torch.from_numpy(np.fromfile(task["pixels"], np.uint8).reshape(shape)).permute(0, 1, 4, 2, 3)
batches = pixels.to(torch.float32) / 255
labels = torch.tensor(task["labels"])


def parts_of(model):
    """The parts of a network, from the pictures on."""
    if task["network"] == "resnet18":
        return [model.conv1, model.bn1, model.layer1, model.layer2, model.layer3, model.layer4, model.fc]
    return [*model.features, model.classifier]


def learn(start, frozen, statistics):
    """Losses of Adam's steps where the first parts are frozen; statistics: whether batches are normalised by their own."""
    # In double precision, so that only our rounding is measured.
    model = copy.deepcopy(start).double()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.train(statistics)
    for part in parts_of(model)[:frozen]:
        part.eval()
        part.requires_grad_(False)
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(learning, lr=task["learningRate"])
    losses = []
    for pictures, own in zip(batches, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(pictures.double()), own)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


torch.manual_seed(7)
# In evaluation mode: dropout draws random numbers, which are others everywhere.
model = randomised(getattr(torchvision.models, task["network"])(num_classes=task["classes"]))
# Preserved, not in evaluation mode, for which the exporter would fold batch normalisations into convolutions.
torch.onnx.export(
    model,
    batches[0][:1],
    task["onnx"],
    dynamo=False,
    training=torch.onnx.TrainingMode.PRESERVE,
    do_constant_folding=False,
)
print(json.dumps({one["name"]: learn(model, one["parts"], one["statistics"]) for one in task["cases"]}))
