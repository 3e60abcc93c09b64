"""Makes networks as people build them around another network: nested models, preprocessing and augmentation layers; saves
each in every format, and what they answer as answers.json: in float32, and as exact ones the same network's in float64.

Arguments: a folder; the major version of Keras, 2 or 3; names of networks (default: all). The pictures are uint8
[2, 64, 48, 3] in <folder>/pixels. Answers that are probabilities are given as their logarithms.
"""
import json
import os
import sys

folder, version, *wanted = sys.argv[1:]
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_USE_LEGACY_KERAS"] = "1" if version == "2" else "0"
import numpy as np  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "zoo"))
import keras_formats  # noqa: E402

keras = keras_formats.keras_of(version)
layers = keras.layers
random = np.random.default_rng(7)
shape = (64, 48, 3)
pictures = random.integers(0, 256, (2, *shape), np.uint8).astype(np.float32)


def small(name=None, channels=6, classes=None):
    """A small network of convolutions, its layers' names the same in each."""
    x = inputs = keras.Input((None, None, 3) if classes is None else shape)
    for index, strides in enumerate((2, 1)):
        x = layers.Conv2D(channels, 3, strides=strides, padding="same", use_bias=index == 1, name=f"conv{index}")(x)
        x = layers.BatchNormalization(name=f"norm{index}")(x)
        x = layers.ReLU(name=f"relu{index}")(x)
    if classes:
        x = layers.Dense(classes, name="dense")(layers.GlobalAveragePooling2D(name="mean")(x))
    return keras.Model(inputs, x, name=name)


def mobile(**options):
    return keras.applications.MobileNetV2(weights=None, include_top=False, alpha=0.35, input_shape=shape, **options)


def augmentation():
    return keras.Sequential([
        layers.RandomFlip("horizontal"),
        layers.RandomRotation(0.2),
        layers.RandomZoom(0.1),
        layers.RandomContrast(0.1),
        layers.RandomTranslation(0.1, 0.1),
        layers.RandomBrightness(0.2),
    ], name="augmentation")


def tutorial():
    """As in "Transfer learning and fine-tuning" of TensorFlow's tutorials."""
    base = mobile()
    base.trainable = False
    inputs = keras.Input(shape)
    x = augmentation()(inputs)
    x = keras.applications.mobilenet_v2.preprocess_input(x)
    x = base(x, training=False)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.2)(x)
    return keras.Model(inputs, layers.Dense(3)(x))


def fine_tuned():
    """The same once some layers of the base learn: the order of the weights in .h5 files is another."""
    model = tutorial()
    base = next(layer for layer in model.layers if isinstance(layer, keras.Model) and len(layer.layers) > 20)
    base.trainable = True
    for layer in base.layers[:100]:
        layer.trainable = False
    return model


def caffe():
    inputs = keras.Input(shape)
    x = keras.applications.resnet50.preprocess_input(inputs)
    return keras.Model(inputs, small(classes=4)(x))


def torch():
    inputs = keras.Input(shape)
    x = keras.applications.densenet.preprocess_input(inputs)
    return keras.Model(inputs, small(classes=4)(x))


def arithmetic():
    """What people write themselves."""
    inputs = keras.Input(shape)
    x = (inputs - np.array([120.0, 110.0, 100.0], np.float32)) / np.array([60.0, 61.0, 62.0], np.float32)
    x = x * 0.5 + 0.25
    return keras.Model(inputs, small(classes=4)(x))


def sequentials():
    """As Teachable Machine builds it."""
    base = mobile()
    features = keras.Sequential([keras.Model(base.input, layers.GlobalAveragePooling2D()(base.output), name="model1")])
    head = keras.Sequential([
        layers.Dense(20, activation="relu", input_shape=(1280,), name="dense_Dense1"),
        layers.Dense(3, use_bias=False, activation="softmax", name="dense_Dense2"),
    ])
    return keras.Sequential([features, head])


def rescaled():
    return keras.Sequential([
        keras.Input(shape),
        layers.Rescaling(1 / 127.5, offset=-1),
        mobile(pooling="avg"),
        layers.BatchNormalization(),
        layers.Dense(5, activation="relu"),
        layers.Dropout(0.3),
        layers.Dense(3),
    ])


def normalised():
    """Normalization, adapted within a nested model, and with given values."""
    norm = layers.Normalization()
    norm.adapt(random.normal(100, 50, (20, 4, 4, 3)))
    inputs = keras.Input(shape)
    x = keras.Sequential([layers.Rescaling(2.0), norm], name="prepare")(inputs)
    x = layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 3.0])(x)
    x = small("features")(x)
    return keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))


def same_names():
    """Two nested models whose layers have the same names."""
    inputs = keras.Input(shape)
    x = small("first")(layers.Rescaling(1 / 255)(inputs))
    x = keras.Sequential([keras.Input((None, None, 6)), layers.Conv2D(6, 3, name="conv0"), layers.ReLU()], name="second")(x)
    return keras.Model(inputs, layers.Dense(3, name="conv0")(layers.GlobalAveragePooling2D()(x)))


