"""
Saves the state_dicts of networks of torchvision and timm, with random weights and moving averages, as their users save them,
and writes down what each network answers.

Argument: a folder to write to, which gets cases.json: for each file the network's name, its classes, and for random pixels
[2, height, width, channels] of 0..255 in pixels.bin its logits.
"""

import argparse
import collections
import datetime
import json
import os
import pathlib
import sys

import numpy as np
import safetensors.torch
import timm
import torch
import torchvision
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '../../zoo'))
from well_conditioned import randomised  # noqa: E402

folder = sys.argv[1]
torch.manual_seed(1)
torch.set_num_threads(1)
cases = []


def answers(model, pixels, mean=(0.485, 0.456, 0.406), deviation=(0.229, 0.224, 0.225), scale=1 / 255):
    """What the network answers to pixels as torchvision and timm prepare them."""
    pictures = torch.from_numpy(pixels.astype(np.float32) * scale).permute(0, 3, 1, 2)
    each = [torch.tensor(values).reshape(1, -1, 1, 1) for values in (mean, deviation)]
    with torch.inference_mode():
        return model((pictures - each[0]) / each[1]).tolist()


def keep(file, model, state=None, size=(64, 64), channels=3, architecture=None, row=None, save=torch.save, **preparation):
    state = model.state_dict() if state is None else state
    save(state, os.path.join(folder, file))
    pixels = np.random.default_rng(len(cases)).integers(0, 256, (2, *size, channels), np.uint8)
    pixels.tofile(os.path.join(folder, file + '.pixels'))
    cases.append({
        'file': file,
        'row': row,
        'height': size[0],
        'width': size[1],
        'channels': channels,
        'architecture': architecture,
        'logits': answers(model, pixels, **preparation),
    })


def legacy(value, path):
    torch.save(value, path, _use_new_zipfile_serialization=False)


vision = torchvision.models
# Odd sizes show how each layer pads.
for number, (name, size) in enumerate({
    'resnet18': (64, 64),
    'resnet34': (65, 97),
    'resnet50': (64, 64),
    'mobilenet_v2': (97, 65),
}.items()):
    model = randomised(getattr(vision, name)(num_classes=5 + number))
    keep(f'{name}.pth', model, size=size, row=f'torchvision {name}', save=legacy if number % 2 else torch.save)
bottleneck = vision.resnet.Bottleneck
keep('uneven.pth', randomised(vision.ResNet(bottleneck, [1, 2, 3, 1], num_classes=3)), size=(33, 64), row='torchvision ResNet of bottlenecks, [1, 2, 3, 1] blocks')
keep('wide.pth', randomised(vision.ResNet(bottleneck, [1, 1, 1, 1], num_classes=3, width_per_group=128)), row='torchvision wide ResNet')
keep('resnext.pth', randomised(vision.ResNet(bottleneck, [1, 1, 2, 1], num_classes=3, groups=32, width_per_group=4)), row='torchvision ResNeXt, 32x4d')
keep('mobilenet_v2 0.35.pt', randomised(vision.mobilenet_v2(width_mult=0.35, num_classes=3)), row='torchvision mobilenet_v2, width 0.35')
for name, size, options in [
    ('resnet18', (63, 63), {}),
    ('resnet26', (64, 64), {}),
    ('mobilenetv2_100', (64, 96), {}),
    ('mobilenetv2_140', (64, 64), {}),
    ('mobilenetv2_110d', (65, 65), {}),
    ('efficientnet_lite0', (65, 97), {'architecture': 'efficientnet_lite0'}),
    ('efficientnet_lite2', (64, 64), {'architecture': 'efficientnet_lite2'}),
    ('tf_efficientnet_lite0', (65, 98), {'architecture': 'tf_efficientnet_lite0'}),
    ('tf_efficientnet_lite1', (64, 64), {'architecture': 'tf_efficientnet_lite1'}),
    ('tf_efficientnet_lite3', (64, 64), {'architecture': 'tf_efficientnet_lite3'}),
]:
    model = randomised(timm.create_model(name, num_classes=4))
    half = ((0.5,) * 3, (0.5,) * 3) if name.startswith('tf_') else ()
    if half:
        options = {**options, 'mean': half[0], 'deviation': half[1]}
    keep(f'timm {name}.safetensors', model, size=size, row=f'timm {name}', save=safetensors.torch.save_file, **options)

