"""The workflows of .github, by the rules that GitHub's syntax has for what they use."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".github" / "workflows"
TOP = {"name", "on", "permissions", "env", "defaults", "concurrency", "jobs", "run-name"}
JOB = {"name", "needs", "permissions", "runs-on", "environment", "concurrency", "outputs", "env",
       "defaults", "if", "steps", "timeout-minutes", "strategy", "continue-on-error", "container",
       "services"}  # fmt: skip
STEP = {"name", "id", "if", "uses", "run", "with", "env", "shell", "working-directory",
        "timeout-minutes", "continue-on-error"}  # fmt: skip
EVENTS = {"push", "pull_request", "workflow_dispatch"}
SCOPES = {"contents", "pages", "id-token"}
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
each = pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.yml")))


class Loader(yaml.SafeLoader):
    """YAML as GitHub reads it: `on` is a word and not true, and no key stands twice."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key) for key, _ in node.value]
        assert len(set(keys)) == len(keys), keys
        return super().construct_mapping(node, deep)


Loader.yaml_implicit_resolvers = {
    letter: [pair for pair in pairs if letter not in "oOyYnN" or "bool" not in pair[0]]
    for letter, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def workflow(name: str) -> dict:
    return yaml.load((FOLDER / name).read_text(), Loader)


def steps(name: str) -> list[dict]:
    return [step for job in workflow(name)["jobs"].values() for step in job["steps"]]


@each
def test_top_level(name):
    found = workflow(name)
    assert {"on", "jobs"} <= set(found) <= TOP
    assert set(found["on"]) <= EVENTS
    for branches in filter(None, found["on"].values()):
        assert set(branches) <= {"branches", "tags", "paths"}
    assert set(found["permissions"]) <= SCOPES
    assert set(found["permissions"].values()) <= {"read", "write", "none"}


@each
def test_jobs(name):
    jobs = workflow(name)["jobs"]
    for key, job in jobs.items():
        assert NAME.fullmatch(key) and {"runs-on", "steps"} <= set(job) <= JOB
        needs = job.get("needs", [])
        assert ({needs} if isinstance(needs, str) else set(needs)) <= set(jobs) - {key}
        assert job["steps"] and isinstance(job["runs-on"], str)


@each
def test_steps_either_use_or_run(name):
    for step in steps(name):
        assert set(step) <= STEP and ("uses" in step) != ("run" in step)
        assert "with" not in step or "uses" in step
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w.-]+@v\d+", step["uses"])


@each
def test_make_targets_exist(name):
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for step in steps(name):
        for target in re.findall(r"\bmake (\w+)", step.get("run", "")):
            assert target in targets


def test_check_and_test_run_on_every_push_with_every_python():
    found = workflow("test.yml")
    assert "push" in found["on"] and not found["on"]["push"]
    said = " ".join(step.get("run", "") for step in steps("test.yml"))
    assert "make check" in said and "make test" in said
    wanted = re.search(r">=3\.(\d+),<3\.(\d+)", (ROOT / "pyproject.toml").read_text())
    minors = range(*map(int, wanted.groups()))
    matrix = found["jobs"]["test"]["strategy"]["matrix"]
    assert matrix["python"] == [f"3.{minor}" for minor in minors]


def test_pages_get_the_folder_that_make_book_fills():
    found = workflow("book.yml")
    upload = next(s for s in steps("book.yml") if "upload-pages-artifact" in s.get("uses", ""))
    assert upload["with"]["path"] == "book/_build/html"
    assert found["permissions"] == {"contents": "read", "pages": "write", "id-token": "write"}
    assert found["jobs"]["deploy"]["needs"] == "build"
    assert found["jobs"]["deploy"]["environment"]["name"] == "github-pages"