def deep():
    """Models within models within models."""
    inner = keras.Sequential([small("inner"), layers.Conv2D(5, 3, strides=2, activation="relu")], name="middle")
    outer = keras.Sequential([inner, layers.GlobalMaxPooling2D(), layers.Dropout(0.5)], name="outer")
    return keras.Sequential([keras.Input(shape), layers.Rescaling(1 / 255), outer, layers.Dense(4)], name="all")


def partly_frozen():
    """Layers of frozen models that were unfrozen again: Keras 2 and 3 each have an order of weights in .h5 files of their own."""
    stack = [keras.Input(shape), layers.Rescaling(1 / 255), layers.Conv2D(6, 1)]
    for _ in range(3):
        stack += [layers.Conv2D(6, 3, padding="same"), layers.BatchNormalization()]
    inner = keras.Sequential(stack, name="inner")
    inner.trainable = False
    inner.layers[3].trainable = inner.layers[4].trainable = True
    rest = [layers.Conv2D(6, 3), layers.BatchNormalization(), layers.Conv2D(6, 3)]
    middle = keras.Sequential([keras.Input(shape), inner, *rest], name="middle")
    middle.trainable = False
    inner.layers[6].trainable = rest[1].trainable = True
    return keras.Sequential([keras.Input(shape), middle, layers.GlobalAveragePooling2D(), layers.Dense(3)])


def from_output():
    """Without nesting: the head reads the base's output."""
    base = mobile()
    for layer in base.layers:
        layer.trainable = False
    x = layers.Flatten()(base.output)
    x = layers.Dense(8, activation="relu")(x)
    return keras.Model(base.input, layers.Dense(3, activation="softmax")(x))


def reshapes():
    inputs = keras.Input(shape)
    x = layers.Permute((1, 2, 3))(inputs)
    x = layers.Reshape(shape)(x)
    x = layers.ZeroPadding2D(((0, 1), (0, 1)))(layers.Rescaling(1 / 255)(x))
    x = layers.Conv2D(6, 3, strides=2, padding="valid", activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Reshape((1, 1, 6))(x)
    x = layers.Dropout(0.1)(x)
    x = layers.Conv2D(4, (1, 1), padding="same")(x)
    x = layers.Reshape((4,))(x)
    return keras.Model(inputs, layers.Activation("softmax")(x))


def flattened():
    inputs = keras.Input(shape)
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(4, 5, strides=4, activation="relu")(x)
    x = layers.Reshape((-1,))(x)
    x = layers.Flatten()(x)
    return keras.Model(inputs, layers.Softmax()(layers.Dense(3)(x)))


def separable():
    """As in "Image classification from scratch" of Keras's examples."""
    inputs = keras.Input(shape)
    x = layers.Rescaling(1.0 / 255)(inputs)
    x = layers.Conv2D(8, 3, strides=2, padding="same")(x)
    x = previous = layers.Activation("relu")(layers.BatchNormalization()(x))
    x = layers.SeparableConv2D(12, 3, padding="same")(layers.Activation("relu")(x))
    x = layers.SeparableConv2D(12, 3, padding="same", use_bias=False, activation="relu")(layers.BatchNormalization()(x))
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    x = layers.add([x, layers.Conv2D(12, 1, strides=2, padding="same")(previous)])
    x = layers.Dropout(0.25)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, layers.Dense(3, activation=None)(x))


makers = [tutorial, fine_tuned, caffe, torch, arithmetic, sequentials, rescaled, normalised, same_names, deep,
          partly_frozen, from_output,
          reshapes, flattened, separable]  # fmt: skip
pictures.astype(np.uint8).tofile(os.path.join(folder, "pixels"))


def set_precision(name):
    keras.backend.set_floatx(name)
    (keras.config.set_dtype_policy if version == "3" else keras.mixed_precision.set_global_policy)(name)


def logits_of(model, kind):
    logits = np.asarray(model(pictures.astype(kind), training=False))
    return (np.log(logits) if np.allclose(logits.sum(axis=1), 1) else logits).tolist()


def exact_logits(make, weights):
    set_precision("float64")
    keras.backend.clear_session()
    model = make()
    model.set_weights([one.astype(np.float64) for one in weights])
    logits = logits_of(model, "float64")
    set_precision("float32")
    return logits


answers = {}
for make in makers:
    if wanted and make.__name__ not in wanted:
        continue
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    random = np.random.default_rng(7)
    model = make()
    keras_formats.randomise(model, pictures, keras, random)
    errors = keras_formats.save(model, os.path.join(folder, make.__name__), keras, [".keras", ".h5", "-export", "-tfjs"])
    logits = logits_of(model, "float32")
    random = np.random.default_rng(7)
    answers[make.__name__] = {"logits": logits, "exact": exact_logits(make, model.get_weights()), "errors": errors}
    with open(os.path.join(folder, "answers.json"), "w") as file:
        json.dump(answers, file)