# As training programs wrap and prefix it, and in half precision; of a width that keeps the files small.
def small(classes=3):
    return randomised(vision.mobilenet_v2(width_mult=0.1, num_classes=classes))


def prefixed(prefix, of):
    return {prefix + key: value for key, value in of.items()}


def rounded(model, dtype):
    return {key: value.to(dtype) if value.is_floating_point() else value for key, value in model.state_dict().items()}


model = small()
state = model.state_dict()
other = small().state_dict()
optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9).state_dict()
wrapped = {
    'parallel.pth': nn.DataParallel(model).state_dict(),
    'compiled.pth': prefixed('_orig_mod.', state),
    'both.pth': prefixed('module._orig_mod.', state),
    # Of PyTorch's ImageNet example.
    'imagenet.pth': {
        'epoch': 3,
        'arch': 'mobilenet_v2',
        'state_dict': prefixed('module.', state),
        'best_acc1': torch.tensor(70.1),
        'optimizer': optimizer,
    },
    # Of torchvision's references.
    'reference.pth': {
        'model': other,
        'model_ema': {'n_averaged': torch.tensor(7), **prefixed('module.', state)},
        'optimizer': optimizer,
        'args': argparse.Namespace(lr=0.1, data=pathlib.Path('data'), sizes=[1, 2]),
    },
    # Of timm.
    'timm.pth.tar': {
        'epoch': 1,
        'state_dict': other,
        'state_dict_ema': state,
        'metric': np.float64(1.5),
        'args': argparse.Namespace(lr=0.1),
        'counts': collections.Counter('aab'),
        'by_class': collections.defaultdict(list, {'a': [1]}),
        'curve': np.arange(3),
        'when': datetime.datetime(2020, 1, 1),
    },
    # Of Lightning, whose module is called model, with a loss of its own.
    'lightning.ckpt': {
        'epoch': 1,
        'pytorch-lightning_version': '2.4.0',
        'loops': {'fit_loop': {'state_dict': {}}},
        'state_dict': {**prefixed('model.', state), 'criterion.weight': torch.ones(3)},
        'hyper_parameters': {'lr': 0.1},
        'optimizer_states': [optimizer],
    },
    'backbone.pth': {'model_state_dict': prefixed('backbone.', state)},
    'averaged.pth': {'step': torch.tensor(3), **prefixed('online_model.', other), **prefixed('ema_model.', state)},
}
for name, value in wrapped.items():
    keep(f'wrapped-{name}', model, value)
keep('pytorch_model.bin', model)
keep('channels-last.pth', model, {key: value.contiguous(memory_format=torch.channels_last) if value.dim() == 4 else value for key, value in state.items()})
for dtype in (torch.float16, torch.bfloat16, torch.float64):
    model = small()
    model.load_state_dict(rounded(model, dtype))
    for file, save in {'pth': torch.save, 'safetensors': safetensors.torch.save_file}.items():
        keep(f'{str(dtype)[6:]}.{file}', model, rounded(model, dtype), save=save)


# Heads and stems as tutorials change them.
def changed(change, **options):
    network = vision.ResNet(vision.resnet.BasicBlock, [1, 1, 1, 1], num_classes=3)
    change(network)
    return randomised(network)


def with_dropout(network):
    network.fc = nn.Sequential(nn.Dropout(0.5), nn.Linear(512, 4))


def without_biases(network):
    network.fc = nn.Linear(512, 3, bias=False)


def grey(network):
    network.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)


def biased(network):
    network.conv1 = nn.Conv2d(3, 64, 7, 2, 3)


keep('head-with-dropout.pth', changed(with_dropout))
keep('head-without-biases.pth', changed(without_biases))
keep('grey.pth', changed(grey), channels=1, mean=(0,), deviation=(1,))
keep('biased-stem.pth', changed(biased))

with open(os.path.join(folder, 'cases.json'), 'w') as file:
    json.dump(cases, file)
