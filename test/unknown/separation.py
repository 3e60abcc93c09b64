"""How scores tell unknown from known pictures, by scikit-learn: python separation.py task.json

known and unknown: lists of [distance, 1 - probability]. The second way rejects at most as many known pictures as the first at 1.
"""
import json
import sys

import numpy as np
from sklearn.metrics import roc_auc_score, roc_curve

task = json.load(open(sys.argv[1]))
known, unknown = np.array(task["known"]), np.array(task["unknown"])
scores = np.concatenate([known, unknown])
is_unknown = np.arange(len(scores)) >= len(known)
rejected = (known[:, 0] > 1).mean()
shares, caught, _ = roc_curve(is_unknown, scores[:, 1], drop_intermediate=False)
print(json.dumps({
    "distance": {"rocAuc": roc_auc_score(is_unknown, scores[:, 0]), "unknownCaught": (unknown[:, 0] > 1).mean()},
    "softmax": {
        "rocAuc": roc_auc_score(is_unknown, scores[:, 1]),
        "unknownCaught": caught[shares <= rejected + 1e-12].max(),
    },
}))
