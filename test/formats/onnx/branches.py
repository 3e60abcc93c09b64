"""Writes small networks of operators with which branches are pooled, joined and scaled, with what ONNX Runtime answers.

Argument: a folder to write to: <name>.onnx each, and answers.json. The pictures are uint8 [2, 12, 13, 3], over 255.
"""
import json
import os
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

folder = sys.argv[1]
random = np.random.default_rng(5)
pixels = np.arange(2 * 12 * 13 * 3).reshape(2, 12, 13, 3) * 37 % 256
pictures = np.ascontiguousarray((pixels / 255).astype(np.float32).transpose(0, 3, 1, 2))


class Graph:
    def __init__(self):
        self.nodes, self.constants = [], []

    def add(self, operator, *inputs, **attributes):
        output = f"{operator}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], name=output, **attributes))
        return output

    def constant(self, values):
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def weights(self, *shape):
        return self.constant(random.normal(0, 0.5, shape).astype(np.float32))

    def conv(self, maps, inputs, outputs, kernel=1):
        return self.add("Conv", maps, self.weights(outputs, inputs, kernel, kernel), self.weights(outputs))

    def gemm(self, features, inputs, outputs):
        return self.add("Gemm", features, self.weights(inputs, outputs), self.weights(outputs))

    def model(self, output, opset):
        batch = helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["batch", 3, 12, 13])
        logits = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
        graph = helper.make_graph(self.nodes, "network", [batch], [logits], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        model.ir_version = 8
        return model


def run(model):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"pictures": pictures})[0]


def pool(**attributes):
    return lambda graph, maps: graph.add("AveragePool", maps, **attributes)


def excited(means, gate, order=lambda maps, factors: (maps, factors)):
    """Squeeze-and-excitation with convolutions."""

    def write(graph, maps):
        squeezed = graph.add("Relu", graph.conv(means(graph, maps), 6, 4))
        return graph.add("Mul", *order(maps, gate(graph, graph.conv(squeezed, 4, 6))))

    return write


def connected(to_maps):
    """Squeeze-and-excitation with fully connected layers."""

    def write(graph, maps):
        features = graph.add("Flatten", graph.add("GlobalAveragePool", maps))
        squeezed = graph.add("Relu", graph.gemm(features, 6, 4))
        factors = graph.add("Sigmoid", graph.gemm(squeezed, 4, 6))
        return graph.add("Mul", maps, to_maps(graph, factors, maps))

    return write


def reshaped(graph, factors, _maps):
    return graph.add("Reshape", factors, graph.constant(np.int64([-1, 6, 1, 1])))


def unsqueezed(graph, factors, _maps):
    return graph.add("Unsqueeze", factors, graph.constant(np.int64([2, 3])))


def expanded(graph, factors, maps):
    return graph.add("Expand", reshaped(graph, factors, maps), graph.add("Shape", maps))


def means(graph, maps):
    return graph.add("GlobalAveragePool", maps)


def sigmoid(graph, maps):
    return graph.add("Sigmoid", maps)


def hard_sigmoid(**attributes):
    return lambda graph, maps: graph.add("HardSigmoid", maps, **attributes)


def spatial(graph, maps):
    return graph.add("Mul", maps, graph.add("Sigmoid", graph.conv(maps, 6, 1)))


def joined(axis, outputs=3):
    return lambda graph, maps: graph.add("Concat", maps, graph.conv(maps, 6, outputs), maps, axis=axis)


def features_joined(graph, maps):
    means = graph.add("Flatten", graph.add("GlobalAveragePool", maps))
    return graph.add("Concat", means, graph.gemm(means, 6, 5), axis=1)


def wrong_axes(graph, maps):
    """Features [2, 6] broadcast along height and width of maps that are 2 x 6, not along pictures and channels."""
    narrow = graph.add("AveragePool", maps, kernel_shape=[11, 8])
    return graph.add("Mul", narrow, graph.add("Flatten", graph.add("GlobalAveragePool", maps)))


window = {"kernel_shape": [3, 3]}
around = {**window, "pads": [1, 1, 1, 1]}
networks = {
    "padding that counts": pool(**around, count_include_pad=1),
    "padding that counts, stride 2": pool(**around, strides=[2, 2], count_include_pad=1),
    "padding that does not count": pool(**around),
    "odd padding that does not count": pool(**window, strides=[2, 2], pads=[1, 1, 1, 1]),
    "rounded up": pool(**window, strides=[2, 2], ceil_mode=1),
    "rounded up, padding that counts": pool(**around, strides=[2, 2], ceil_mode=1, count_include_pad=1),
    "same upper": pool(**window, strides=[2, 2], auto_pad="SAME_UPPER"),
    "same upper that counts": pool(**window, strides=[2, 2], auto_pad="SAME_UPPER", count_include_pad=1),
    "same lower that counts": pool(**window, strides=[2, 2], auto_pad="SAME_LOWER", count_include_pad=1),
    "same lower": pool(**window, strides=[2, 2], auto_pad="SAME_LOWER"),
    "valid": pool(**window, strides=[2, 2], auto_pad="VALID"),
    "uneven": pool(kernel_shape=[2, 5], strides=[3, 1], pads=[0, 2, 0, 2], count_include_pad=1),
    "one pixel": pool(kernel_shape=[1, 1]),
    "all of the maps": pool(kernel_shape=[12, 13]),
    "excited": excited(means, sigmoid),
    "excited, factors first": excited(means, sigmoid, lambda maps, factors: (factors, maps)),
    "means that keep their dimensions": excited(
        lambda graph, maps: graph.add("ReduceMean", maps, axes=[-1, -2], keepdims=1), sigmoid
    ),
    "hard sigmoid": excited(means, hard_sigmoid(alpha=1 / 6, beta=0.5)),
    "older hard sigmoid": excited(means, hard_sigmoid(alpha=0.2, beta=0.5)),
    "hard sigmoid by default": excited(means, hard_sigmoid()),
    "connected, reshaped": connected(reshaped),
    "connected, unsqueezed": connected(unsqueezed),
    "connected, expanded": connected(expanded),
    "squared": lambda graph, maps: graph.add("Mul", maps, maps),
    "a factor for each pixel": spatial,
    "factors of another axis": wrong_axes,
    "joined": joined(1),
    "joined, counted from the end": joined(-3),
    "joined along the height": joined(2, 6),
    "features joined": features_joined,
}
answers = {}
for name, write in networks.items():
    graph = Graph()
    output = write(graph, graph.conv("pictures", 3, 6))
    shape = run(graph.model(output, 17)).shape
    flattened = output if len(shape) == 2 else graph.add("Flatten", output)
    model = graph.model(graph.gemm(flattened, int(np.prod(shape[1:])), 3), 17)
    onnx.save(model, os.path.join(folder, name + ".onnx"))
    answers[name] = run(model).tolist()
with open(os.path.join(folder, "answers.json"), "w") as file:
    json.dump(answers, file)
