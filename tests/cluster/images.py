"""docker/Dockerfile and launch/kubernetes, by a real Docker: the image is built from a base made here, and run as clusters run it.

    images.py [--place FOLDER] [--only WORD] [--slow]      --place: keep the engine's files and the image there, and use what is there

Every store must be that of the program beside this test, bit for bit. SKIPPED, exit code 77, where there is no Docker (launch/setup.sh
--cluster) or no right to start it.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "system"), str(TESTS / "cluster/lab")]
import engine  # noqa: E402
import manifests  # noqa: E402
from program import GOLDENS, SOURCE, must, run, write_samples  # noqa: E402
from store_contents import committed, contents  # noqa: E402

LARGEST = 650e6  # bytes of the image without devices
DEADLINE = 240
NO_RIGHTS = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
REVISION = "image-under-test"


def until(condition, what):
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < DEADLINE, what() if callable(what) else what
        time.sleep(.1)


def large_series(folder):
    """Two checkpoints whose matrices of an MLP have 8 MB: larger than what shared memory copies at once."""
    import torch
    from safetensors.torch import save_file
    hidden, inner, vocabulary = 512, 4096, 72
    config = dict(architectures=["LlamaForCausalLM"], model_type="llama", hidden_act="silu", hidden_size=hidden, intermediate_size=inner, num_hidden_layers=2,
                  num_attention_heads=4, num_key_value_heads=4, vocab_size=vocabulary, max_position_embeddings=64, rms_norm_eps=1e-5, rope_theta=10000.0,
                  tie_word_embeddings=False, torch_dtype="float32")
    torch.manual_seed(1)
    square, shapes = (hidden, hidden), {}
    for layer in range(2):
        name = f"model.layers.{layer}."
        shapes |= {f"{name}self_attn.{part}_proj.weight": square for part in "qkvo"}
        shapes |= {f"{name}mlp.gate_proj.weight": (inner, hidden), f"{name}mlp.up_proj.weight": (inner, hidden), f"{name}mlp.down_proj.weight": (hidden, inner)}
        shapes |= {f"{name}input_layernorm.weight": (hidden,), f"{name}post_attention_layernorm.weight": (hidden,)}
    shapes |= {"model.embed_tokens.weight": (vocabulary, hidden), "lm_head.weight": (vocabulary, hidden), "model.norm.weight": (hidden,)}
    weights = {name: torch.randn(shape) * .03 + (len(shape) == 1) for name, shape in shapes.items()}
    for step in (0, 10):
        target = folder / f"step-{step}"
        target.mkdir(parents=True)
        (target / "config.json").write_text(json.dumps(config), encoding="utf-8")
        save_file(weights, target / "model.safetensors")
        weights = {name: tensor + .003 * torch.randn(tensor.shape) for name, tensor in weights.items()}
    return folder


class Question:
    """What is asked, the store of the program here, and folders as containers see them: /data and /work."""

    def __init__(self, folder, name, series, samples, *more):
        self.data, self.work, self.more = folder / f"{name}-data", folder / f"{name}-work", more
        self.data.mkdir()
        self.work.mkdir()
        self.work.chmod(0o777)
        shutil.copytree(series, self.data / "series")
        write_samples(self.data / "samples.jsonl", samples, 60)
        self.whole = folder / f"{name}.h5"
        must(run("decompose", *self.words(self.whole, self.data)))

    def words(self, store, data="/data"):
        return ["--series", f"{data}/series", "--samples", f"{data}/samples.jsonl", "--store", store, *self.more]

    @property
    def mounts(self):
        return ["--volume", f"{self.data}:/data:ro", "--volume", f"{self.work}:/work"]

    def expect(self, done, name, code=0):
        """A finished process that has left the whole store, and has said nothing that its user should worry about."""
        assert done.returncode == code, f"{name}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        said = (done.stdout + done.stderr).replace(engine.NO_FORWARDING, "")
        assert "errno" not in said and "WARN" not in said, said
        assert contents(self.work / f"{name}.h5") == contents(self.whole), name


class Image:
    """What the checks share."""

    def __init__(self, docker, folder):
        self.docker, self.folder = docker, folder
        self.large = Question(folder, "large", large_series(folder / "large"), [4, 5, 6, 7], "--chunk", "1", "--quadrature", "gauss:2", "--parameters", "gathered")
        self.long = Question(folder, "long", GOLDENS / "grouped_query/series", [3 + i % 9 for i in range(24)], "--chunk", "1", "--quadrature", "midpoint:60")


def content(image):
    """Its size, its list of parts against dpkg's, what it says of itself, and that it holds no compiler."""
    docker = image.docker
    size = int(docker.ask("image", "inspect", "--format", "{{.Size}}", engine.IMAGE))
    assert size <= LARGEST, size
    inspected = json.loads(docker.ask("image", "inspect", engine.IMAGE))[0]["Config"]
    assert inspected["User"] == "1000:1000" and inspected["Labels"]["org.opencontainers.image.revision"] == REVISION, inspected
    names = {word.split("=")[0] for word in inspected["Env"]}
    assert names == {"PATH", "HOME"}, names  # what is set there, an ssh session has not
    assert inspected["Healthcheck"]["Test"] == ["CMD", "/usr/local/lib/explaind/health.sh"], inspected
    assert f"(revision {REVISION})" in must(docker.run("--version")).stdout
    assert "Usage: explaind find" in must(docker.run("find", "--help")).stdout
    installed = must(docker.run("dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version}\n")).stdout
    installed = {tuple(line.split()[1:]) for line in installed.splitlines() if line.startswith("installed ")}
    assert not {name for name, _ in installed if name.startswith(("g++", "gcc-12-x", "python3", "cmake")) or name.endswith("-dev")}, installed
    listed = json.loads(must(docker.run("cat", "/usr/share/doc/explaind/explaind.spdx.json")).stdout)
    found = {(part["name"], part["versionInfo"]) for part in listed["packages"] if part["primaryPackagePurpose"] == "INSTALL"}
    assert found == installed, found ^ installed
    assert {"torch", "pyarrow", "oneMKL", "nvidia-cuda-runtime"} <= {part["name"] for part in listed["packages"]}
    assert must(docker.run("/usr/local/lib/explaind/health.sh")).returncode == 0
    print(f"   {size / 1e6:.0f} MB, {len(listed['packages'])} parts; {listed['comment']}")


