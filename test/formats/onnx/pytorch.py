"""Exports networks of PyTorch as ONNX, as its users write them, and writes down what PyTorch answers.

Argument: a folder to write to. fixtures/ was written by this with torch 2.15.0, onnx 1.23.2 and onnxscript: with the
exporter of today, and with the one before it, in files called old-*. The pictures are uint8 [2, 32, 32, 3], over 255.
"""
import json
import os
import sys

import torch
from torch import nn
from without_paths import without_paths

folder = sys.argv[1]
torch.manual_seed(1)


class Plain(nn.Module):
    """Halves its maps twice, and flattens with view."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 5, padding=2)
        self.second = nn.Conv2d(4, 4, 3, padding="same")
        self.pool = nn.MaxPool2d(2)
        self.dropout = nn.Dropout(0.5)
        self.hidden = nn.Linear(4 * 8 * 8, 5)
        self.answer = nn.Linear(5, 3)

    def forward(self, pictures):
        maps = self.pool(torch.relu(self.first(pictures)))
        maps = self.pool(torch.relu(self.second(maps)))
        features = maps.view(maps.size(0), -1)
        return self.answer(self.dropout(torch.relu(self.hidden(features))))


class Residual(nn.Module):
    """Normalises, adds, averages; ends in a softmax."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU())
        self.block = nn.Sequential(
            nn.Conv2d(4, 4, 3, padding=1, bias=False),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Conv2d(4, 4, 3, padding=1, bias=False),
            nn.BatchNorm2d(4),
        )
        self.average = nn.AdaptiveAvgPool2d(1)
        self.answer = nn.Linear(4, 3)

    def forward(self, pictures):
        maps = self.stem(pictures)
        maps = torch.relu(maps + self.block(maps))
        return torch.softmax(self.answer(torch.flatten(self.average(maps), 1)), 1)


class Halving(nn.Module):
    """Its second convolution pads one pixel before and one behind, which SAME does not at a stride of 2."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 1, 3, stride=2, padding=1)
        self.answer = nn.Linear(16 * 16, 3)

    def forward(self, pictures):
        return self.answer(torch.flatten(self.second(self.first(pictures)), 1))


class Mobile(nn.Module):
    """Convolutions of each channel by itself, which halve as Halving does, and every activation that there is."""

    def __init__(self):
        super().__init__()
        activations = [nn.ReLU6(), nn.SiLU(), nn.Hardswish(), nn.LeakyReLU(0.2), nn.Sigmoid()]
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(6, 6, 3, stride=1 + (index == 1), padding=1, groups=6, bias=index > 0),
                    nn.BatchNorm2d(6),
                    activation,
                    nn.Conv2d(6, 6, 1),
                )
                for index, activation in enumerate(activations)
            )
        )
        self.answer = nn.Linear(6, 3)

    def forward(self, pictures):
        # Large enough for the corners of relu6 and hard swish.
        maps = self.blocks(8 * torch.relu(self.stem(pictures)) - 1)
        return self.answer(maps.mean((2, 3)))


pixels = torch.arange(2 * 32 * 32 * 3).reshape(2, 32, 32, 3) * 37 % 256
pictures = (pixels / 255).permute(0, 3, 1, 2).contiguous()
answers = {}
for name, model in {"plain": Plain(), "residual": Residual(), "halving": Halving(), "mobile": Mobile()}.items():
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    model.eval()
    today = {"dynamic_shapes": ({0: torch.export.Dim("batch")},), "external_data": False, "verbose": False}
    before = {"dynamo": False, "dynamic_axes": {"pictures": {0: "batch"}}, "do_constant_folding": False}
    for prefix, options in {"": today, "old-": before}.items():
        file = os.path.join(folder, prefix + name + ".onnx")
        torch.onnx.export(model, (pictures,), file, input_names=["pictures"], **options)
        without_paths(file)
    answers[name] = model(pictures).tolist()
with open(os.path.join(folder, "answers.json"), "w") as file:
    json.dump(answers, file)
