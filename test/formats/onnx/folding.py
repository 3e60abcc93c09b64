"""
Makes networks whose biases, weights or shapes are computed by the graph, and writes down what ONNX Runtime answers.

Argument: a folder to write to. Each network is [batch, 3, 4, 5] -> a reshape to features -> a fully connected layer of 3
outputs. The pictures are the uint8 [2, 4, 5, 3] of the test, over 255. Prints the logits by the file's name.
"""

import json
import os
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

folder = sys.argv[1]
random = np.random.default_rng(1)
weights = random.normal(size=(60, 3)).astype("f4")


def node(op, inputs, output, **attributes):
    return helper.make_node(op, inputs.split(), [output], **attributes)


def floats(*values):
    return np.array(values, "f4")


def ints(*values):
    return np.array(values, "i8")


SHAPE = [node("Shape", "pictures", "shape")]
START = SHAPE + [node("Gather", "shape zero", "batch")]
BOTH = {"zero": ints(0)[0], "minus": ints(-1), "first": ints(0), "second": ints(1), "end": ints(2**63 - 1)}
UNSQUEEZED = [node("Unsqueeze", "batch first", "batch1")]

# Nodes, constants: those that compute `biases`, [3] or what broadcasts to it.
biases = {
    "arithmetic": ([
        node("Sqrt", "a", "s"), node("Add", "s b", "t"), node("Div", "t c", "u"), node("Neg", "u", "v"),
        node("Exp", "v", "w"), node("Sub", "w b", "x"), node("Reciprocal", "x", "y"), node("Abs", "y", "z"),
        node("Pow", "z half", "biases"),
    ], {"a": floats(4, 9, 2), "b": floats(0.5, -0.25, 3), "c": floats(3), "half": floats(0.5)}),
    "rounding": ([
        node("Floor", "a", "f"), node("Ceil", "a", "c"), node("Mul", "f c", "m"), node("Min", "m five", "n"),
        node("Max", "n minus", "biases"),
    ], {"a": floats(1.5, -2.5, 7.2), "five": floats(5), "minus": floats(-1)}),
    "casts": ([
        node("Cast", "a", "i", to=TensorProto.INT64), node("Cast", "i", "f", to=TensorProto.FLOAT),
        node("Cast", "a", "b", to=TensorProto.BOOL), node("Cast", "b", "g", to=TensorProto.FLOAT),
        node("Cast", "a", "h", to=TensorProto.FLOAT16), node("Cast", "h", "j", to=TensorProto.FLOAT),
        node("Add", "f g", "k"), node("Add", "k j", "biases"),
    ], {"a": floats(1.7, -2.7, 0)}),
    "whole-division": ([
        node("Div", "a b", "d"), node("Cast", "d", "biases", to=TensorProto.FLOAT),
    ], {"a": ints(7, -7, 9), "b": ints(2)}),
    "slices": ([
        node("Slice", "a starts ends axes steps", "s"), node("Squeeze", "s first", "biases"),
    ], {"a": random.normal(size=(4, 9)).astype("f4"), "starts": ints(-2, -1), "ends": ints(-1, 1), "axes": ints(0, 1),
        "steps": ints(1, -3), "first": ints(0)}),
    "gather": ([
        node("Gather", "a i", "g", axis=1), node("Flatten", "g", "f", axis=0), node("Squeeze", "f first", "biases"),
    ], {"a": random.normal(size=(1, 5, 1)).astype("f4"), "i": ints(-1, 0, 3), "first": ints(0)}),
    "concat": ([
        node("Unsqueeze", "a minus", "a1"), node("Unsqueeze", "b minus", "b1"), node("Concat", "a1 b1", "c", axis=1),
        node("Transpose", "c", "t"), node("Gather", "t one", "g"), node("Concat", "g d", "biases", axis=-1),
    ], {"a": floats(1, 2), "b": floats(-3, 4), "d": floats(0.5), "minus": ints(-1), "one": np.int64(1)}),
    "filled": ([
        node("ConstantOfShape", "three", "c", value=numpy_helper.from_array(floats(0.75))),
        node("Range", "start limit step", "r"), node("Cast", "r", "f", to=TensorProto.FLOAT),
        node("Mul", "c f", "biases"),
    ], {"three": ints(3), "start": np.int64(5), "limit": np.int64(-1), "step": np.int64(-2)}),
    "expanded": ([
        node("Shape", "like", "s"), node("Expand", "a s", "e"), node("CastLike", "e like", "biases"),
    ], {"a": floats(1.25), "like": floats(1, 2, 3)}),
    "where": ([
        node("Equal", "i two", "c"), node("Not", "c", "n"), node("Greater", "i two", "g"), node("Less", "i two", "l"),
        node("Where", "n a b", "x"), node("Where", "g x b", "y"), node("Where", "l a y", "biases"),
    ], {"i": ints(1, 2, 3), "two": ints(2), "a": floats(1, 2, 3), "b": floats(-1, -2, -3)}),
    "reduced": ([
        node("ReduceSum", "a", "s", keepdims=0), node("ReduceProd", "a", "p", keepdims=0),
        node("ReduceMax", "a", "m", keepdims=0), node("ReduceMin", "a", "n", keepdims=0),
        node("Add", "s p", "t"), node("Mul", "m n", "o"), node("Add", "t o", "u"), node("Expand", "u three", "biases"),
    ], {"a": floats(1.5, -2, 3), "three": ints(3)}),
}