def inside(image):
    """(a) mpirun in the container, large messages through shared memory; and as root mpirun refuses."""
    question = image.large
    done = image.docker.run("mpirun", "-n", 2, "explaind", "decompose", *question.words("/work/inside.h5"), options=question.mounts)
    question.expect(done, "inside")
    done = image.docker.run("decompose", *question.words("/work/alone.h5"), options=question.mounts)
    question.expect(done, "alone")
    refused = image.docker.run("mpirun", "-n", 1, "explaind", "--version", options=["--user", "0:0"])
    assert refused.returncode != 0 and "root" in refused.stderr, refused


def unknown_user(image):
    """(d) a user without an entry, a root that is read-only, no rights at all."""
    question = image.large
    done = image.docker.run("mpirun", "-n", 2, "explaind", "decompose", *question.words("/work/unknown.h5"), options=[*NO_RIGHTS, "--user=12345:12345", *question.mounts])
    question.expect(done, "unknown")
    assert (question.work / "unknown.h5").stat().st_uid == 12345


def no_shared_memory(image):
    """A container without /dev/shm: what needs MPI says so, the rest works."""
    for words in (["mpirun", "-n", 2, "explaind", "decompose"], ["decompose"], ["job", "explaind", "plan"]):
        refused = image.docker.run(*words, options=["--ipc=none"])
        assert refused.returncode == 1 and refused.stderr.startswith("error: /dev/shm cannot be written"), refused
    must(image.docker.run("inspect", "/data/series", options=["--ipc=none", *image.large.mounts]))


def by_ucx(image):
    """UCX carries it too, and does not read another process's memory (/etc/ucx/ucx.conf), also where nothing forbids that."""
    question = image.large
    done = image.docker.run("mpirun", "-n", 2, "--mca", "pml", "ucx", "--mca", "opal_common_ucx_tls", "any", "--mca", "opal_common_ucx_devices", "any", "-x",
                            "UCX_LOG_LEVEL=info", "explaind", "decompose", *question.words("/work/ucx.h5"), options=["--security-opt=seccomp=unconfined", *question.mounts])
    question.expect(done, "ucx")
    said = done.stdout + done.stderr
    assert "tag(sysv/memory" in said and "cma" not in said, said


def hybrid(image):
    """(b) mpirun of this machine, a container for each rank, as a user of this machine."""
    question, docker = image.large, image.docker
    script = shutil.copy(SOURCE / "docker/rank.sh", image.folder / "rank.sh")
    command = ["mpirun", "-n", "2", "--bind-to", "none", "--oversubscribe", script, *question.mounts, engine.IMAGE, "decompose", *question.words("/work/hybrid.h5")]
    environment = docker.environment | {"HOME": "/tmp", "ENGINE": docker.client}
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=300, env=environment, cwd=image.folder, user=1000, group=1000, extra_groups=[])
    question.expect(done, "hybrid")


