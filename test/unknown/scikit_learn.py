"""What scikit-learn and NumPy make of features and logits: python scikit_learn.py task.json

references [rows, length] with labels, features [pictures, length] with labels and logits [pictures, classes], factors, share.
"""
import json
import sys

import numpy as np
from scipy.special import softmax
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.neighbors import NearestNeighbors

task = json.load(open(sys.argv[1]))
references, features, logits = (np.array(task[name], dtype=np.float64) for name in ("references", "features", "logits"))
rows_of, labels = np.array(task["referenceLabels"]), np.array(task["labels"])
distance_factor, doubt_factor = task["factors"]
classes = logits.shape[1]


def nearest(among):
    """Cosine distance to the nearest of these references."""
    model = NearestNeighbors(n_neighbors=1, metric="cosine").fit(references[among])
    return model.kneighbors(features)[0][:, 0]


def doubts(columns):
    return 1 - softmax(logits[:, columns], axis=1).max(axis=1)


def caught(scores, unknown, share):
    """The largest share of the unknown that is caught where at most this share of the known is rejected."""
    rejected, hits, _ = roc_curve(unknown, scores, drop_intermediate=False)
    return hits[rejected <= share + 1e-12].max()


every = np.arange(classes)
distances = nearest(np.full(len(references), True))
left_out = []
for out in every:
    doubt = doubts(every[every != out])
    scores = distance_factor * nearest(rows_of != out) + doubt_factor * doubt
    unknown = labels == out
    left_out.append({
        "rocAuc": roc_auc_score(unknown, scores),
        "softmaxRocAuc": roc_auc_score(unknown, doubt),
        "caught": [caught(scores, unknown, share) for share in task["shares"]],
    })
print(json.dumps({
    "byClass": [(1 - nearest(rows_of == label)).tolist() for label in every],
    "deviations": [distances.std(), doubts(every).std()],
    "distances": (distance_factor * distances + doubt_factor * doubts(every)).tolist(),
    # The quantile of split conformal prediction.
    "quantile": np.quantile(distances, min(1, np.ceil((len(distances) + 1) * (1 - task["share"])) / len(distances)),
                            method="inverted_cdf"),
    "leftOut": {
        "rocAuc": np.mean([one["rocAuc"] for one in left_out]),
        "softmaxRocAuc": np.mean([one["softmaxRocAuc"] for one in left_out]),
        "caught": np.mean([one["caught"] for one in left_out], axis=0).tolist(),
    },
}))
