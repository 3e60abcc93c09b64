"""Prints what TensorBoard itself reads from a log folder, as JSON: every run's scalars and graph."""

import json
import sys

from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.util import tensor_util

multiplexer = EventMultiplexer().AddRunsFromDirectory(sys.argv[1])
multiplexer.Reload()

runs = {}
for run, tags in multiplexer.Runs().items():
    accumulator = multiplexer.GetAccumulator(run)
    plugins = {tag: accumulator.SummaryMetadata(tag).plugin_data.plugin_name for tag in tags["tensors"]}
    scalars = {
        tag: [[event.step, tensor_util.make_ndarray(event.tensor_proto).item()] for event in accumulator.Tensors(tag)]
        for tag, plugin in plugins.items()
        if plugin == "scalars"
    }
    nodes = {}
    if tags["graph"]:
        for node in accumulator.Graph().node:
            shape = node.attr["_output_shapes"].list.shape[0]
            nodes[node.name] = {
                "op": node.op,
                "inputs": list(node.input),
                "shape": [dim.size for dim in shape.dim],
            }
    runs[run] = {"scalars": scalars, "nodes": nodes}

print(json.dumps(runs))
