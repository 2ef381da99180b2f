"""``pushjobs.admin``: jobs are looked at and cancelled; they go only with their owner."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from pushjobs import submit
from pushjobs.models import Job
from tests.unit.conftest import Postbox
from tests.unit.jobs import fresh
from tests.unit.recorder import Recorder

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def job(postbox: Postbox, recorder: Recorder) -> Job:
    return submit("test.echo", value=1)


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root"))
    return client


def test_jobs_are_listed_and_shown(admin: Client, job: Job) -> None:
    listed = admin.get(reverse("admin:pushjobs_job_changelist"), {"q": "test.echo"})
    assert str(job.id) in listed.content.decode()
    shown = admin.get(reverse("admin:pushjobs_job_change", args=[job.id]))
    assert shown.status_code == 200


def test_jobs_are_cancelled_and_those_that_are_over_are_left_alone(admin: Client, job: Job) -> None:
    url = reverse("admin:pushjobs_job_changelist")
    for _ in range(2):
        admin.post(url, {"action": "cancel", "_selected_action": [str(job.id)]})
    assert fresh(job).status == "cancelled"


def test_jobs_are_neither_added_nor_changed_nor_deleted(admin: Client, job: Job) -> None:
    for name, args in (("add", []), ("delete", [job.id])):
        url = reverse(f"admin:pushjobs_job_{name}", args=args)
        assert admin.post(url, {"post": "yes"}).status_code == 403
    assert fresh(job).status == "queued"


@pytest.mark.parametrize("selected", [False, True])
def test_a_user_is_deleted_with_their_jobs(
    admin: Client, postbox: Postbox, recorder: Recorder, selected: bool
) -> None:
    user = get_user_model().objects.create(username="ada")
    submit("test.echo", value=1, owner=user)
    if selected:
        form = {"action": "delete_selected", "_selected_action": [str(user.pk)], "post": "yes"}
        admin.post(reverse("admin:auth_user_changelist"), form)
    else:
        admin.post(reverse("admin:auth_user_delete", args=[user.pk]), {"post": "yes"})
    assert not get_user_model().objects.filter(pk=user.pk).exists()
    assert not Job.objects.exists()


def test_who_may_not_delete_jobs_deletes_no_user_who_has_some(
    postbox: Postbox, recorder: Recorder
) -> None:
    user = get_user_model().objects.create(username="ada")
    submit("test.echo", value=1, owner=user)
    staff = get_user_model().objects.create_user("staff", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "delete_user"]))
    client = Client()
    client.force_login(staff)
    client.post(reverse("admin:auth_user_delete", args=[user.pk]), {"post": "yes"})
    assert get_user_model().objects.filter(pk=user.pk).exists()
