"""Random weights with which rounding errors stay small, however deep the network is."""

import torch
from torch import nn


def randomised(model):
    """
    Random weights, with moving averages near those of random pictures. Offsets above 0 keep most values between the corners of
    ReLU6: with as many below, each layer makes rounding errors larger, and PyTorch itself is wrong in the fifth digit.
    """
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity='relu')
            if module.bias is not None:
                nn.init.normal_(module.bias, 0, 0.5)
    for norm in norms:
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.uniform_(norm.bias, 0.5, 1.5)
        norm.momentum = 1
    channels = next(model.parameters()).shape[1]
    with torch.no_grad():
        model.train()(torch.randn(4, channels, 64, 64))
    for norm in norms:
        norm.running_mean += 0.1 * torch.randn_like(norm.running_mean)
        norm.running_var *= torch.empty_like(norm.running_var).uniform_(0.8, 1.25)
        norm.momentum = 0.1
    return model.eval()
