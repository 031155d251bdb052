"""What the hosted workflows may do, and whose code they run."""

import re
from pathlib import Path

import pytest
import yaml

WORKFLOWS = sorted((Path(__file__).parents[1] / ".github/workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_names_its_permissions_and_runs_actions_of_one_commit(path):
    text = path.read_text()
    assert yaml.safe_load(text)["permissions"]
    actions = re.findall(r"uses: *(.*)", text)
    assert actions
    # A tag can be moved; what it was is said behind the commit.
    assert [action for action in actions if not re.fullmatch(r"\S+@[0-9a-f]{40} # v\d+", action)] == []


def test_who_tests_may_read_alone():
    assert yaml.safe_load(WORKFLOWS[-1].read_text())["permissions"] == {"contents": "read"}
