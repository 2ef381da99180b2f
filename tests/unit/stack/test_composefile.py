"""What is read from a Compose file."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from project.stack.composefile import ComposeFileError, Service, read


def services(folder: Path, text: str, *profiles: str, **variables: str) -> dict[str, Service]:
    path = folder / "compose.yml"
    path.write_text(dedent(text))
    return read(path, variables, profiles)


def test_a_service_is_what_the_file_says_with_its_anchors_and_variables(tmp_path: Path) -> None:
    found = services(
        tmp_path,
        """
        x-common: &common
          environment: &environment {PLACE: "${PLACE:-here}", NUMBER: 5}
          stop_grace_period: 1m5s
        services:
          one:
            <<: *common
            command: run --to ${PLACE:-here} --note "two words" ""
            stop_signal: SIGINT
          two:
            command: [run, "$$x", 7]
        """,
        PLACE="there",
    )
    assert found["one"] == Service(
        name="one",
        command=("run", "--to", "there", "--note", "two words", ""),
        environment={"PLACE": "there", "NUMBER": "5"},
        after=(),
        one_shot=False,
        stop_signal="SIGINT",
        stop_grace=65.0,
    )
    assert found["two"].command == ("run", "$x", "7")
    assert (found["two"].stop_signal, found["two"].stop_grace) == ("SIGTERM", 10.0)


LINKED = """
services:
  last: {command: x, depends_on: {first: {condition: service_completed_successfully}}}
  first: {command: x, depends_on: {extra: {condition: service_healthy, required: false}}}
  extra: {command: x, profiles: [more]}
  late: {command: x, depends_on: [last]}
"""


def test_each_service_comes_after_those_that_it_depends_on(tmp_path: Path) -> None:
    found = services(tmp_path, LINKED, "more")
    assert list(found) == ["extra", "first", "last", "late"]
    assert found["first"].after == ("extra",)
    assert [name for name, service in found.items() if service.one_shot] == ["first"]


def test_a_service_of_another_profile_is_left_out(tmp_path: Path) -> None:
    found = services(tmp_path, LINKED)
    assert list(found) == ["first", "last", "late"]
    assert found["first"].after == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("services: {one: {image: x}}", "one has no command"),
        ("services: {one: {command: x, environment: [A=b]}}", "environment"),
        (
            "services: {one: {command: x, depends_on: {two: {condition: service_healthy}}}}",
            "one depends on two, which is not there",
        ),
        (
            """
            services:
              one: {command: x, depends_on: {two: {condition: service_healthy}}}
              two: {command: x, depends_on: {one: {condition: service_healthy}}}
            """,
            "these services wait for each other: one, two",
        ),
        ("services: {one: {command: x, stop_grace_period: soon}}", "'soon' is no duration"),
        ("services: {one: {command: '${X:?must be set}'}}", "X is missing: must be set"),
        ("services: [", "compose.yml"),
        ("{}", "compose.yml"),
        ("5", "compose.yml"),
    ],
)
def test_a_file_that_cannot_be_followed_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ComposeFileError) as raised:
        services(tmp_path, text)
    assert reason in str(raised.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ComposeFileError, match=r"none\.yml"):
        read(tmp_path / "none.yml", {})
