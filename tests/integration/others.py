"""Fixtures: tools that others wrote, to check ours with; found on this machine, or fetched into the build folder.

Nothing is installed and nothing demanded: what cannot be had is skipped, with its name and the reason.
"""
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest
from server import BUILD

HERE = pathlib.Path(__file__).resolve().parent
FETCHED = BUILD.resolve().parent / "others"
DEBIAN = pathlib.Path("/usr/share/gocode")  # where Debian's packages put Go's sources
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SECONDS = 120


def run(command, **how):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=SECONDS, check=True, **how).stdout


def fetched(name, fetch):
    """The folder of this name, filled by `fetch`. It appears whole or not at all: two runs may fetch it at once."""
    folder = FETCHED / name
    if folder.is_dir():
        return folder
    FETCHED.mkdir(parents=True, exist_ok=True)
    new = pathlib.Path(tempfile.mkdtemp(dir=FETCHED))
    try:
        fetch(new)
        new.rename(folder)
    except (OSError, subprocess.SubprocessError) as e:
        if not folder.is_dir():
            errors = [line for line in (getattr(e, "stdout", None) or "").splitlines() if line.lower().find("err") >= 0]
            pytest.skip(f"{name} cannot be fetched: {errors[0] if errors else e}")
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return folder


@pytest.fixture(scope="session")
def node():
    """Runs a script of node/ with the packages that its package-lock.json pins."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("nodejs and npm are not installed")

    def fetch(folder):
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / "node" / name, folder)
        run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"], cwd=folder)

    lock = hashlib.sha256((HERE / "node/package-lock.json").read_bytes()).hexdigest()
    modules = fetched(f"npm-packages-{lock[:12]}", fetch) / "node_modules"
    return lambda script, text: subprocess.run(
        ["node", HERE / "node" / script], input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        timeout=SECONDS, check=False, env=os.environ | {"NODE_PATH": str(modules)})


@pytest.fixture(scope="session")
def go(work):
    """Builds a program of go/ with Debian's packages alone, and those unpacked in other folders."""
    def build(source, needs, *more):
        paths = [*more, DEBIAN]
        if shutil.which("go") is None or not all(any((p / "src" / n).is_dir() for p in paths) for n in needs):
            pytest.skip(f"golang-go and the packages of {' '.join(needs)} are not installed")
        program = work / pathlib.Path(source).stem
        run(["go", "build", "-o", program, HERE / "go" / source], env=os.environ | {
            "GO111MODULE": "off", "GOPATH": ":".join(map(str, paths)), "GOFLAGS": "", "GOCACHE": str(work / "go-cache"),
            "CGO_ENABLED": "0"})
        return program

    return build


def debian():
    """Codename and address of the Debian that this machine installs from."""
    if shutil.which("apt-get") is None:
        pytest.skip("not a Debian: no apt-get")
    for line in run(["apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)", "Identifier: Packages",
                     "Origin: Debian", "Label: Debian", "Component: main"]).splitlines():
        codename, address = line.split(" ", 1)
        if "-" not in codename:
            return codename, address
    return pytest.skip("this machine's package lists name no Debian")


@pytest.fixture(scope="session")
def backport():
    """The files of a package of Debian's backports, unpacked in a folder, beside all that apt knows of."""
    def fetch_lists(folder):
        codename, address = debian()
        for part in ("lists/partial", "cache/archives/partial"):
            (folder / part).mkdir(parents=True)
        (folder / "sources.list").write_text(f"deb [signed-by={KEYRING}] {address} {codename}-backports main\n")

    def apt(folder, *command):
        own = {"Dir::Etc::sourcelist": folder / "sources.list", "Dir::Etc::sourceparts": "/dev/null",
               "Dir::State::lists": folder / "lists", "Dir::Cache": folder / "cache", "Acquire::Retries": 0,
               "Acquire::http::Timeout": 20, "APT::Sandbox::User": "root", "APT::Update::Error-Mode": "any"}
        return run(["apt-get", "-q", *(x for k, v in own.items() for x in ("-o", f"{k}={v}")), *command], cwd=folder)

    def get(package):
        def fetch(folder):
            fetch_lists(folder)
            apt(folder, "update")
            apt(folder, "download", package)
            found, = folder.glob("*.deb")
            run(["dpkg-deb", "-x", found, folder])

        return fetched(package, fetch)

    return get
