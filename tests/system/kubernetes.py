"""launch/kubernetes: what the overlays come to, against Kubernetes' own schemas, what mpi-operator takes, and what the image has."""
import re
import shutil
import subprocess

import jsonschema
import kubernetes_validate
import yaml

from manifests import FOLDER, built, containers, pod_specs
from program import SOURCE

# An MPIJob of kubeflow.org/v2beta1: its fields (pods' templates are Kubernetes' own), and the values that the operator accepts.
INTEGER, BOOLEAN, TEXT = {"type": "integer", "minimum": 0}, {"type": "boolean"}, {"type": "string"}


def closed(required=(), **properties):
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": properties}


REPLICAS = closed(["replicas", "restartPolicy", "template"], replicas={"type": "integer", "minimum": 1}, restartPolicy={"enum": ["Never", "OnFailure"]},
                  template={"type": "object"})
MPIJOB = closed(
    ["apiVersion", "kind", "metadata", "spec"], apiVersion={"const": "kubeflow.org/v2beta1"}, kind={"const": "MPIJob"}, metadata={"type": "object"},
    spec=closed(
        ["mpiReplicaSpecs", "slotsPerWorker", "runPolicy", "sshAuthMountPath"], slotsPerWorker=INTEGER, runLauncherAsWorker=BOOLEAN,
        launcherCreationPolicy={"enum": ["AtStartup", "WaitForWorkersReady"]}, mpiImplementation={"enum": ["OpenMPI", "Intel", "MPICH"]},
        sshAuthMountPath=TEXT | {"pattern": "^/"},
        runPolicy=closed(["cleanPodPolicy"], cleanPodPolicy={"enum": ["None", "Running", "All"]}, ttlSecondsAfterFinished=INTEGER, activeDeadlineSeconds=INTEGER,
                         backoffLimit=INTEGER, suspend=BOOLEAN, managedBy=TEXT,
                         schedulingPolicy=closed(minAvailable=INTEGER, queue=TEXT, minResources={"type": "object"}, priorityClass=TEXT, scheduleTimeoutSeconds=INTEGER)),
        mpiReplicaSpecs=closed(["Launcher", "Worker"], Launcher={"allOf": [REPLICAS, {"properties": {"replicas": {"const": 1}}}]}, Worker=REPLICAS)))


def validated(item):
    if item["kind"] != "MPIJob":
        kubernetes_validate.validate(item, "1.31", strict=True)
        for rule in item.get("spec", {}).get("podFailurePolicy", {}).get("rules", []):  # texts of any kind to the schema
            assert rule["action"] in ("FailJob", "FailIndex", "Ignore", "Count"), rule
            if rule["action"] == "FailIndex":
                assert "backoffLimitPerIndex" in item["spec"] and item["spec"]["template"]["spec"]["restartPolicy"] == "Never", item["spec"]
        return
    jsonschema.validate(item, MPIJOB)
    for name, pod in pod_specs(item):  # a pod is what the operator makes of it
        kubernetes_validate.validate({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name.lower()}, "spec": pod}, "1.31", strict=True)


def check_pod(name, pod):
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] == 1000, name
    assert pod["terminationGracePeriodSeconds"] >= 60, name
    volumes = {volume["name"] for volume in pod["volumes"]}
    for container in pod["containers"]:
        rights = container["securityContext"]
        assert not rights["allowPrivilegeEscalation"] and rights["readOnlyRootFilesystem"] and rights["capabilities"] == {"drop": ["ALL"]}, name
        resources = container["resources"]
        assert resources["requests"] == resources["limits"] and {"cpu", "memory"} <= set(resources["limits"]), (name, resources)
        assert "command" not in container, f"{name}: the image's first process turns signals into what the program obeys"
        mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
        assert set(mounts) == volumes and mounts["data"].get("readOnly"), name


def check_files_of_the_image(overlay):
    """Paths that manifests and settings of the image name are those that the image has."""
    text = (SOURCE / "docker/Dockerfile").read_text(encoding="utf-8")
    worker = (SOURCE / "docker/etc/ssh/explaind_worker").read_text(encoding="utf-8")
    for item in overlay:
        if item["kind"] != "MPIJob":
            continue
        keys = item["spec"]["sshAuthMountPath"]
        assert f"HostKey {keys}/id_rsa" in worker and f"AuthorizedKeysFile {keys}/authorized_keys" in worker
        container = item["spec"]["mpiReplicaSpecs"]["Worker"]["template"]["spec"]["containers"][0]
        port = container["ports"][0]["containerPort"]
        assert container["readinessProbe"]["tcpSocket"]["port"] == port
        for file in ("explaind_worker", "explaind_client"):
            assert re.search(rf"^\s*Port {port}$", (SOURCE / "docker/etc/ssh" / file).read_text(encoding="utf-8"), re.M), file
        assert container["args"][-1] == "/etc/ssh/explaind_worker"
        script = container["lifecycle"]["preStop"]["exec"]["command"][0]
        assert f"docker/{script.rsplit('/', 1)[1]}" in text and script.startswith("/usr/local/lib/explaind/"), script


def check_kustomize(name, overlay):
    """Where there is a kubectl, what it makes of the folder."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        return
    shown = subprocess.run([kubectl, "kustomize", FOLDER / name], capture_output=True, text=True, check=True, timeout=60).stdout

    def named(items):
        return {(item["kind"], item["metadata"]["name"]): item for item in items}
    assert named(yaml.safe_load_all(shown)) == named(overlay), name


def main():
    kinds = {}
    for name in ("cpu", "gpu", "array"):
        overlay = built(FOLDER / name)
        check_kustomize(name, overlay)
        kinds[name] = [item["kind"] for item in overlay]
        for item in overlay:
            validated(item)
            for pod_name, pod in pod_specs(item):
                check_pod(f"{name}/{pod_name}", pod)
        check_files_of_the_image(overlay)
        for container in containers(overlay):
            assert container["image"].startswith("registry.example.org/explaind:"), container["image"]
    assert kinds["cpu"] == kinds["gpu"] == ["PersistentVolumeClaim", "PersistentVolumeClaim", "MPIJob", "ConfigMap"], kinds
    assert kinds["array"] == ["PersistentVolumeClaim", "PersistentVolumeClaim", "Job", "ConfigMap"], kinds


main()
