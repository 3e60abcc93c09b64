"""EfficientNet-Lite in PyTorch, which reads the published ImageNet weights (a state dict in a .pth file).

Pictures are [n, 3, side, side], RGB, (pixel - 127) / 128. Padding is TensorFlow's "same": on even sizes a convolution
of stride 2 pads less before than after.
"""
import torch
from torch import nn
from torch.nn import functional as F

# Kernel, stride, expansion, channels and repeats of each stage.
STAGES = {
    0: [(3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3), (5, 2, 6, 192, 4), (3, 1, 6, 320, 1)],
    1: [(3, 1, 1, 16, 1), (3, 2, 6, 24, 3), (5, 2, 6, 40, 3), (3, 2, 6, 80, 4), (5, 1, 6, 112, 4), (5, 2, 6, 192, 5), (3, 1, 6, 320, 1)],
    2: [(3, 1, 1, 16, 1), (3, 2, 6, 24, 3), (5, 2, 6, 48, 3), (3, 2, 6, 88, 4), (5, 1, 6, 120, 4), (5, 2, 6, 208, 5), (3, 1, 6, 352, 1)],
}  # fmt: skip
INPUT_SIDE = {0: 224, 1: 240, 2: 260}
FEATURES = 1280


class SameConv2d(nn.Conv2d):
    """Without a bias; as many outputs as the input is wide over the stride."""

    def __init__(self, inputs, outputs, kernel, stride=1, groups=1):
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)

    def forward(self, x):
        kernel, stride = self.kernel_size[0], self.stride[0]
        padding = []
        for size in (x.shape[-1], x.shape[-2]):
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            padding += [total // 2, total - total // 2]
        if padding[0] == padding[1] == padding[2] == padding[3]:
            return F.conv2d(x, self.weight, None, stride, padding[0], 1, self.groups)
        return F.conv2d(F.pad(x, padding), self.weight, None, stride, 0, 1, self.groups)


def batch_norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class Block(nn.Module):
    """Expansion, depthwise convolution, projection; the input is added where the shape stays the same."""

    def __init__(self, inputs, outputs, kernel, stride, expansion):
        super().__init__()
        inner = inputs * expansion
        if expansion != 1:
            self._expand_conv, self._bn0 = SameConv2d(inputs, inner, 1), batch_norm(inner)
        self._depthwise_conv, self._bn1 = SameConv2d(inner, inner, kernel, stride, groups=inner), batch_norm(inner)
        self._project_conv, self._bn2 = SameConv2d(inner, outputs, 1), batch_norm(outputs)
        self.expands, self.adds = expansion != 1, stride == 1 and inputs == outputs

    def forward(self, inputs):
        x = F.relu6(self._bn0(self._expand_conv(inputs))) if self.expands else inputs
        x = F.relu6(self._bn1(self._depthwise_conv(x)))
        x = self._bn2(self._project_conv(x))
        return x + inputs if self.adds else x


class EfficientNetLite(nn.Module):
    def __init__(self, width, classes=1000, dropout=0.0):
        super().__init__()
        self._conv_stem, self._bn0 = SameConv2d(3, 32, 3, 2), batch_norm(32)
        blocks, inputs = [], 32
        for kernel, stride, expansion, outputs, repeats in STAGES[width]:
            for repeat in range(repeats):
                blocks.append(Block(inputs, outputs, kernel, stride if repeat == 0 else 1, expansion))
                inputs = outputs
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1 = SameConv2d(inputs, FEATURES, 1), batch_norm(FEATURES)
        self._dropout = nn.Dropout(dropout)
        self._fc = nn.Linear(FEATURES, classes)

    def stem(self, x):
        return F.relu6(self._bn0(self._conv_stem(x)))

    def maps(self, x):
        """[n, 1280, side / 32, side / 32]: the last convolution's output."""
        x = self.stem(x)
        for block in self._blocks:
            x = block(x)
        return F.relu6(self._bn1(self._conv_head(x)))

    def features(self, x):
        """[n, 1280]: its average over the picture."""
        return self.maps(x).mean((2, 3))

    def forward(self, x):
        return self._fc(self._dropout(self.features(x)))


def load(width, weights, classes=None):
    """The network with the weights of a .pth file; with `classes` its last layer is new."""
    network = EfficientNetLite(width)
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    if classes is not None:
        network._fc = nn.Linear(FEATURES, classes)
    return network


def scaled(pixels):
    """[n, 3, side, side] for the network from uint8 [n, side, side, 3]."""
    x = torch.as_tensor(pixels).permute(0, 3, 1, 2).float()
    return ((x - 127) / 128).contiguous(memory_format=torch.channels_last)
