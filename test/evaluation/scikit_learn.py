"""What scikit-learn makes of labels and logits: python scikit_learn.py task.json"""
import json
import sys

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    accuracy_score, average_precision_score, classification_report, confusion_matrix, log_loss, roc_auc_score)

task = json.load(open(sys.argv[1]))
labels = np.array(task["labels"])
logits = np.array(task["logits"], dtype=np.float64)
classes = logits.shape[1]
every = list(range(classes))


def loss_at(temperature):
    return log_loss(labels, softmax(logits / temperature, axis=1), labels=every)


probabilities = softmax(logits / task["temperature"], axis=1)
predicted = probabilities.argmax(axis=1)
is_class = np.eye(classes)[labels]
right, claimed = calibration_curve(
    predicted == labels, probabilities.max(axis=1), n_bins=15, strategy="uniform")
fit = minimize_scalar(lambda log_temperature: loss_at(np.exp(log_temperature)), bounds=(-3, 3), method="bounded",
                      options={"xatol": 1e-12})
print(json.dumps({
    "accuracy": accuracy_score(labels, predicted),
    "report": classification_report(labels, predicted, output_dict=True, zero_division=0),
    "confusion": confusion_matrix(labels, predicted, labels=every).tolist(),
    "rocAuc": roc_auc_score(is_class, probabilities, average=None).tolist(),
    "macroRocAuc": roc_auc_score(is_class, probabilities, average="macro"),
    "weightedRocAuc": roc_auc_score(is_class, probabilities, average="weighted"),
    "prAuc": average_precision_score(is_class, probabilities, average=None).tolist(),
    "macroPrAuc": average_precision_score(is_class, probabilities, average="macro"),
    "loss": loss_at(task["temperature"]),
    "reliability": {"right": right.tolist(), "claimed": claimed.tolist()},
    "temperature": float(np.exp(fit.x)),
}))
