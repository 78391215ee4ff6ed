"""Holds the manifests of a folder against the schemas of Kubernetes and against each other, and prints the commands in them.

Usage: check_manifests.py FOLDER

What is wrong goes to standard error, with exit code 1. Else standard output is a list in JSON: of each container its file, its
arguments, and its variables.
"""

import json
import pathlib
import sys

import kubernetes_validate
import yaml

VERSIONS = ["1.31", "1.37"]


def documents(folder):
    for path in sorted(pathlib.Path(folder).glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            yield path.name, document


def template(document):
    """The template of the pods of a document, if it has one."""
    spec = document.get("spec", {})
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    return spec.get("template")


def against_schemas(file, document):
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{file}: {document['kind']}: {list(error.path)}: {error.message} ({version})"


def of_pods(file, pods):
    """What holds for each pod: who it is, what it may, and that its volumes are those that it mounts."""
    spec = pods["spec"]
    safe = spec["securityContext"]
    if not safe.get("runAsNonRoot") or safe.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield f"{file}: a pod that may be root"
    volumes = {volume["name"] for volume in spec.get("volumes", [])} | set(pods.get("claims", []))
    for container in spec["containers"]:
        held = container["securityContext"]
        if held["allowPrivilegeEscalation"] or not held["readOnlyRootFilesystem"] or held["capabilities"]["drop"] != ["ALL"]:
            yield f"{file}: a container that may more than it needs"
        if volumes != {mount["name"] for mount in container["volumeMounts"]}:
            yield f"{file}: volumes {sorted(volumes)} are not those that are mounted"
        if "memory" not in container["resources"]["limits"]:
            yield f"{file}: memory without a limit"


def together(known):
    """What holds between documents: whoever is selected is there, with the ports that others mean."""
    labels, ports = {}, {}
    for _, document in known:
        pods = template(document)
        if pods:
            name = document["metadata"]["name"]
            labels[name] = pods["metadata"]["labels"]
            ports[name] = {port["name"]: port["containerPort"] for one in pods["spec"]["containers"] for port in one.get("ports", [])}

    def selected(selector):
        wanted = selector.get("matchLabels", selector).items()
        return [name for name, has in labels.items() if wanted <= has.items()]

    for file, document in known:
        kind, spec = document["kind"], document.get("spec", {})
        if kind != "Namespace" and document["metadata"].get("namespace") != "whom":
            yield f"{file}: {kind} lies in no namespace"
        if kind in ("Service", "Deployment", "StatefulSet", "PodDisruptionBudget") and len(selected(spec["selector"])) != 1:
            yield f"{file}: {kind} does not select one kind of pods"
        if kind == "Service":
            here = ports[selected(spec["selector"])[0]]
            for port in spec["ports"]:
                if here.get(port["targetPort"]) != port["port"]:
                    yield f"{file}: port {port['port']} is not one of the pods"
        if kind == "HorizontalPodAutoscaler" and not any(
            (spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"]) == (other["kind"], other["metadata"]["name"])
            for _, other in known
        ):
            yield f"{file}: nothing to scale"
        if kind == "NetworkPolicy" and spec["podSelector"]:
            (name,) = selected(spec["podSelector"])
            asked = {port["port"] for rule in spec["ingress"] for port in rule["ports"]}
            if asked != set(ports[name].values()):
                yield f"{file}: ports {sorted(asked)} are let in to `{name}`, which has {sorted(ports[name].values())}"


def commands(known):
    for file, document in known:
        for container in (template(document) or {"spec": {"containers": []}})["spec"]["containers"]:
            variables = {one["name"]: one["value"] for one in container["env"] if "value" in one}
            yield {"file": file, "arguments": container["args"], "variables": variables}


def main(folder):
    known = list(documents(folder))
    wrong = [problem for file, document in known for problem in against_schemas(file, document)]
    for file, document in known if not wrong else []:
        pods = template(document)
        if pods:
            claims = [claim["metadata"]["name"] for claim in document["spec"].get("volumeClaimTemplates", [])]
            wrong += of_pods(file, {**pods, "claims": claims})
    wrong += together(known) if not wrong else []
    if wrong or not known:
        sys.exit("\n".join(wrong) or f"no manifest in {folder}")
    print(json.dumps(list(commands(known))))


main(*sys.argv[1:])
