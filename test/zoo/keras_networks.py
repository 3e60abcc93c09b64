"""Makes Keras's networks with random weights and random moving averages, saves each in every format, and what they answer as
answers.json.

Arguments: a folder; the major version of Keras, 2 or 3; the endings of the formats, separated by commas, or "all"; names of
networks. The pictures are uint8 [4, 96, 64, 3] in
<folder>/pixels, and each network takes them as floats of 0..255.
"""
import json
import os
import sys

folder, version, endings, *names = sys.argv[1:]
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_USE_LEGACY_KERAS"] = "1" if version == "2" else "0"
import numpy as np  # noqa: E402

sys.path.insert(0, os.path.dirname(__file__))
import keras_formats  # noqa: E402

keras = keras_formats.keras_of(version)
random = np.random.default_rng(5)
shape = (96, 64, 3)
pictures = random.integers(0, 256, (4, *shape), np.uint8)
pictures.tofile(os.path.join(folder, "pixels"))
pictures = pictures.astype(np.float32)
answers = {}
for name in names:
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    # Without its softmax, so that the answers are logits.
    model = getattr(keras.applications, name)(weights=None, input_shape=shape, classes=7, classifier_activation=None)
    keras_formats.randomise(model, pictures, keras, random)
    chosen = {} if endings == "all" else {"endings": endings.split(",")}
    errors = keras_formats.save(model, os.path.join(folder, name), keras, **chosen)
    answers[name] = {"logits": np.asarray(model(pictures, training=False)).tolist(), "errors": errors}
    with open(os.path.join(folder, "answers.json"), "w") as file:
        json.dump(answers, file)