class Pods:
    """The containers of the overlay `cpu`, as mpi-operator starts them: names, keys, hostfile, environment."""

    def __init__(self, image, name, question):
        self.docker, self.question, self.name = image.docker, question, name
        (self.job,) = [item for item in manifests.built(manifests.FOLDER / "cpu") if item["kind"] == "MPIJob"]
        spec, self.own_name = self.job["spec"], self.job["metadata"]["name"]
        self.workers = [f"{self.own_name}-worker-{i}" for i in range(spec["mpiReplicaSpecs"]["Worker"]["replicas"])]
        self.folders = {"data": question.data, "work": question.work}
        for folder in ("keys", "mpi", "job"):
            self.folders[folder] = image.folder / f"{name}-{folder}"
            self.folders[folder].mkdir()
        subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-b", "521", "-m", "PEM", "-N", "", "-C", "", "-f", self.folders["keys"] / "id_rsa"], check=True)
        shutil.copy(self.folders["keys"] / "id_rsa.pub", self.folders["keys"] / "authorized_keys")
        for key in self.folders["keys"].iterdir():
            key.chmod(0o644)  # as files of a secret are: another user's, and readable
        hosts = "".join(f"{self.address(worker)} slots={spec['slotsPerWorker']}\n" for worker in self.workers)
        (self.folders["mpi"] / "hostfile").write_text(hosts, encoding="utf-8")
        asked = dict(zip(question.more[::2], question.more[1::2]))
        text = (manifests.FOLDER / "base/job.ini").read_text(encoding="utf-8").replace("influence.h5", f"{name}.h5")
        (self.folders["job"] / "job.ini").write_text(text + "".join(f"{key[2:]} = {value}\n" for key, value in asked.items()), encoding="utf-8")
        self.operators = [("OMPI_MCA_orte_keep_fqdn_hostnames", "true"), ("OMPI_MCA_orte_default_hostfile", "/etc/mpi/hostfile"),
                          ("OMPI_MCA_plm_rsh_args", "-o ConnectionAttempts=10"), ("OMPI_MCA_orte_set_default_slots", spec["slotsPerWorker"])]

    def address(self, host):
        return f"{host}.{self.own_name}.default.svc"

    def options(self, role, host, environment=()):
        pod = self.job["spec"]["mpiReplicaSpecs"][role]["template"]["spec"]
        (container,) = pod["containers"]
        options = engine.as_pod_wants(pod, container, self.folders, environment)
        options += ["--name", host, "--hostname", host, "--network", self.name, "--network-alias", self.address(host),
                    "--volume", f"{self.folders['keys']}:{self.job['spec']['sshAuthMountPath']}:ro"]
        return options, container["args"]

    def start_worker(self, host):
        options, words = self.options("Worker", host)
        self.docker.ask("run", "--detach", *options, engine.IMAGE, *words)
        healthy = ["exec", host, "/usr/local/lib/explaind/health.sh"]
        until(lambda: subprocess.run([self.docker.client, *healthy], capture_output=True, env=self.docker.environment, timeout=60).returncode == 0,
              lambda: self.docker.ask("logs", host))

    def launch(self):
        options, words = self.options("Launcher", f"{self.own_name}-launcher", self.operators)
        options += ["--volume", f"{self.folders['mpi']}:/etc/mpi:ro"]
        command = [self.docker.client, "run", "--rm", *options, engine.IMAGE, *words]
        return subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.docker.environment)

    def finished(self, launcher):
        output, errors = launcher.communicate(timeout=DEADLINE)
        return subprocess.CompletedProcess("launcher", launcher.returncode, output, errors)

    def __enter__(self):
        self.docker.ask("network", "create", "--internal", self.name)
        for worker in self.workers:
            self.start_worker(worker)
        return self

    def __exit__(self, *_):
        for host in self.workers + [f"{self.own_name}-launcher"]:
            self.docker.ask("rm", "--force", host, check=False)
        self.docker.ask("network", "rm", self.name)


def operator(image):
    """(c) two workers with sshd and a launcher, by the arguments, users, ports and rights of the manifests."""
    with Pods(image, "pods", image.large) as pods:
        image.large.expect(pods.finished(pods.launch()), "pods")
        owners = image.docker.ask("exec", pods.workers[0], "stat", "-c", "%u", "/proc/1")
        assert owners == "1000", owners


