"""ONNX Runtime for bench/backbone.ts: backbone_onnxruntime.py <folder> <threads>. Each line on stdin is a number of batches."""
import json
import sys

import numpy as np
import onnxruntime
from answers import answer_batches

folder, threads = sys.argv[1], int(sys.argv[2])
with open(f"{folder}/network.json") as file:
    sizes = json.load(file)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = threads
session = onnxruntime.InferenceSession(f"{folder}/model.onnx", options, providers=["CPUExecutionProvider"])
pictures = np.fromfile(f"{folder}/pictures.bin", np.float32).reshape(sizes["batch"], sizes["side"], sizes["side"], 3)
feeds = {session.get_inputs()[0].name: np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))}
answer_batches(lambda: session.run(None, feeds)[0])
