"""PyTorch's BCEWithLogitsLoss: argument a JSON file of cases; prints [{loss, gradient}] as JSON."""

import json
import sys

import torch

results = []
for case in json.load(open(sys.argv[1])):
    logits = torch.tensor(case["logits"], dtype=torch.float32, requires_grad=True)
    targets = torch.tensor(case["targets"], dtype=torch.float32)
    weight = torch.tensor(case["weights"], dtype=torch.float32) if "weights" in case else None
    loss = torch.nn.BCEWithLogitsLoss(weight=weight)(logits, targets)
    loss.backward()
    results.append({"loss": loss.item(), "gradient": logits.grad.ravel().tolist()})
print(json.dumps(results))
