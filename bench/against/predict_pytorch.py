"""Classifies pictures with PyTorch: predict_pytorch.py <state_dict> <picture>... or, with a DataLoader, <state_dict> <folder>.

Prints a line of JSON per picture. Weights are float32. Pillow reads the pictures and scales JPEGs while it decodes them.
"""
import json
import os
import sys

import numpy as np
import torch
from network_pytorch import network
from PIL import Image

classes = ("animals", "food")


def load(file):
    """Skips the initial weights, which would be thrown away."""
    with torch.device("meta"):
        model = network()
    model.load_state_dict(torch.load(file, weights_only=True, mmap=True), assign=True)
    return model.eval().to(memory_format=torch.channels_last)


def read(file):
    """[3, height, width] uint8, a view of the decoded picture."""
    picture = Image.open(file)
    picture.draft("RGB", (100, 100))
    picture = picture.convert("RGB").resize((100, 100), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)


def answer(model, files, pixels):
    pictures = pixels.to(torch.float32, memory_format=torch.channels_last).mul_(1 / 255)
    probabilities, likeliest = torch.softmax(model(pictures), 1).max(1)
    for file, probability, index in zip(files, probabilities.tolist(), likeliest.tolist()):
        print(json.dumps({"file": file, "class": classes[index], "probability": probability}))


class Pictures(torch.utils.data.Dataset):
    def __init__(self, folder):
        self.files = sorted(os.path.join(folder, name) for name in os.listdir(folder))

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        return self.files[index], read(self.files[index])


@torch.inference_mode()
def main():
    state, *files = sys.argv[1:]
    model = load(state)
    if not os.path.isdir(files[0]):
        return answer(model, files, torch.stack([read(file) for file in files]))
    loader = torch.utils.data.DataLoader(Pictures(files[0]), batch_size=64, num_workers=os.cpu_count())
    for names, pixels in loader:
        answer(model, names, pixels)


if __name__ == "__main__":
    main()
