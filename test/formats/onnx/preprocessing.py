"""Exports networks that scale their pictures themselves as ONNX, by PyTorch or by Keras, and writes down what they answer.

Arguments: pytorch or keras, and a folder to write to. fixtures/ was written by this with torch 2.15.0, onnx 1.23.2 and
onnxscript 0.7.2, and with keras 3.15.1 and tf2onnx. The pictures are uint8 [2, 16, 12, 3], 37 * index % 256.
"""
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np  # noqa: E402

by, folder = sys.argv[1:]
pixels = (np.arange(2 * 16 * 12 * 3).reshape(2, 16, 12, 3) * 37 % 256).astype(np.uint8)
answers = {}


def export_pytorch():
    import torch
    from torch import nn
    from without_paths import without_paths

    torch.manual_seed(1)

    class Net(nn.Module):
        def __init__(self, prepare):
            super().__init__()
            self.prepare = prepare
            self.first = nn.Conv2d(3, 4, 3, padding=1)
            self.second = nn.Conv2d(4, 4, 3)
            self.answer = nn.Linear(4, 3)

        def forward(self, pictures):
            maps = torch.relu(self.first(self.prepare(pictures)))
            return self.answer(self.second(torch.max_pool2d(maps, 2)).mean((2, 3)))

    def normalised(mean, deviation):
        of_channels = lambda values: torch.tensor(values).view(1, -1, 1, 1)
        return lambda pictures: (pictures - of_channels(mean)) / of_channels(deviation)

    raw = torch.tensor(pixels).permute(0, 3, 1, 2).contiguous()
    size = {2: torch.export.Dim("height", min=4, max=999), 3: torch.export.Dim("width", min=4, max=999)}
    cases = {
        "external": (lambda pictures: pictures, raw / 255, {}),
        "open": (lambda pictures: pictures, raw / 255, {"dynamic_shapes": (size,)}),
        "raw": (lambda pictures: pictures.float(), raw, {}),
        "divided": (lambda pictures: pictures.float() / 255, raw, {}),
        "centred": (lambda pictures: (pictures - 127.5) / 127.5, raw.float(), {}),
        "deviations": (normalised([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]), raw / 255, {}),
        "deviations255": (normalised([123.675, 116.28, 103.53], [58.395, 57.12, 57.375]), raw.float(), {}),
    }
    for name, (prepare, pictures, options) in cases.items():
        model = Net(prepare).eval()
        file = os.path.join(folder, name + ".onnx")
        external = {"external_data": name == "external"}
        torch.onnx.export(model, (pictures,), file, input_names=["images"], verbose=False, **external, **options)
        without_paths(file)
        answers[name] = model(pictures).tolist()


def export_keras():
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    for name, rescaling in {"keras": layers.Rescaling(1 / 255), "keras-offset": layers.Rescaling(1 / 127.5, offset=-1)}.items():
        pictures = keras.Input((16, 12, 3))
        maps = layers.Conv2D(4, 3, padding="same", activation="relu", bias_initializer="normal")(rescaling(pictures))
        maps = layers.BatchNormalization(beta_initializer="normal")(layers.MaxPooling2D()(maps))
        features = layers.Flatten()(layers.Conv2D(2, 3, strides=2)(maps))
        model = keras.Model(pictures, layers.Dense(3, bias_initializer="normal")(features))
        answers[name] = np.asarray(model(pixels.astype(np.float32), training=False)).tolist()
        model.export(os.path.join(folder, name + ".onnx"), format="onnx", verbose=False)


{"pytorch": export_pytorch, "keras": export_keras}[by]()
with open(os.path.join(folder, by + ".json"), "w") as file:
    json.dump(answers, file)
