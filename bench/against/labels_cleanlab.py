"""Ranks labels by cleanlab's quality scores, from scikit-learn's cross-validated logistic regression on features.

Each request is a line of JSON, and so is its answer: by each score the rows, the least likely label first.
"""

import json
import sys
import time

import cleanlab
import numpy as np
from cleanlab.rank import get_label_quality_scores
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

print(json.dumps({"version": cleanlab.__version__}), flush=True)
for line in sys.stdin:
    task = json.loads(line)
    x = np.fromfile(task["features"], dtype=np.float32).reshape(-1, task["length"])
    y = np.array(task["labels"])
    started = time.perf_counter()
    # Features of a mean squared length of 1, for which scikit-learn's own C = 1 is a strong penalty.
    x /= np.sqrt((x**2).sum(1).mean())
    model = LogisticRegression(C=task["C"], max_iter=1000)
    probabilities = cross_val_predict(model, x, y, cv=5, method="predict_proba")
    orders = {
        method: np.argsort(get_label_quality_scores(y, probabilities, method=method), kind="stable").tolist()
        for method in ("self_confidence", "normalized_margin")
    }
    print(json.dumps({"orders": orders, "seconds": time.perf_counter() - started}), flush=True)
