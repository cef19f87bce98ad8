"""Forms with a photograph: every byte arrives, and what is not such a form is refused."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindwatch.console.ranked.uploads import Body, read
from blindwatch.errors import MalformedMessage

BYTES = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"--", b"\x00", b"\xff", b"\x1a", b"a"]), max_size=40
)


def sent(fields: dict[str, str], photograph: bytes) -> Body:
    """What httpx makes of a form, as browsers do."""
    files = {"photograph": ("a \u00e9 name.jpg", photograph, "image/jpeg")}
    request = httpx.Request("POST", "http://x.test/", data=fields, files=files)
    return Body(request.headers["content-type"], request.read())


@given(st.one_of(BYTES.map(b"".join), st.binary(max_size=3000)), st.text(max_size=40))
def test_every_byte_arrives(photograph: bytes, reason: str) -> None:
    fields = {"csrf": "token", "reason": reason}
    upload = read(sent(fields, photograph))
    assert upload.photograph == photograph
    assert upload.fields == fields


@pytest.mark.parametrize(
    "body",
    [
        Body("", b""),
        Body("application/x-www-form-urlencoded", b"photograph=x"),
        Body("multipart/form-data; boundary=b", b""),
        Body("multipart/form-data; boundary=b", b"--b--\r\n"),
        Body("multipart/form-data; boundary=b", b"--b\r\n\r\nwithout a name\r\n--b--\r\n"),
        Body(
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\ncut short',
        ),
        Body(
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 2 + b"--b--\r\n",
        ),
        Body(
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--b--\r\n',
        ),
        Body(
            "multipart/form-data; boundary=b",
            b"".join(
                b'--b\r\nContent-Disposition: form-data; name="%d"\r\n\r\n1\r\n' % each for each in range(9)
            )
            + b"--b--\r\n",
        ),
    ],
    ids=["nothing", "another kind", "empty", "no parts", "no name", "cut", "twice", "not text", "too many"],
)
def test_what_is_not_such_a_form_is_refused(body: Body) -> None:
    with pytest.raises(MalformedMessage):
        read(body)
