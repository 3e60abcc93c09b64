"""Random weights for a network of PyTorch that keep its activations in a healthy range."""

import torch
from torch import nn


def randomise(model, pictures, seed):
    """
    Draws weights, and the moving averages of batch normalisations, so that nothing in the network is trivially 0, 1 or
    saturated: every convolution and fully connected layer gets outputs with a standard deviation of 1 for these pictures,
    and every batch normalisation about the statistics of its input. Afterwards the model is in evaluation mode.
    """
    generator = torch.Generator().manual_seed(seed)

    def uniform(like, low, high):
        return torch.empty_like(like).uniform_(low, high, generator=generator)

    def weighted(module, inputs, output):
        fan_in = module.weight[0].numel()
        module.weight.copy_(torch.empty_like(module.weight).normal_(0, fan_in**-0.5, generator=generator))
        if module.bias is not None:
            module.bias.zero_()
        module.weight.div_(module.forward(*inputs).std() + 1e-6)
        if module.bias is not None:
            module.bias.copy_(uniform(module.bias, -0.3, 0.3))
        return module.forward(*inputs)

    def normalised(module, inputs, output):
        [maps] = inputs
        variance, mean = torch.var_mean(maps, (0, 2, 3), correction=0)
        # Dividing by a small deviation would make rounding grow from layer to layer.
        variance += 1e-3 + 4 * mean**2
        module.running_mean.copy_(mean + uniform(mean, -0.5, 0.5) * variance.sqrt())
        module.running_var.copy_(variance * uniform(mean, 0.5, 1.5))
        module.weight.copy_(uniform(mean, 0.5, 1.5))
        module.bias.copy_(uniform(mean, -0.5, 1))
        # Some reach the corners of relu6 and hard swish.
        module.bias[::8] += 2
        return module.forward(maps)

    model.eval()
    hooks = []
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            hooks.append(module.register_forward_hook(weighted))
        elif isinstance(module, nn.BatchNorm2d):
            hooks.append(module.register_forward_hook(normalised))
    with torch.no_grad():
        model(pictures)
    for hook in hooks:
        hook.remove()
    return model
