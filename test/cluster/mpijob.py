"""Checks the pods of an MPIJob by Kubernetes' own schema, which also refuses unknown fields; prints what is wrong, and
the pods' scripts, as JSON."""

import json
import sys

import kubernetes_validate
import yaml

with open(sys.argv[1]) as file:
    replicas = yaml.safe_load(file)["spec"]["mpiReplicaSpecs"]

errors = []
scripts = []
for name, replica in replicas.items():
    pod = {"apiVersion": "v1", "kind": "PodTemplate", "template": replica["template"]}
    try:
        kubernetes_validate.validate(pod, kubernetes_validate.latest_version(), strict=True)
    except kubernetes_validate.ValidationError as error:
        errors.append(f"{name}: {error.message}")
    for container in replica["template"]["spec"]["containers"]:
        if container["command"] == ["sh", "-c"]:
            scripts += container["args"]

print(json.dumps({"errors": errors, "scripts": scripts}))
