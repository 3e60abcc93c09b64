"""Ten steps of fine-tuning in PyTorch. Usage: fine_tuning.py <task.json> -> { losses, weights: sums of absolute values }"""
import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

sys.path.append(str(Path(__file__).parents[2] / "bench" / "against"))
from layers_pytorch import network_of  # noqa: E402

task = json.loads(Path(sys.argv[1]).read_text())
torch.set_num_threads(2)
model = network_of(task, task["frozen"])
groups = [
    {"params": list(model.parts[name].parameters()), "lr": task["learningRate"] * task["factors"].get(name, 1)}
    for name in model.parts
]
learning = [{**group, "params": [p for p in group["params"] if p.requires_grad]} for group in groups]
optimizer = torch.optim.Adam([group for group in learning if group["params"]])
shape = task["shape"]
pixels = torch.from_numpy(np.fromfile(task["pixels"], np.uint8).reshape(shape)).permute(0, 1, 4, 2, 3)
labels = torch.tensor(task["labels"])
losses = []
for step in range(shape[0]):
    pictures = pixels[step].to(torch.float32) / 255
    optimizer.zero_grad()
    loss = F.cross_entropy(model(pictures), labels[step])
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
sums = {name: sum(p.abs().sum().item() for p in model.parts[name].parameters()) for name in model.parts}
print(json.dumps({"losses": losses, "sums": sums}))
