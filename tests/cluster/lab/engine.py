"""A Docker of the tests' own: its daemon, a base image out of this machine's package source, the image, and containers as a pod wants them."""
import os
import pathlib
import shutil
import subprocess
import time

# No bridge and no rules: nothing of the machine's network is touched. Builds use the machine's, containers none or one of their own.
DAEMON = ["--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"]
NO_FORWARDING = "WARNING: IPv4 forwarding is disabled. Networking will not work."  # the client's; a network between containers needs none
BASE, IMAGE = "explaind-test-base", "explaind-test"
BUILD_DEADLINE = 5400


class Unavailable(Exception):
    """Why there are no containers here."""


def package_sources(release):
    """[(address, suite, component)] of this release, as this machine's apt has them."""
    shown = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"], capture_output=True, text=True,
                           check=True).stdout
    return [tuple(line.split()) for line in sorted(set(shown.splitlines())) if line.split()[1].startswith(release)]


class Docker:
    def __init__(self, place):
        self.place = place
        self.socket = f"unix://{place}/sock"
        # The client that came with the daemon: others on PATH may not be able to build.
        self.client = "/usr/bin/docker" if pathlib.Path("/usr/bin/docker").exists() else shutil.which("docker")
        self.environment = dict(os.environ, DOCKER_HOST=self.socket, DOCKER_BUILDKIT="1")

    def __enter__(self):
        programs = {name: shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin") for name in ("dockerd", "debootstrap")}
        for name, found in programs.items():
            if found is None:
                raise Unavailable(f"there is no {name} here: launch/setup.sh --cluster installs it")
        if os.geteuid() != 0:
            raise Unavailable("only root may start a daemon of containers")
        self.log = open(self.place / "dockerd.log", "w", encoding="utf-8")
        self.daemon = subprocess.Popen([programs["dockerd"], *DAEMON, f"--data-root={self.place}/data", f"--exec-root={self.place}/exec",
                                        f"--pidfile={self.place}/pid", "-H", self.socket], stdout=self.log, stderr=self.log)
        for _ in range(150):
            if self.daemon.poll() is not None:
                break
            if subprocess.run([self.client, "info"], capture_output=True, env=self.environment, timeout=60).returncode == 0:
                (self.place / "sock").chmod(0o666)  # for mpirun of another user
                self.remove_containers()  # of a run that was killed
                return self
            time.sleep(.2)
        self.__exit__()
        raise Unavailable("dockerd does not start: " + (self.place / "dockerd.log").read_text(encoding="utf-8")[-600:])

    def __exit__(self, *_):
        if self.daemon.poll() is None:
            self.remove_containers()
        self.daemon.terminate()
        self.daemon.wait(60)
        self.log.close()

    def remove_containers(self):
        left = self.ask("ps", "--all", "--quiet").split()
        if left:
            self.ask("rm", "--force", "--volumes", *left)
        self.ask("network", "prune", "--force")  # bridges of this machine

    def ask(self, *words, timeout=120, check=True, **options):
        """What the client prints."""
        done = subprocess.run([self.client, *map(str, words)], capture_output=True, text=True, env=self.environment, timeout=timeout, **options)
        if check and done.returncode:
            raise AssertionError(f"docker {' '.join(map(str, words))}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def has(self, image):
        return self.ask("images", "--quiet", image) != ""

    def make_base(self):
        """What a minimal image of the distribution is, without documentation, as `debian:12-slim` is."""
        release = subprocess.run(["bash", "-c", ". /etc/os-release; echo $VERSION_CODENAME"], capture_output=True, text=True, check=True).stdout.strip()
        sources = package_sources(release)
        tree = self.place / "base"
        main = next(source for source in sources if source[1] == release)
        done = subprocess.run(["debootstrap", "--variant=minbase", release, tree, main[0]], capture_output=True, text=True, timeout=1200)
        if done.returncode:
            raise Unavailable(f"debootstrap: {done.stdout[-600:]}{done.stderr}")
        (tree / "etc/apt/sources.list").write_text("".join(f"deb {' '.join(source)}\n" for source in sources), encoding="utf-8")
        for path in (tree / "usr/share/doc").rglob("*"):
            if path.name != "copyright" and (path.is_symlink() or path.is_file()):
                path.unlink()
        left_out = ["var/cache/apt/*", "var/lib/apt/lists/*", "usr/share/man/*", "usr/share/locale/*", "usr/share/info/*", "dev/*", "proc/*", "sys/*"]
        archive = subprocess.Popen(["tar", "-C", tree, *[f"--exclude=./{path}" for path in left_out], "-c", "."], stdout=subprocess.PIPE)
        self.ask("import", "-", BASE, stdin=archive.stdout, timeout=300)
        assert archive.wait() == 0
        shutil.rmtree(tree)

    def build(self, source, revision, *options, log):
        command = [self.client, "build", "--progress=plain", "--network=host", f"--build-arg=BASE={BASE}", f"--build-arg=REVISION={revision}", "--tag", IMAGE]
        certificates = os.environ.get("PIP_CERT") or os.environ.get("REQUESTS_CA_BUNDLE")
        if certificates:  # a proxy's own
            command.append(f"--secret=id=certificates,src={certificates}")
        with open(log, "w", encoding="utf-8") as out:
            done = subprocess.run([*command, *options, "-f", f"{source}/docker/Dockerfile", source], stdout=out, stderr=out, env=self.environment, timeout=BUILD_DEADLINE)
        assert done.returncode == 0, pathlib.Path(log).read_text(encoding="utf-8")[-4000:]

    def run(self, *words, options=(), image=IMAGE, timeout=300, **more):
        """A container without a network to its end; the finished process with its text."""
        return subprocess.run([self.client, "run", "--rm", "--network=none", *map(str, options), image, *map(str, words)], capture_output=True, text=True, env=self.environment,
                              timeout=timeout, **more)


def as_pod_wants(pod, container, folders, environment=()):
    """Options of `docker run` for a container of a pod. `folders` maps names of its volumes to folders here."""
    user, rights = pod["securityContext"], container["securityContext"]
    options = ["--user", f"{user['runAsUser']}:{user['runAsGroup']}"]
    options += [f"--cap-drop={name}" for name in rights["capabilities"]["drop"]]
    options += ["--security-opt=no-new-privileges"] if not rights["allowPrivilegeEscalation"] else []
    options += ["--read-only"] if rights["readOnlyRootFilesystem"] else []
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    for mount in container["volumeMounts"]:
        volume = volumes[mount["name"]]
        if "emptyDir" in volume:
            assert volume["emptyDir"]["medium"] == "Memory" and mount["mountPath"] == "/dev/shm", volume
            options += ["--shm-size", volume["emptyDir"]["sizeLimit"].replace("i", "").lower()]
        else:
            options += ["--volume", f"{folders[mount['name']]}:{mount['mountPath']}" + (":ro" if mount.get("readOnly") else "")]
    limits = container["resources"]["limits"]
    options += ["--cpus", str(min(int(limits["cpu"]), os.cpu_count())), "--memory", limits["memory"].replace("i", "").lower()]
    for name, value in environment:
        options += ["--env", f"{name}={value}"]
    return options
