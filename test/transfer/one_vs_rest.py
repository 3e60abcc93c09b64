"""One scikit-learn LogisticRegression per class, each with a C of its own: argument a JSON file; prints them as JSON."""

import json
import sys

import numpy as np
from sklearn.linear_model import LogisticRegression

task = json.load(open(sys.argv[1]))
x = np.array(task["features"])
fits = []
for C, y, balanced in zip(task["Cs"], np.array(task["shown"]).T, task["balanced"]):
    weight = "balanced" if balanced else None
    model = LogisticRegression(C=C, tol=1e-12, max_iter=100_000, class_weight=weight).fit(x, y)
    fits.append({"coefficients": model.coef_[0].tolist(), "bias": model.intercept_[0]})
print(json.dumps(fits))
