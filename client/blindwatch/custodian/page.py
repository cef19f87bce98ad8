"""The quality report as one HTML page. It holds photographs and names, so it is for the custodian's machine alone."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable
from html import escape
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import cv2

from blindwatch.custodian.viewing import View, Viewing
from blindwatch.errors import ConfigurationError, Fault
from blindwatch.vision.image import Image

_SHOWN_PAIRS: Final = 200
_HEAD: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>Quality of a list</title><style>
body{font:16px/1.4 system-ui,sans-serif;margin:2rem;color:#222;background:#fff}
table{border-collapse:collapse}td,th{padding:.3rem .6rem;border-bottom:1px solid #ccc;text-align:left}
img{width:64px;height:64px}.warning{border:2px solid #a00;padding:.6rem}
</style></head><body><h1>Quality of a list</h1>
<p class="warning"><strong>This page holds photographs and names of people.</strong> It is for the custodian alone:
do not send it to anybody, and delete it once the list is built.</p>
<table><thead><tr><th>Row</th><th>Face</th><th>Name</th><th>Eyes (px)</th><th>Sharpness</th><th>Turned</th>
<th>Brightness</th><th>Contrast</th><th>Shortcomings</th><th>Override</th></tr></thead><tbody>
"""


class QualityPage:
    """A page that grows with every photograph, so that thumbnails do not stay in memory."""

    def __init__(self, path: Path) -> None:
        try:
            self._file: IO[str] = os.fdopen(
                os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
            )
        except OSError as error:
            raise ConfigurationError(f"The report cannot be written ({error.strerror}).") from None
        self._file.write(_HEAD)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, view: View, crop: Image) -> None:
        """A row for a photograph that has a face."""
        quality, entry = view.quality, view.entry
        jpeg = base64.b64encode(cv2.imencode(".jpg", crop)[1].tobytes()).decode()
        measures = (
            f"{quality.eyes:.0f}",
            f"{quality.sharpness:.2f}",
            f"{quality.asymmetry:.2f}",
            f"{quality.brightness:.0f}",
            f"{quality.contrast:.0f}",
        )
        texts = (entry.name, *measures, " ".join(quality.shortcomings()), entry.quality_override or "")
        self._file.write(
            f'<tr><td>{escape(entry.row)}</td><td><img alt="" src="data:image/jpeg;base64,{jpeg}"></td>'
            + "".join(f"<td>{escape(text)}</td>" for text in texts)
            + "</tr>\n"
        )

    def finish(self, viewing: Viewing) -> None:
        """What was found once all photographs were seen."""
        self._file.write("</tbody></table><h2>Faults</h2>")
        self._table(("Row", "Field", "What is wrong", "What to do"), map(_cells, viewing.faults))
        self._file.write(f"<h2>People who are alike: {viewing.likeness.count} pairs</h2>")
        pairs = [
            (*(f"{each.row}: {each.name}" for each in viewing.entries_of(pair)), f"{pair.similarity:.3f}")
            for pair in viewing.likeness.pairs[:_SHOWN_PAIRS]
        ]
        self._table(("One", "Another", "Similarity"), pairs)
        self._file.write("</body></html>\n")

    def _table(self, header: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
        self._file.write("<table><tr>" + "".join(f"<th>{text}</th>" for text in header) + "</tr>\n")
        for row in rows:
            self._file.write("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>\n")
        self._file.write("</table>")


def _cells(fault: Fault) -> tuple[str, ...]:
    return fault.row, fault.field, fault.wrong, fault.remedy
