"""Prints what Prometheus's own parser reads from a file of metrics: name and labels -> value."""
import json
import math
import sys

from prometheus_client.parser import text_string_to_metric_families

values = {}
with open(sys.argv[1], encoding="utf8") as file:
    for family in text_string_to_metric_families(file.read()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            # JSON has no NaN, which Node's own figures can be.
            if math.isfinite(sample.value):
                values[f"{sample.name}{{{labels}}}"] = sample.value
print(json.dumps(values))
