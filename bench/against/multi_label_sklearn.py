"""One-vs-rest logistic regression on features, for bench/multi_label.ts.

Argument: a JSON file {features, heldOut: files of float32 [pictures, length], length, shown, heldOutShown: 0 and 1 by
class}. Prints the mean average precision on the held-out pictures, and the seconds of the fits, as JSON.
"""
import json
import sys
import time
import warnings

import numpy as np
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import average_precision_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")
task = json.load(open(sys.argv[1]))
x = np.fromfile(task["features"], np.float32).reshape(-1, task["length"])
held = np.fromfile(task["heldOut"], np.float32).reshape(-1, task["length"])
y, expected = np.array(task["shown"]), np.array(task["heldOutShown"])
contestants = {
    "default": LogisticRegression(max_iter=5000),
    "cross-validated": LogisticRegressionCV(Cs=8, cv=5, scoring="neg_log_loss", max_iter=2000),
}
results = {}
for name, one in contestants.items():
    start = time.perf_counter()
    model = make_pipeline(StandardScaler(), OneVsRestClassifier(one)).fit(x, y)
    seconds = time.perf_counter() - start
    score = average_precision_score(expected, model.decision_function(held), average="macro")
    results[name] = {"meanAveragePrecision": score, "seconds": seconds}
print(json.dumps(results))
