import onnx


def without_paths(file):
    """Takes out where on this machine each line of code is, which PyTorch notes in what it exports."""
    model = onnx.load(file, load_external_data=False)
    graph = model.graph
    for part in [model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info]:
        del part.metadata_props[:]
    for node in graph.node:
        node.ClearField("doc_string")
    onnx.save(model, file)
