"""Converts a safetensors file to a state_dict of network_pytorch.py: state_dict.py <safetensors> <state_dict>."""
import json
import sys

import torch

layers = {"conv1": 0, "conv2": 3, "conv3": 6, "fc1": 10, "logits": 12}
source, target = sys.argv[1:]
with open(source, "rb") as file:
    header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    data = bytearray(file.read())
header.pop("__metadata__", None)
state = {}
for name, tensor in header.items():
    layer, part = name.split(".")
    start, end = tensor["data_offsets"]
    values = torch.frombuffer(data, dtype=torch.float32, count=(end - start) // 4, offset=start)
    state[f"{layers[layer]}.{part}"] = values.reshape(tensor["shape"]).clone()
torch.save(state, target)
