"""A depthwise convolution with TensorFlow's SAME padding, branches, and activation functions, by PyTorch; prints JSON.

Argument: JSON {x, xShape, filter, kernel, bias, dy, dJoined, pads: [left, right, top, bottom], stride, values, gradients,
alpha}.
Pictures are NHWC, the filter is [kernel, kernel, channels, 1].
"""
import json
import sys

import torch
import torch.nn.functional as f

task = json.loads(sys.argv[1])


def listed(tensor):
    return tensor.detach().flatten().tolist()


x = torch.tensor(task["x"]).reshape(task["xShape"]).requires_grad_()
channels, kernel = task["xShape"][3], task["kernel"]
weights = torch.tensor(task["filter"]).reshape(kernel, kernel, channels, 1).requires_grad_()
bias = torch.tensor(task["bias"]).requires_grad_()
padded = f.pad(x.permute(0, 3, 1, 2), task["pads"])
y = f.conv2d(padded, weights.permute(2, 3, 0, 1), bias, stride=task["stride"], groups=channels).permute(0, 2, 3, 1)
y.backward(torch.tensor(task["dy"]).reshape(y.shape))



def averages(maps):
    """Of windows with SAME padding, which is not counted."""
    counted = f.avg_pool2d(f.pad(torch.ones_like(maps), task["pads"]), kernel, task["stride"])
    return f.avg_pool2d(f.pad(maps, task["pads"]), kernel, task["stride"]) / counted


branched = torch.tensor(task["x"]).reshape(task["xShape"]).requires_grad_()
maps = branched.permute(0, 3, 1, 2)
excited = maps * f.hardsigmoid(maps.mean((2, 3), keepdim=True))
joined = torch.cat([averages(maps), averages(excited * maps)], 1).permute(0, 2, 3, 1)
joined.backward(torch.tensor(task["dJoined"]).reshape(joined.shape))

functions = {
    "relu": torch.relu,
    "relu6": f.relu6,
    "sigmoid": torch.sigmoid,
    "swish": f.silu,
    "hardSigmoid": f.hardsigmoid,
    "hardSwish": f.hardswish,
    "leakyRelu": lambda values: f.leaky_relu(values, task["alpha"]),
}
activations = {}
for name, function in functions.items():
    values = torch.tensor(task["values"], requires_grad=True)
    result = function(values)
    result.backward(torch.tensor(task["gradients"]))
    activations[name] = [listed(result), listed(values.grad)]

depthwise = [listed(one) for one in (y, x.grad, weights.grad, bias.grad)]
branches = [listed(one) for one in (joined, branched.grad)]
print(json.dumps({"depthwise": depthwise, "branches": branches, "activations": activations}))