def operator_losses(image):
    """A worker that is lost, and one whose node is drained: the launcher ends, and its next start comes to the same store."""
    question = image.long
    with Pods(image, "losses", question) as pods:
        store = question.work / "losses.h5"
        launcher = pods.launch()
        until(lambda: committed(store) > 3 or launcher.poll() is not None, "nothing was written")
        image.docker.ask("kill", pods.workers[1])
        done = pods.finished(launcher)
        assert done.returncode not in (0, 1, 2, 3), done
        image.docker.ask("rm", "--force", pods.workers[1])
        pods.start_worker(pods.workers[1])

        before = committed(store)
        launcher = pods.launch()
        until(lambda: committed(store) > before or launcher.poll() is not None, "nothing more was written")
        hook = pods.job["spec"]["mpiReplicaSpecs"]["Worker"]["template"]["spec"]["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
        image.docker.ask("exec", pods.workers[1], *hook)
        done = pods.finished(launcher)
        assert done.returncode == 75, done
        question.expect(pods.finished(pods.launch()), "losses")


def array(image):
    """The Indexed Job: a pod for each part of the samples, and their stores joined."""
    question = image.long
    (job,) = [item for item in manifests.built(manifests.FOLDER / "array") if item["kind"] == "Job"]
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    folder = image.folder / "array-job"
    folder.mkdir()
    asked = "".join(f"{key[2:]} = {value}\n" for key, value in zip(question.more[::2], question.more[1::2]))
    (folder / "job.ini").write_text((manifests.FOLDER / "array/job.ini").read_text(encoding="utf-8") + asked, encoding="utf-8")
    parts = job["spec"]["completions"]
    lines = (question.data / "samples.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    each = len(lines) // parts
    for part in range(parts):
        (question.data / f"part-{part}.jsonl").write_text("".join(lines[each * part:each * (part + 1)]), encoding="utf-8")
        (variable,) = [entry["name"] for entry in container["env"]]
        options = engine.as_pod_wants(pod, container, {"data": question.data, "work": question.work, "job": folder}, [(variable, part)])
        must(image.docker.run(*[word.replace(f"$({variable})", str(part)) for word in container["args"]], options=options))
    done = image.docker.run("store", "merge", *[f"/work/part-{part}.h5" for part in range(parts)], "-o", "/work/array.h5", options=question.mounts)
    question.expect(done, "array")


def stopping(image):
    """(e) `docker stop` ends with 75, alone and under mpirun, and --resume finishes."""
    question, docker = image.long, image.docker
    for name, words in (("stopped-alone", []), ("stopped-mpirun", ["mpirun", "-n", 2, "explaind"])):
        store = question.work / f"{name}.h5"
        words = [*words, "decompose", *question.words(f"/work/{name}.h5"), "--resume"]
        docker.ask("run", "--detach", "--name", name, *question.mounts, engine.IMAGE, *words)
        until(lambda: committed(store) > 2, lambda: docker.ask("logs", name))
        docker.ask("stop", "--time", 60, name)
        code = docker.ask("inspect", "--format", "{{.State.ExitCode}}", name)
        assert code == "75", (name, code, docker.ask("logs", name))
        question.expect(docker.run(*words, options=question.mounts), name)


def unpacked(image):
    """Apptainer's two ways, by charliecloud: the image as a folder, mpirun inside it, and mpirun of this machine with the image under each rank."""
    if shutil.which("ch-run") is None:
        return "there is no ch-run here: launch/setup.sh --cluster installs it"
    question, tree = image.large, image.folder / "tree"
    tree.mkdir()
    name = image.docker.ask("create", engine.IMAGE)
    exported = subprocess.Popen([image.docker.client, "export", name], stdout=subprocess.PIPE, env=image.docker.environment)
    subprocess.run(["tar", "-C", tree, "--exclude=dev/*", "-x"], stdin=exported.stdout, check=True)
    assert exported.wait() == 0
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", "USER": "nobody"}
    enter = ["ch-run", "--bind", f"{question.data}:/data", "--bind", f"{question.work}:/work", tree, "--"]
    job = ["explaind", "decompose"]
    for store, command in (("unpacked-inside", [*enter, "mpirun", "-n", 2, *job]), ("unpacked-hybrid", ["mpirun", "-n", 2, "--bind-to", "none", "--oversubscribe", *enter, *job])):
        done = subprocess.run([*map(str, command), *question.words(f"/work/{store}.h5")], capture_output=True, text=True, timeout=300, env=environment,
                              cwd=image.folder, user=1000, group=1000, extra_groups=[])
        question.expect(done, store)
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--place", type=pathlib.Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--slow", action="store_true", help="nothing more here")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the engine is ended
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        place = options.place or folder / "engine"
        place.mkdir(exist_ok=True)
        try:
            docker = stack.enter_context(engine.Docker(place))
            if not docker.has(engine.BASE):
                docker.make_base()
        except engine.Unavailable as why:
            print(f"SKIPPED: {why}")
            sys.exit(77)
        began = time.monotonic()
        docker.build(SOURCE, REVISION, log=place / "build.log")
        print(f"build: {time.monotonic() - began:.0f} s", flush=True)
        image = Image(docker, folder)
        for check in (content, inside, unknown_user, no_shared_memory, by_ucx, hybrid, operator, operator_losses, array, stopping, unpacked):
            if options.only not in check.__name__:
                continue
            began = time.monotonic()
            skipped = check(image)
            print(f"{check.__name__}: " + (f"SKIPPED: {skipped}" if skipped else f"{time.monotonic() - began:.0f} s"), flush=True)


main()
