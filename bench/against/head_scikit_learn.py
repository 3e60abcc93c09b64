"""Fits scikit-learn's LogisticRegression on each request, a line of JSON, and answers with a line of JSON."""

import json
import sys
import time

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression

print(json.dumps({"version": sklearn.__version__}), flush=True)
for line in sys.stdin:
    task = json.loads(line)
    x = np.fromfile(task["features"], dtype=np.float32).reshape(-1, task["length"]).astype(np.float64)
    y = np.array(task["labels"])
    before, cpu = time.perf_counter(), time.process_time()
    model = LogisticRegression(C=task["C"], tol=task["tolerance"], max_iter=2000).fit(x, y)
    wall, cpu = time.perf_counter() - before, time.process_time() - cpu
    logits = model.decision_function(x)
    highest = logits.max(1)
    total = np.log(np.exp(logits - highest[:, None]).sum(1)) + highest
    loss = (total - logits[np.arange(len(y)), y]).sum() + (model.coef_**2).sum() / (2 * task["C"])
    print(json.dumps({"wall": 1000 * wall, "cpu": 1000 * cpu, "loss": loss}), flush=True)
