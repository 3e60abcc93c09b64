"""Runs what bat-sup exported with TensorFlow; prints the answers as JSON.

Arguments: a JSON file {checkpoint, savedModel, shape, pixels, files}; pixels: uint8 RGB of `shape`, files: pictures.
"""
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

v1 = tf.compat.v1

with open(sys.argv[1]) as file:
    task = json.load(file)
pixels = np.fromfile(task["pixels"], np.uint8).reshape(task["shape"])


def run_checkpoint(prefix):
    """As the article's predict.py does it."""
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        saver = v1.train.import_meta_graph(prefix + ".meta")
        saver.restore(session, prefix)
        opencv = pixels[..., ::-1] if pixels.shape[3] == 3 else pixels
        feed = {"Placeholder:0": opencv, "Placeholder_1:0": np.zeros((len(pixels), task["classes"]))}
        again = os.path.join(task["folder"], "again")
        return {
            "add_4": session.run("add_4:0", feed).tolist() if task["article"] else None,
            "logits": session.run("logits:0", feed).tolist(),
            "classes": [name.decode() for name in session.run("classes:0")],
            "trainable": len(v1.trainable_variables()),
            "variables": len(v1.global_variables()),
            "saved_again": os.path.exists(saver.save(session, again) + ".index"),
        }


def answer(signature, pictures):
    result = {key: value.numpy() for key, value in signature(pictures=pictures).items()}
    names = [[name.decode() for name in row] for row in result["classes"].tolist()]
    likeliest = [name.decode() for name in result["class"].tolist()]
    return {
        "logits": result["logits"].tolist(),
        "probabilities": result["probabilities"].tolist(),
        "classes": names,
        "class": likeliest,
    }


def run_saved_model(folder):
    loaded = tf.saved_model.load(folder)
    files = [open(name, "rb").read() for name in task["files"]]
    return {
        "serving_default": answer(loaded.signatures["serving_default"], tf.constant(pixels)),
        "encoded": answer(loaded.signatures["encoded"], tf.constant(files)),
    }


print(json.dumps({"checkpoint": run_checkpoint(task["checkpoint"]), "savedModel": run_saved_model(task["savedModel"])}))
