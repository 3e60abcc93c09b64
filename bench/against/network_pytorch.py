"""The article's network in PyTorch, channels_last and with fused Adam."""
import torch
from torch import nn
from torch.nn import functional as F


class SamePad(nn.Module):
    """TensorFlow's SAME padding: the odd pixel goes to the right and the bottom."""

    def __init__(self, kernel, stride, value=0.0):
        super().__init__()
        self.kernel, self.stride, self.value = kernel, stride, value

    def forward(self, x):
        def amounts(size):
            out = -(-size // self.stride)
            total = max((out - 1) * self.stride + self.kernel - size, 0)
            return total // 2, total - total // 2

        top, bottom = amounts(x.shape[2])
        left, right = amounts(x.shape[3])
        return F.pad(x, (left, right, top, bottom), value=self.value)


def same_pool(kernel, height):
    """Symmetric padding where it equals SAME, because pooling does it for free; explicit padding otherwise."""
    total = max((-(-height // 2) - 1) * 2 + kernel - height, 0)
    if total % 2 == 0:
        return nn.MaxPool2d(kernel, 2, padding=total // 2)
    return nn.Sequential(SamePad(kernel, 2, float("-inf")), nn.MaxPool2d(kernel, 2))


def network():
    """The network with PyTorch's own initial weights."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 5, padding="same"), same_pool(5, 100), nn.ReLU(inplace=True),
        nn.Conv2d(16, 32, 4, padding="same"), same_pool(4, 50), nn.ReLU(inplace=True),
        nn.Conv2d(32, 64, 3, padding="same"), same_pool(3, 25), nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Linear(13 * 13 * 64, 1024), nn.ReLU(inplace=True),
        nn.Linear(1024, 2),
    )  # fmt: skip


def build(learning_rate=1e-4):
    """The network with the article's initial weights, and its optimizer."""
    model = network()
    for parameter in model.parameters():
        if parameter.dim() > 1:
            nn.init.trunc_normal_(parameter, std=0.05, a=-0.1, b=0.1)
        else:
            nn.init.constant_(parameter, 0.05)
    model = model.to(memory_format=torch.channels_last)
    return model, torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True)
