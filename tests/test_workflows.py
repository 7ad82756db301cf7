"""The workflows of .github, by their public schema and by what this house promises of them."""

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".github" / "workflows"
# https://json.schemastore.org/github-workflow.json, as the package check-jsonschema brings it
VENDORED = files("check_jsonschema") / "builtin_schemas" / "vendor"
SCHEMA = VENDORED / "github-workflows.json"
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


def faults(found: dict) -> list[str]:
    """Where a workflow leaves the schema."""
    return [
        error.json_path
        for error in Draft7Validator(json.loads(SCHEMA.read_text())).iter_errors(found)
    ]


@each
def test_workflow_fits_the_public_schema(name):
    assert faults(workflow(name)) == []


@pytest.mark.parametrize(
    "path, value",
    [
        (("on",), {"pushes": None}),
        (("permissions", "page"), "write"),
        (("jobs", "build", "run-on"), "ubuntu-latest"),
        (("jobs", "build", "steps", 0, "using"), "actions/checkout@v4"),
        (("jobs", "build", "steps", 0, "run"), "make book"),
    ],
)
def test_what_github_does_not_know_is_found(path, value):
    """A misspelt key is refused by GitHub only after a push; a step either uses or runs."""
    found = workflow("book.yml")
    *parents, last = path
    place = found
    for key in parents:
        place = place[key]
    place[last] = value
    assert faults(found)


@each
def test_jobs_need_jobs_that_exist_and_actions_have_a_version(name):
    jobs = workflow(name)["jobs"]
    for key, job in jobs.items():
        needs = job.get("needs", [])
        assert ({needs} if isinstance(needs, str) else set(needs)) <= set(jobs) - {key}
    used = [step["uses"] for step in steps(name) if "uses" in step]
    assert all(re.fullmatch(r"[\w-]+/[\w.-]+@v\d+", action) for action in used)


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
