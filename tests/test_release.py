"""What is released says one version everywhere, and what was seen to work."""

import re
import runpy
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import yaml

import deepvanet

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CHECK = runpy.run_path(str(ROOT / "release" / "check.py"))


def read(name):
    return (ROOT / name).read_text()


def test_the_version_is_the_same_everywhere():
    cff = yaml.safe_load(read("CITATION.cff"))
    newest = re.findall(r"(?m)^## (\d\S*)(?: \((.*)\))?$", read("CHANGELOG.md"))[0]

    said = subprocess.run(
        [sys.executable, "-m", "deepvanet", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )

    installed = version("deepvanet")
    assert installed == PROJECT["version"], "run: make install"
    assert deepvanet.__version__ == installed
    assert said.stdout.split() == ["deepvanet", installed]
    assert newest == (cff["version"], str(cff["date-released"]))
    assert cff["version"] == installed
    assert 'version = "' not in read("src/deepvanet/__init__.py")


def test_the_changelog_has_a_place_for_what_comes():
    headings = re.findall(r"(?m)^## (.*)$", read("CHANGELOG.md"))

    assert headings[0] == "Unreleased"
    assert headings[1].startswith(PROJECT["version"])


def test_the_quickstart_names_each_extra_that_a_user_chooses():
    rows = set(re.findall(r"(?m)^\| `(\w+)` \| .* \|$", read("docs/quickstart.md")))

    assert PROJECT["optional-dependencies"].keys() - rows == {"dev", "docs"}


def test_every_extra_is_installed_and_tried_before_a_release():
    extras = PROJECT["optional-dependencies"].keys()

    assert CHECK["TRIES"].keys() - extras == {CHECK["BASE"]}
    assert extras - CHECK["TRIES"].keys() == {"dev"}


def test_the_pythons_of_the_classifiers_are_those_of_the_workflow():
    said = [
        text.rpartition(" ")[2]
        for text in PROJECT["classifiers"]
        if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", text)
    ]
    jobs = yaml.safe_load(read(".github/workflows/ci.yml"))["jobs"]

    tried = ["3.11", *jobs["versions"]["strategy"]["matrix"]["python"]]
    assert said == tried
    assert PROJECT["requires-python"] == f">={tried[0]}"


def test_a_release_is_refused_whose_tag_is_not_the_version():
    steps = yaml.safe_load(read(".github/workflows/release.yml"))["jobs"]["build"]
    command = next(
        step["run"] for step in steps["steps"] if "REF" in step.get("env", "")
    )

    def tag(ref):
        env = {"REF": ref, "PATH": "/usr/bin:/bin"}
        return subprocess.run(["sh", "-c", command], cwd=ROOT, env=env).returncode

    assert tag(f"v{PROJECT['version']}") == 0
    assert tag("v9.9.9") != 0
