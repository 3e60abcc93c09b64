"""Serves the article's network in PyTorch with FastAPI, as its tutorials do, for bench/serve.ts.

Usage: serve_fastapi.py <port> <PyTorch's threads>
FastAPI runs the handler in threads of its own, so pictures are decoded concurrently.
"""
import io
import sys

import numpy as np
import torch
import uvicorn
from fastapi import FastAPI, UploadFile
from network_pytorch import build
from PIL import Image

port, threads = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(threads)
model, _ = build()
model.eval()
classes = ["bat", "sup"]
app = FastAPI()


@app.post("/predict")
def predict(file: UploadFile):
    picture = Image.open(io.BytesIO(file.file.read())).convert("RGB").resize((100, 100))
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1).unsqueeze(0).float() / 255
    with torch.inference_mode():
        probabilities = model(pixels)[0].softmax(0).tolist()
    ranked = sorted(zip(classes, probabilities), key=lambda one: -one[1])
    return {"classes": [{"class": name, "probability": value} for name, value in ranked]}


uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
