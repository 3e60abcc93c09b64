"""The article's network in PyTorch, as README.md has it: its state_dict and bat-sup's safetensors files are one."""
import torch
from torch import nn
from torch.nn.functional import max_pool2d, pad


def same(maps, kernel):
    """TensorFlow's SAME padding for a stride of 2, of maps whose outsides are less than anything within."""
    total = [max((-(-n // 2) - 1) * 2 + kernel - n, 0) for n in maps.shape[:1:-1]]
    sides = [side for one in total for side in (one // 2, one - one // 2)]
    return max_pool2d(pad(maps, sides, value=-torch.inf), kernel, 2)


class Article(nn.Module):
    def __init__(self, height, width, channels, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 16, 5, padding="same")
        self.conv2 = nn.Conv2d(16, 32, 4, padding="same")
        self.conv3 = nn.Conv2d(32, 64, 3, padding="same")
        self.fc1 = nn.Linear(64 * -(-height // 8) * -(-width // 8), 1024)
        self.logits = nn.Linear(1024, classes)

    def forward(self, maps):  # [batch, channels, height, width], pixels / 255
        for conv, kernel in ((self.conv1, 5), (self.conv2, 4), (self.conv3, 3)):
            maps = torch.relu(same(conv(maps), kernel))
        return self.logits(torch.relu(self.fc1(maps.flatten(1))))
