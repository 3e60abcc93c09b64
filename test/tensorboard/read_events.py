"""Prints what TensorBoard itself reads from a log folder, as JSON: for every run its values by dashboard, and its graph."""

import base64
import json
import sys

import numpy as np
from google.protobuf import json_format
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.plugins.histogram import summary_v2
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.util import tensor_util


def text(value):
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


multiplexer = EventMultiplexer(tensor_size_guidance={"scalars": 0}).AddRunsFromDirectory(sys.argv[1])
multiplexer.Reload()

runs = {}
for run, tags in multiplexer.Runs().items():
    accumulator = multiplexer.GetAccumulator(run)
    dashboards = {}
    hparams = {}
    descriptions = {}
    for tag in tags["tensors"]:
        metadata = accumulator.SummaryMetadata(tag)
        plugin = metadata.plugin_data
        if plugin.plugin_name == "hparams":
            data = plugin_data_pb2.HParamsPluginData.FromString(plugin.content)
            hparams[tag] = json_format.MessageToDict(data)
            continue
        descriptions[tag] = metadata.summary_description
        values = []
        for event in accumulator.Tensors(tag):
            array = tensor_util.make_ndarray(event.tensor_proto)
            value = [text(one) for one in array.flatten()] if array.dtype == object else array.tolist()
            values.append([event.step, value])
        dashboards.setdefault(plugin.plugin_name, {})[tag] = values
    nodes = {}
    if tags["graph"]:
        for node in accumulator.Graph().node:
            shape = node.attr["_output_shapes"].list.shape[0]
            nodes[node.name] = {
                "op": node.op,
                "inputs": list(node.input),
                "shape": [dim.size for dim in shape.dim],
            }
    runs[run] = {
        **dashboards,
        "scalars": dashboards.get("scalars", {}),
        "hparams": hparams,
        "descriptions": descriptions,
        "nodes": nodes,
    }

# What TensorBoard itself would have made of the same numbers.
if len(sys.argv) > 2:
    with open(sys.argv[2]) as file:
        numbers = json.load(file)
    value = summary_v2.histogram_pb("same", np.array(numbers)).value[0]
    runs["histogram"] = tensor_util.make_ndarray(value.tensor).tolist()

print(json.dumps(runs))
