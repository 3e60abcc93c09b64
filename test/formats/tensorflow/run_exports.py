"""Runs what bat-sup exported with TensorFlow; prints the answers as JSON.

Arguments: a JSON file with a list of {folder, shape, isArticle}. A folder holds tf-checkpoint, saved-model and pixels,
uint8 RGB or grey of that shape; the folder `files` beside it holds pictures.
"""
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

v1 = tf.compat.v1

tf.get_logger().setLevel("ERROR")


def run_checkpoint(folder, pixels, is_article):
    """As the article's predict.py does it."""
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        prefix = os.path.join(folder, "tf-checkpoint", "model")
        saver = v1.train.import_meta_graph(prefix + ".meta")
        saver.restore(session, v1.train.latest_checkpoint(os.path.dirname(prefix)))
        classes = [name.decode() for name in session.run("classes:0")]
        opencv = pixels[..., ::-1] if pixels.shape[3] == 3 else pixels
        feed = {"Placeholder:0": opencv, "Placeholder_1:0": np.zeros((len(pixels), len(classes)))}
        return {
            "add_4": session.run("add_4:0", feed).tolist() if is_article else None,
            "logits": session.run("logits:0", feed).tolist(),
            "classes": classes,
            "trainable": len(v1.trainable_variables()),
            "variables": len(v1.global_variables()),
            "savedAgain": os.path.exists(saver.save(session, os.path.join(folder, "again")) + ".index"),
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


def run_saved_model(folder, pixels):
    loaded = tf.saved_model.load(os.path.join(folder, "saved-model"))
    pictures = os.path.join(os.path.dirname(folder), "files")
    files = [open(os.path.join(pictures, name), "rb").read() for name in sorted(os.listdir(pictures))]
    return {
        "serving_default": answer(loaded.signatures["serving_default"], tf.constant(pixels)),
        "encoded": answer(loaded.signatures["encoded"], tf.constant(files)),
    }


def run(task):
    pixels = np.fromfile(os.path.join(task["folder"], "pixels"), np.uint8).reshape(task["shape"])
    return {
        "checkpoint": run_checkpoint(task["folder"], pixels, task["isArticle"]),
        "savedModel": run_saved_model(task["folder"], pixels),
    }


with open(sys.argv[1]) as file:
    print(json.dumps([run(task) for task in json.load(file)]))
