"""What a visitor of the page fills in. Its script sends the same to ``POST /jobs`` itself."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from project.demo import jobs, samples
from pushjobs.conf import settings

TEXT = (
    "A job that takes its time should not keep anyone waiting. The server says at once that it has "
    "accepted the work, and goes on to do it behind the scenes. Meanwhile every step is told to "
    "whoever listens: over a socket, over a stream, or in answer to a question. When a connection "
    "breaks, its client comes back with a cursor, and hears what it missed."
)


class StartForm(forms.Form):
    """A form that starts a job; ``handler`` is what runs it."""

    handler: ClassVar[Any]
    use_required_attribute = False  # The page's own markup says what is required.

    def arguments(self) -> dict[str, Any]:
        """The handler's arguments, once the form is valid."""
        return dict(self.cleaned_data)


class FileForm(StartForm):
    """One file: the visitor's own, or the sample, by the button that sent the form."""

    parameter: ClassVar[str]
    sample: ClassVar[str]
    use_sample = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        own = self.cleaned_data.get(self.parameter)
        if own is None and not self.cleaned_data["use_sample"]:
            self.add_error(self.parameter, "Choose a file, or take the sample.")
        elif own is not None and own.size > settings.MAX_UPLOAD:
            self.add_error(self.parameter, f"At most {settings.MAX_UPLOAD:,} bytes are possible.")
        return self.cleaned_data

    def arguments(self) -> dict[str, Any]:
        if self.cleaned_data["use_sample"]:
            return {self.parameter: samples.sample(self.sample)}
        return {self.parameter: self.cleaned_data[self.parameter]}


class TableForm(FileForm):
    """A CSV file to profile."""

    handler = jobs.profile_csv
    parameter, sample = "table", samples.TABLE
    table = forms.FileField(required=False, allow_empty_file=True)


class VideoForm(FileForm):
    """A video to compress."""

    handler = jobs.compress_video
    parameter, sample = "video", samples.VIDEO
    video = forms.FileField(required=False, allow_empty_file=True)


class TextForm(StartForm):
    """A text to narrate, so many seconds from word to word."""

    handler = jobs.narrate
    text = forms.CharField(max_length=20_000, strip=False, initial=TEXT)
    delay = forms.FloatField(min_value=0, max_value=5, initial=0.2)


#: By the name that each has in its URL.
FORMS: dict[str, type[StartForm]] = {"table": TableForm, "video": VideoForm, "text": TextForm}
