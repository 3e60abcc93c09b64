"""Takes training steps for bench/training/contestants.ts, channels_last and with fused Adam.

Usage: train_pytorch.py <task.json> [compile]
"""
import json
import sys
from pathlib import Path

import torch
from answers import answer_steps
from layers_pytorch import network_of
from torch.nn import functional as F


def main():
    task, compiled = json.loads(Path(sys.argv[1]).read_text()), sys.argv[2:] == ["compile"]
    if task["threads"]:
        torch.set_num_threads(task["threads"])
    model = network_of(task, task["frozen"], task["frozenStatistics"])
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(learning, lr=task["learningRate"], fused=True)
    batch, height, width, classes = [task["sizes"][key] for key in ("batch", "height", "width", "classes")]
    pixels = (torch.arange(batch * height * width * 3, dtype=torch.int64) * 7919 % 251).to(torch.uint8)
    pixels = pixels.view(batch, height, width, 3).permute(0, 3, 1, 2)  # NHWC in memory, as decoded pictures are
    labels = torch.arange(batch) % classes

    def loss_of(pixels, labels):
        pictures = pixels.to(torch.float32, memory_format=torch.channels_last).mul_(1 / 255)
        with torch.autocast("cpu", torch.bfloat16, enabled=task["precision"] == "bf16"):
            return F.cross_entropy(model(pictures), labels)

    if compiled:
        loss_of = torch.compile(loss_of)

    def train_step():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(pixels, labels)
        loss.backward()
        optimizer.step()
        return loss

    how = "torch.compile, channels_last" if compiled else "channels_last"
    answer_steps(f"PyTorch {torch.__version__}, {how}", train_step, task["checkedSteps"])


if __name__ == "__main__":
    main()