# Nodes, constants: those that compute the shape `wanted` of the features from the pictures.
shapes = {
    "view": (START + UNSQUEEZED + [node("Concat", "batch1 minus", "wanted", axis=0)], {}),
    "sizes": (START + UNSQUEEZED + [
        node("Slice", "shape second end", "rest"), node("ReduceProd", "rest", "size"),
        node("Concat", "batch1 size", "wanted", axis=0),
    ], {}),
    "product": (START + [
        node("Gather", "shape one", "c"), node("Gather", "shape two", "h"), node("Gather", "shape three", "w"),
        node("Mul", "c h", "ch"), node("Mul", "ch w", "chw"), node("Unsqueeze", "chw first", "chw1"),
    ] + UNSQUEEZED + [node("Concat", "batch1 chw1", "wanted", axis=0)], {
        "one": np.int64(1), "two": np.int64(2), "three": np.int64(3)}),
    "zero": ([], {"wanted": ints(0, -1)}),
    "halved": (START + UNSQUEEZED + [
        node("Slice", "shape second end", "rest"), node("ReduceProd", "rest", "size"), node("Div", "size two", "half"),
        node("Mul", "half two", "whole"), node("Concat", "batch1 whole", "wanted", axis=0),
    ], {"two": ints(2)}),
}


def save(name, nodes, constants):
    given = {"weights": weights, **BOTH, **constants}
    used = {one for each in nodes for one in each.input}
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["batch", 3, 4, 5])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3])],
        [numpy_helper.from_array(np.asarray(value), key) for key, value in given.items() if key in used],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    file = os.path.join(folder, name + ".onnx")
    onnx.save(model, file)
    pixels = np.arange(2 * 4 * 5 * 3).reshape(2, 4, 5, 3) * 37 % 256
    pictures = (pixels / 255).transpose(0, 3, 1, 2).astype("f4")
    return onnxruntime.InferenceSession(file).run(None, {"pictures": pictures})[0].tolist()


answers = {}
for name, (nodes, constants) in biases.items():
    flatten = [node("Flatten", "pictures", "features"), node("Gemm", "features weights biases", "logits")]
    answers[name] = save(name, nodes + flatten, constants)
for name, (nodes, constants) in shapes.items():
    reshape = [node("Reshape", "pictures wanted", "features"), node("MatMul", "features weights", "logits")]
    answers[name] = save(name, nodes + reshape, constants)
print(json.dumps(answers))
