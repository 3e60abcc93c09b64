"""Fine-tunes the network that bench/fine_tune.ts describes, channels_last and with fused Adam.

Usage: fine_tune_pytorch.py <task.json> <threads, 0 for PyTorch's own choice>
"""
import json
import resource
import sys
import time
from pathlib import Path

import torch
from answers import answer_lines
from layers_pytorch import network_of
from torch.nn import functional as F


def main():
    task = json.loads(Path(sys.argv[1]).read_text())
    threads = int(sys.argv[2])
    if threads:
        torch.set_num_threads(threads)
    model = network_of(task, task["frozen"])
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(learning, lr=task["learningRate"], fused=True)
    batch, height, width = task["batch"], task["height"], task["width"]
    pixels = (torch.arange(batch * height * width * 3, dtype=torch.int64) * 7919 % 251).to(torch.uint8)
    pixels = pixels.view(batch, height, width, 3).permute(0, 3, 1, 2)  # NHWC in memory, as decoded pictures are
    labels = torch.arange(batch) % task["classes"]

    def train_step():
        pictures = pixels.to(torch.float32, memory_format=torch.channels_last).mul_(1 / 255)
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(pictures), labels)
        loss.backward()
        optimizer.step()
        return loss

    losses = [train_step().item() for _ in range(task["checkedSteps"])]

    def answer(line):
        before, cpu = time.perf_counter(), time.process_time()
        for _ in range(int(line)):
            loss = train_step()
        loss.item()
        return {
            "milliseconds": (time.perf_counter() - before) * 1000,
            "cpuMilliseconds": (time.process_time() - cpu) * 1000,
            "peakMebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }

    answer_lines({"description": f"PyTorch {torch.__version__}, channels_last", "losses": losses}, answer)


if __name__ == "__main__":
    main()
