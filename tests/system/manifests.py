"""What `kubectl apply -k` would send of launch/kubernetes: of kustomize, what is used there, and nothing else."""
import copy
import pathlib

import yaml

from program import SOURCE

FOLDER = SOURCE / "launch/kubernetes"
KNOWN = {"apiVersion", "kind", "resources", "configMapGenerator", "generatorOptions", "images", "patches"}


def built(folder):
    """All objects of a folder with a kustomization.yaml, patches and images applied."""
    folder = pathlib.Path(folder)
    recipe = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    assert recipe["kind"] == "Kustomization" and set(recipe) <= KNOWN, set(recipe) - KNOWN
    items = []
    for name in recipe.get("resources", []):
        path = folder / name
        items += built(path) if path.is_dir() else [item for item in yaml.safe_load_all(path.read_text(encoding="utf-8")) if item]
    assert "configMapGenerator" not in recipe or recipe["generatorOptions"] == {"disableNameSuffixHash": True}, folder
    for generator in recipe.get("configMapGenerator", []):
        data = {pathlib.Path(file).name: (folder / file).read_text(encoding="utf-8") for file in generator["files"]}
        items.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generator["name"]}, "data": data})
    for patch in recipe.get("patches", []):
        targets = [item for item in items if item["kind"] == patch["target"]["kind"]]
        assert targets, patch
        for item in targets:
            for operation in yaml.safe_load(patch["patch"]):
                apply(item, operation)
    for image in recipe.get("images", []):
        for container in containers(items):
            if container["image"] == image["name"]:
                container["image"] = f"{image['newName']}:{image['newTag']}"
    return copy.deepcopy(items)  # aliases of YAML are one object in Python


def apply(item, operation):
    """RFC 6902, add and replace; no key here has a `/` or `~`."""
    *path, last = operation["path"].lstrip("/").split("/")
    place = item
    for key in path:
        place = place[int(key)] if isinstance(place, list) else place[key]
    if isinstance(place, list):
        assert operation["op"] == "add" and last == "-", operation
        place.append(operation["value"])
    else:
        assert operation["op"] == "add" or last in place, operation
        place[last] = operation["value"]


def pod_specs(item):
    """(name, spec of its pods) of an object that has any."""
    if item["kind"] == "MPIJob":
        for name, replicas in item["spec"]["mpiReplicaSpecs"].items():
            yield name, replicas["template"]["spec"]
    elif item["kind"] == "Job":
        yield item["metadata"]["name"], item["spec"]["template"]["spec"]


def containers(items):
    for item in items:
        for _, pod in pod_specs(item):
            yield from pod["containers"]
