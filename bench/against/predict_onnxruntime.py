"""Classifies a picture with ONNX Runtime and Pillow: predict_onnxruntime.py <model.onnx> <picture>. Prints a line of JSON."""
import json
import sys

import numpy as np
import onnxruntime
from PIL import Image

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
picture = Image.open(sys.argv[2])
picture.draft("RGB", (100, 100))
pixels = np.asarray(picture.convert("RGB").resize((100, 100), Image.Resampling.BILINEAR))[None]
[[probabilities]] = session.run(["probabilities"], {"pictures": pixels})
likeliest = int(probabilities.argmax())
print(json.dumps({"file": sys.argv[2], "class": ("animals", "food")[likeliest], "probability": float(probabilities[likeliest])}))
