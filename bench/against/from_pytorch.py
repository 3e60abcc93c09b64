"""Trains a network of torchvision, channels_last and with fused Adam, after it has exported it to ONNX.

Usage: from_pytorch.py <task.json> <threads, 0 for PyTorch's own choice>
"""
import json
import sys
from pathlib import Path

import torch
import torchvision
from answers import answer_steps
from torch import nn
from torch.nn import functional as F


def main():
    task = json.loads(Path(sys.argv[1]).read_text())
    threads = int(sys.argv[2])
    if threads:
        torch.set_num_threads(threads)
    torch.manual_seed(1)
    batch, size = task["batch"], task["size"]
    model = getattr(torchvision.models, task["network"])(num_classes=task["classes"]).eval()
    torch.onnx.export(
        model,
        torch.zeros(1, 3, size, size),
        task["file"],
        dynamo=False,
        training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=False,
    )
    model = model.to(memory_format=torch.channels_last)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.train(not task["frozenStatistics"])
    optimizer = torch.optim.Adam(model.parameters(), lr=task["learningRate"], fused=True)
    pixels = (torch.arange(batch * size * size * 3, dtype=torch.int64) * 7919 % 251).to(torch.uint8)
    pixels = pixels.view(batch, size, size, 3).permute(0, 3, 1, 2)  # NHWC in memory, as decoded pictures are
    labels = torch.arange(batch) % task["classes"]

    def train_step():
        pictures = pixels.to(torch.float32, memory_format=torch.channels_last).mul_(1 / 255)
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(pictures), labels)
        loss.backward()
        optimizer.step()
        return loss

    answer_steps(f"PyTorch {torch.__version__}, channels_last", train_step, task["checkedSteps"])


if __name__ == "__main__":
    main()
