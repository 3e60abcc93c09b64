"""Opens safetensors files with the format's own library; prints what is in them as JSON.

Argument: a JSON list of {file, pixels, shape}; pixels: a file of uint8 [batch, height, width, channels].
With PyTorch, the article's network answers, too, and is written again without metadata, as <file>.again.safetensors.
"""
import json
import sys

import numpy as np
import safetensors

try:
    import torch
    from article_pytorch import Article
    from safetensors.torch import load_file, save_file
except ImportError:
    torch = None


def answer(file, pixels, about):
    model = Article(about["height"], about["width"], about["channels"], len(about["classes"]))
    model.load_state_dict(load_file(file))
    model.eval()
    how = about["preprocessing"]
    pixels = pixels * np.float32(how["scale"])
    pixels = (pixels - np.float32(how.get("mean", 0))) / np.float32(how.get("deviation", 1))
    pictures = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    save_file(model.state_dict(), file + ".again.safetensors")
    with torch.no_grad():
        return model(pictures).tolist()


def run(task):
    with safetensors.safe_open(task["file"], framework="np") as opened:
        about = json.loads(opened.metadata()["bat-sup"])
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}
    pixels = np.fromfile(task["pixels"], np.uint8).reshape(task["shape"])
    isArticle = torch is not None and {"fc1.weight", "logits.weight"} <= tensors.keys()
    return {
        "about": about,
        "shapes": {name: list(tensor.shape) for name, tensor in tensors.items()},
        "sums": {name: float(tensor.astype(np.float64).sum()) for name, tensor in tensors.items()},
        "types": sorted({str(tensor.dtype) for tensor in tensors.values()}),
        "logits": answer(task["file"], pixels, about) if isArticle else None,
    }


with open(sys.argv[1]) as file:
    print(json.dumps([run(task) for task in json.load(file)]))
