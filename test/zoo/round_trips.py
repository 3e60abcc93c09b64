"""Exports torchvision's and timm's networks as ONNX for small pictures. Arguments: a folder to write to, the side, the names."""

import os
import sys
import warnings

import timm
import torch
import torchvision
from well_conditioned import randomised

warnings.simplefilter("ignore")
folder, side, *names = sys.argv[1:]
torch.manual_seed(1)
pictures = torch.rand(4, 3, int(side), int(side))
for name in names:
    if name in timm.list_models():
        model = timm.create_model(name, num_classes=10)
    else:
        options = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
        model = torchvision.models.get_model(name, num_classes=10, **options)
    randomised(model)
    file = os.path.join(folder, f"{name}.onnx")
    options = {"input_names": ["pictures"], "dynamic_axes": {"pictures": {0: "batch"}}, "opset_version": 17}
    torch.onnx.export(model, (pictures,), file, dynamo=False, **options)
