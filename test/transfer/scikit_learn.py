"""Fits scikit-learn's LogisticRegression: argument a JSON file; prints coefficients, biases and loss as JSON."""

import json
import sys

import numpy as np
from sklearn.linear_model import LogisticRegression

task = json.load(open(sys.argv[1]))
x = np.array(task["features"])
y = np.array(task["labels"])
model = LogisticRegression(C=task["C"], tol=1e-12, max_iter=100_000).fit(x, y, sample_weight=task["weights"])
coefficients, biases = model.coef_, model.intercept_
if len(coefficients) == 1:
    # Two classes are one logit there: the difference of ours, which are each other's negatives.
    coefficients, biases = np.vstack([-coefficients, coefficients]) / 2, np.concatenate([-biases, biases]) / 2
print(json.dumps({"coefficients": coefficients.T.ravel().tolist(), "biases": biases.tolist()}))
