"""Trains the article's network on a folder of pictures as a PyTorch user would: ImageFolder, DataLoader, Adam.

Arguments: folder, epochs, batch. Prints the last epoch's validation accuracy.
"""
import sys

import torch
from network_pytorch import build
from torch.nn import functional as F
from torch.utils.data import DataLoader, random_split
from torchvision import transforms
from torchvision.datasets import ImageFolder


def main():
    folder, epochs, batch = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    torch.manual_seed(1)
    pictures = ImageFolder(folder, transforms.Compose([transforms.Resize((100, 100)), transforms.ToTensor()]))
    held = len(pictures) // 5
    train, validation = random_split(pictures, [len(pictures) - held, held])
    options = {"batch_size": batch, "num_workers": 2, "persistent_workers": True}
    train_loader = DataLoader(train, shuffle=True, drop_last=True, **options)
    validation_loader = DataLoader(validation, **options)
    model, optimizer = build(learning_rate=3e-4)
    for _ in range(epochs):
        for images, labels in train_loader:
            optimizer.zero_grad(set_to_none=True)
            loss = F.cross_entropy(model(images.to(memory_format=torch.channels_last)), labels)
            loss.backward()
            optimizer.step()
        correct = 0
        with torch.no_grad():
            for images, labels in validation_loader:
                correct += (model(images).argmax(1) == labels).sum().item()
    print(correct / held)


if __name__ == "__main__":
    main()
