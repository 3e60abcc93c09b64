"""
EfficientNet-Lite in plain torch operations: the other side of our layers. Reads a .pth file with torch.load.
Arguments: the .pth file, the side of the pictures, and a file of float32 pictures [n, 3, side, side] that are normalised
already (.bin), or photographs. Prints the logits in JSON. The network follows the reference implementation: TensorFlow's SAME
padding, ReLU6, batch normalisation with epsilon 0.001 and moving averages, and a residual connection where stride is 1 and
channels match; so does the preprocessing of photographs: a square of side / (side + 32) of the shorter side, scaled
bicubically, then (pixel - 127) / 128.
"""

import json
import sys

import numpy
import torch
from PIL import Image
from torch.nn import functional


def convolve(x, weight, stride, groups=1):
    kernel = weight.shape[2]

    def padding(length):
        total = max((-(-length // stride) - 1) * stride + kernel - length, 0)
        return [total // 2, total - total // 2]

    height, width = x.shape[2:]
    padded = functional.pad(x, padding(width) + padding(height))
    return functional.conv2d(padded, weight, stride=stride, groups=groups)


def preprocess(file, side):
    picture = Image.open(file).convert('RGB')
    square = side / (side + 32) * min(picture.size)
    left, top = [(length - square) / 2 for length in picture.size]
    box = (left, top, left + square, top + square)
    pixels = numpy.asarray(picture.resize((side, side), Image.Resampling.BICUBIC, box=box), dtype='f4')
    return ((pixels - 127) / 128).transpose(2, 0, 1)


def read(pictures, side):
    if pictures[0].endswith('.bin'):
        return numpy.fromfile(pictures[0], dtype='<f4').reshape(-1, 3, side, side)
    return numpy.stack([preprocess(file, side) for file in pictures])


def main(file, side, pictures):
    state = torch.load(file, map_location='cpu', weights_only=True)

    def norm(x, name):
        parts = [state[f'{name}.{part}'] for part in ('running_mean', 'running_var', 'weight', 'bias')]
        return functional.batch_norm(x, *parts, training=False, eps=1e-3)

    def block(x, prefix, stride):
        weight = lambda name: state.get(f'{prefix}{name}.weight')
        out = x
        if weight('_expand_conv') is not None:
            out = functional.relu6(norm(convolve(out, weight('_expand_conv'), 1), f'{prefix}_bn0'))
        out = convolve(out, weight('_depthwise_conv'), stride, groups=out.shape[1])
        out = functional.relu6(norm(out, f'{prefix}_bn1'))
        out = norm(convolve(out, weight('_project_conv'), 1), f'{prefix}_bn2')
        return out + x if stride == 1 and out.shape == x.shape else out

    x = torch.from_numpy(read(pictures, side))
    x = functional.relu6(norm(convolve(x, state['_conv_stem.weight'], 2), '_bn0'))
    blocks = 1 + max(int(name.split('.')[1]) for name in state if name.startswith('_blocks.'))
    # A stage begins where the number of channels changes; these of the seven halve the maps.
    stage, channels = 0, None
    for index in range(blocks):
        prefix = f'_blocks.{index}.'
        project = state[f'{prefix}_project_conv.weight'].shape[0]
        begins = project != channels
        stage, channels = stage + begins, project
        x = block(x, prefix, 2 if begins and stage in (2, 3, 4, 6) else 1)
    x = functional.relu6(norm(convolve(x, state['_conv_head.weight'], 1), '_bn1'))
    logits = functional.linear(x.mean((2, 3)), state['_fc.weight'], state['_fc.bias'])
    print(json.dumps(logits.tolist()))


with torch.inference_mode():
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
