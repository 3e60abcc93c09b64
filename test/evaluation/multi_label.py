"""scikit-learn's metrics of label sets: argument a JSON file; prints them as JSON."""

import json
import sys

import numpy as np
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, log_loss, precision_recall_fscore_support

task = json.load(open(sys.argv[1]))
y = np.array(task["shown"])
logits = np.array(task["logits"])
p = 1 / (1 + np.exp(-logits))
answered = (p >= np.array(task["thresholds"])).astype(int)
precision, recall, f1, _ = precision_recall_fscore_support(y, answered, average=None, zero_division=0)
with_positives = y.any(axis=0)
per_class = [average_precision_score(y[:, k], logits[:, k]) if with_positives[k] else None for k in range(y.shape[1])]
print(
    json.dumps(
        {
            "averagePrecision": per_class,
            "mean": average_precision_score(y[:, with_positives], logits[:, with_positives], average="macro"),
            "micro": f1_score(y, answered, average="micro", zero_division=0),
            "macro": f1_score(y, answered, average="macro", zero_division=0),
            "precision": precision.tolist(),
            "recall": recall.tolist(),
            "f1": f1.tolist(),
            "exact": accuracy_score(y, answered),
            "loss": float(np.mean([log_loss(y[:, k], p[:, k], labels=[0, 1]) for k in range(y.shape[1])])),
        }
    )
)
