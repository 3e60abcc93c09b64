"""
Writes files with torch.save into a folder, and prints in JSON what torch.load reads from each: by file, and by tensor, its
shape and values. All values are numbers that float32 holds.
"""

import collections
import json
import os
import sys

import torch

folder = sys.argv[1]
torch.manual_seed(1)
wanted = {}


def keep(name, value, expected=None, **options):
    path = os.path.join(folder, name)
    torch.save(value, path, **options)
    state = torch.load(path, map_location='cpu', weights_only=False) if expected is None else expected
    wanted[name] = {
        key: {'shape': list(tensor.shape), 'values': tensor.detach().to(torch.float32).flatten().tolist()}
        for key, tensor in state.items()
        if torch.is_tensor(tensor)
    }


def both(name, value, expected=None):
    keep(f'{name}.pth', value, expected)
    keep(f'{name}-old.pth', value, expected, _use_new_zipfile_serialization=False)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3)
        self.norm = torch.nn.BatchNorm2d(4)
        self.tied = torch.nn.Linear(4, 4)
        self.also = torch.nn.Linear(4, 4)
        self.also.weight = self.tied.weight
        self.empty = torch.nn.Parameter(torch.zeros(0, 3))


net = Net()
state = net.state_dict()
both('state', state)
both('plain-dict', dict(state))
both('parameters', dict(net.named_parameters()))
both('training', {'epoch': 7, 'state_dict': state, 'optimizer': torch.optim.Adam(net.parameters()).state_dict()}, state)
both('model', {'model': state, 'args': {'lr': 0.1, 'names': ('a', 'b'), 'on': True, 'none': None}}, state)
both('parallel', torch.nn.DataParallel(net).state_dict(), state)
for dtype in (torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool):
    numbers = (torch.arange(12) % 7 - (0 if dtype in (torch.uint8, torch.bool) else 3)).to(dtype)
    both(f'dtype-{str(dtype)[6:]}', {'w': numbers.reshape(3, 4), 'bias': numbers[3]})

base = torch.arange(120, dtype=torch.float32).reshape(2, 3, 4, 5)
both('views', {
    'permuted': base.permute(3, 1, 0, 2),
    'sliced': base[:, 1:, ::2, -3:],
    'expanded': base[0, 0, 0, :1].expand(4, 3),
    'diagonal': base[0, 0].diagonal(),
    'channels_last': base.to(memory_format=torch.channels_last),
    'strided': torch.as_strided(base, (3, 4), (7, 2), 5),
    'overlapping': base.flatten().unfold(0, 5, 2)[:9],
    'transposed': base[0, 0].t(),
    'scalar': base[1, 2, 3, 4],
    'nothing': base[:, :0],
})
half = base.half()
both('half-views', {'permuted': half.permute(2, 0, 3, 1), 'same': half, 'also the same': half})
for protocol in (2, 3, 4, 5):
    keep(f'protocol-{protocol}.pth', state, pickle_protocol=protocol)
keep('ordered.pth', collections.OrderedDict([('b', base), ('a', base[0])]))
keep('many.pth', {f'layer.{index}.weight': torch.full((2,), float(index)) for index in range(3000)})
keep('names.pth', {'\u00fcber.\u732b': base, '__proto__': base[0], 'constructor': base[1], '': base[0, 0]})
special = torch.tensor([0.0, -0.0, 1e-45, 3e38, -1.5])
keep('special.pth', {'w': special, 'half': torch.tensor([6e-8, 65504.0, -2.0]).half(), 'brain': special.bfloat16().float()})

# What cannot be read, with the reason.
refused = {}


def refuse(name, value, why, **options):
    torch.save(value, os.path.join(folder, name), **options)
    refused[name] = why


refuse('module.pth', net, '__main__.Net')
refuse('module-old.pth', torch.nn.Linear(2, 2), 'torch.nn.modules.linear.Linear', _use_new_zipfile_serialization=False)
refuse('sparse.pth', {'w': torch.eye(3).to_sparse()}, 'torch._utils._rebuild_sparse_tensor')
refuse('complex.pth', {'w': torch.zeros(2, dtype=torch.complex64)}, 'torch.ComplexFloatStorage')
refuse('quantised.pth', {'w': torch.quantize_per_tensor(base, 0.1, 0, torch.qint8)}, 'torch._utils._rebuild_qtensor')
refuse('negated.pth', {'w': torch.zeros(3, dtype=torch.complex64).conj().imag}, '')
refuse('meta.pth', {'w': torch.zeros(3, device='meta')}, 'torch._utils._rebuild_meta_tensor_no_storage')
refuse('float8.pth', {'w': torch.zeros(3).to(torch.float8_e4m3fn)}, '')
refuse('wide.pth', {'w': torch.zeros(3, dtype=torch.uint16)}, '')
refuse('one.pth', base, 'does not hold a dict of tensors')
refuse('list.pth', [base], 'does not hold a dict of tensors')
refuse('empty.pth', {}, 'it holds no tensors, but an empty dict')
refuse('set.pth', {'classes': {1, 2}}, 'it holds no tensors, but "classes"')
torch.jit.script(torch.nn.Linear(2, 2)).save(os.path.join(folder, 'script.pt'))
refused['script.pt'] = 'TorchScript'

print(json.dumps({'wanted': wanted, 'refused': refused}))
