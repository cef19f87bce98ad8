"""Import of a list: which rows are refused and why, all at once, and that nothing else than a list is read."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindwatch.custodian.entries import COLUMNS, age_on
from blindwatch.custodian.importing import FROM_FOLDER, LIST, read_folder, read_list
from blindwatch.errors import EmptyWatchlist, InvalidList, PolicyViolation, TooLarge
from blindwatch.policy.profile import profile, profiles
from blindwatch.statements.package import Priority
from blindwatch.wire import limits

from ..people import CREATOR
from .lists import all_faults, entries, faults, row, rules, write_list, write_rows
from .photographs import small, write

CHILD = "2010-11-26"  # sixteen, for another day
NEARLY = "2008-11-26"
ADULT = "2008-11-25"


def test_a_row_as_it_is_read(tmp_path: Path) -> None:
    folder = write_list(tmp_path, row(), row(2, known_relative="A brother, one year older", priority="AMBER"))
    first, second = entries(folder)
    assert (first.row, first.name, first.nominal_ref) == ("2", "Quillon Zephyrine 1", "NR/0001/26")
    assert first.priority is Priority.RED
    assert first.image == folder / "1.png"
    assert first.filled_in == ()
    assert second.priority is Priority.AMBER
    assert second.known_relative == "A brother, one year older"


# K1: closed categories


@pytest.mark.parametrize("name", ["uk-met", "uk-swp", "eu-rt-rbi", "rfr", "oifr", "demo"])
def test_a_category_that_the_profile_does_not_have(tmp_path: Path, name: str) -> None:
    folder = write_list(tmp_path, row(category="intelligence"))
    (fault,) = [each for each in all_faults(folder, rules(name)) if each.field == "category"]
    assert all(each.name in fault.remedy for each in profile(name).categories)
    assert InvalidList.problem.status == 422


def test_every_category_of_every_profile(tmp_path: Path) -> None:
    agreed = {"second_approver": "d.silva", "second_reason": "A child at risk"}
    for name in profiles():
        for number, category in enumerate(profile(name).categories):
            folder = write_list(tmp_path / name / str(number), row(category=category.name, **agreed))
            assert faults(folder, rules(name)) == []


# K2: what must be said of every entry


@pytest.mark.parametrize("name", profiles())
def test_a_field_that_the_profile_requires(tmp_path: Path, name: str) -> None:
    required = {"image", "name", "category", *profile(name).entry_fields}
    whole = row(category=profile(name).categories[-1].name, second_approver="b.osei", second_reason="Needed")
    for field in required:
        for empty in ("", "   "):
            folder = write_rows(tmp_path / f"{field}{len(empty)}", whole | {field: empty})
            write(folder / "1.png", small(0))
            assert ("2", field) in faults(folder, rules(name))


def test_provenance_is_required_by_the_profiles_for_live_use() -> None:
    asked = {"nominal_ref", "source_system", "source_ref", "legal_basis", "image_date", "justification"}
    for name in ("uk-met", "uk-swp", "eu-rt-rbi"):
        assert asked <= set(profile(name).entry_fields)


def test_what_is_not_required_is_filled_in_and_marked(tmp_path: Path) -> None:
    folder = write_list(tmp_path, row(category="test-subject", nominal_ref="", priority=""))
    (entry,) = entries(folder, rules("demo"))
    assert (entry.nominal_ref, entry.priority) == (entry.name, Priority.GREEN)
    assert entry.filled_in == ("nominal_ref", "priority")


# K6: children and other sensitive entries


@pytest.mark.parametrize(
    "changes",
    [
        {"date_of_birth": CHILD},
        {"date_of_birth": NEARLY},
        {"sensitive": "yes"},
        {"category": "at-risk"},
    ],
)
def test_sensitive_entries_need_another_person_and_a_reason(tmp_path: Path, changes: dict[str, str]) -> None:
    def found(**more: str) -> list[tuple[str, str]]:
        return faults(write_list(tmp_path, row(**{**changes, **more})))

    agreed = {"second_approver": "b.osei", "second_reason": "At risk of harm"}
    assert found() == [("2", "second_approver"), ("2", "second_reason")]
    assert found(second_approver="b.osei") == [("2", "second_reason")]
    assert found(second_reason="At risk of harm") == [("2", "second_approver")]
    assert found(**agreed) == []
    for nobody in (CREATOR, "e.novak", "o.ngo", "server-1", "n.obody"):
        assert found(**agreed | {"second_approver": nobody}) == [("2", "second_approver")]


def test_adults_need_nobody(tmp_path: Path) -> None:
    assert faults(write_list(tmp_path, row(date_of_birth=ADULT))) == []


def test_the_age_of_adults_is_the_profiles(tmp_path: Path) -> None:
    older = replace(rules(), profile=rules().profile.model_copy(update={"adult_age": 21}))
    assert faults(write_list(tmp_path, row(date_of_birth=ADULT)), older) != []


@given(st.dates(), st.integers(0, 120))
def test_an_age_grows_on_the_birthday(born: date, years: int) -> None:
    try:
        birthday = born.replace(year=born.year + years)
    except ValueError:
        return  # 29 February, or beyond the calendar
    assert age_on(born, birthday) == years
    if birthday.toordinal() > 1:
        assert age_on(born, birthday.fromordinal(birthday.toordinal() - 1)) == years - 1


# K7: the cap


def test_a_list_over_the_cap(tmp_path: Path) -> None:
    capped = replace(rules(), profile=rules().profile.model_copy(update={"list_cap": 2}))
    assert faults(write_list(tmp_path / "2", row(1), row(2)), capped) == []
    assert faults(write_list(tmp_path / "3", row(1), row(2), row(3)), capped) == [("all", "-")]


# Single cells, each wrong in an otherwise good row


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("priority", "purple"),
        ("sensitive", ""),
        ("sensitive", "perhaps"),
        ("image_date", "06.05.2024"),
        ("image_date", "20240506"),
        ("image_date", "2024-W19-1"),
        ("image_date", "2024-02-30"),
        ("image_date", "2026-11-26"),
        ("image_date", "\u0662\u0660\u0662\u0664-05-06"),
        ("date_of_birth", "2026-11-26"),
        ("date_of_birth", "1850-01-01"),
        ("justification", "x" * (limits.LIST_CELL + 1)),
        ("instruction", "x" * 501),
        ("known_relative", "x" * 501),
        ("instruction", "Stop\nand speak"),
        ("name", "\0"),
        ("justification", "\x1b[31mred"),
        ("image", ""),
        ("image", "."),
        ("image", ".."),
        ("image", "nobody.png"),
        ("image", "watchlist.csv"),
        ("image", "folder.png"),
        ("image", "x" * 400 + ".png"),
        ("image", "1.png\0.png"),
    ],
)
def test_a_cell_that_cannot_be(tmp_path: Path, field: str, value: str) -> None:
    (tmp_path / "folder.png").mkdir()
    write(tmp_path / "1.png", small(0))
    assert ("2", field) in faults(write_rows(tmp_path, row(**{field: value})))


def test_a_photograph_older_than_the_person(tmp_path: Path) -> None:
    assert faults(write_list(tmp_path, row(date_of_birth="2001-01-01", image_date="2000-12-31"))) == [
        ("2", "image_date")
    ]


@pytest.mark.parametrize(
    "how", ["{outside}", "../outside.png", "inner/../../outside.png", "link.png", "linked/outside.png"]
)
def test_a_photograph_outside_the_folder(tmp_path: Path, how: str) -> None:
    outside = write(tmp_path / "outside.png", small(0))
    folder = tmp_path / "list"
    (folder / "inner").mkdir(parents=True)
    (folder / "link.png").symlink_to(outside)
    (folder / "linked").symlink_to(tmp_path)
    (fault,) = all_faults(write_rows(folder, row(image=how.format(outside=outside))))
    assert "out of the folder" in fault.wrong


def test_links_in_a_circle_and_pipes_are_no_photographs(tmp_path: Path) -> None:
    (tmp_path / "circle.png").symlink_to(tmp_path / "circle.png")
    os.mkfifo(tmp_path / "pipe.png")
    found = faults(write_rows(tmp_path, row(1, image="circle.png"), row(2, image="pipe.png")))
    assert found == [("2", "image"), ("3", "image")]


# Names in what the operator reads


@pytest.mark.parametrize("field", ["instruction", "known_relative"])
@pytest.mark.parametrize(
    "note",
    ["Quillon Zephyrine 2", "brother of QUILLON  zephyrine 2!", "see NR/0002/26", "(nr/0002/26)"],
)
def test_a_note_that_says_who_it_is(tmp_path: Path, field: str, note: str) -> None:
    folder = write_list(tmp_path, row(1, **{field: note}), row(2))
    assert faults(folder) == [("2", field)]


def test_a_note_with_a_part_of_a_word_of_a_name(tmp_path: Path) -> None:
    assert faults(write_list(tmp_path, row(name="Art", instruction="Start with the article"))) == []


# The whole


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    folder = write_list(
        tmp_path,
        row(1, category="intelligence", legal_basis=""),
        row(2),
        row(3, priority="blue", instruction="Ask Quillon Zephyrine 1"),
        row(4, nominal_ref="NR/0002/26"),
    )
    with (folder / LIST).open("a") as file:
        file.write("too,few,cells\n")
    assert faults(folder) == [
        ("2", "legal_basis"),
        ("2", "category"),
        ("4", "priority"),
        ("6", "-"),
        ("5", "name"),
        ("4", "instruction"),
    ]
    for fault in all_faults(folder):
        assert fault.wrong.endswith(".")
        assert fault.remedy.endswith(".")


def test_faults_repeat_nothing_of_what_was_read(tmp_path: Path) -> None:
    said = "Xanthippe Quux"
    folder = write_rows(tmp_path, dict.fromkeys(COLUMNS, said))
    assert said not in " ".join(each.wrong + each.remedy for each in all_faults(folder))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "columns"),
        (b"name,image\n", "columns"),
        (",".join((*COLUMNS, "height")).encode(), "columns"),
        (",".join((*COLUMNS[:-1], COLUMNS[0])).encode(), "columns"),
        (",".join(COLUMNS).upper().encode(), "columns"),
        (";".join(COLUMNS).encode(), "columns"),
        (",".join(COLUMNS).encode("utf-16"), "UTF-8"),
        (",".join(COLUMNS).encode() + b"\n\xff", "UTF-8"),
        (",".join(COLUMNS).encode() + b'\n"never closed', "quotes"),
        (",".join(COLUMNS).encode() + b'\n"a"b', "quotes"),
        (",".join(COLUMNS).encode() + b'\n"' + b"x" * 200_000 + b'"', "quotes"),
    ],
)
def test_a_file_that_is_no_list(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / LIST).write_bytes(data)
    with pytest.raises(InvalidList) as refused:
        read_list(tmp_path, rules())
    assert said in refused.value.detail + refused.value.hint


def test_columns_in_another_order(tmp_path: Path) -> None:
    write(tmp_path / "1.png", small(0))
    values = row()
    turned = COLUMNS[::-1]
    (tmp_path / LIST).write_text(
        ",".join(turned) + "\r\n" + ",".join(f'"{values[name]}"' for name in turned) + "\r\n\r\n"
    )
    (entry,) = entries(tmp_path)
    assert entry.name == values["name"]


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_list(tmp_path, row(1), row(2))
    monkeypatch.setattr(limits, "LIST_ROWS", 1)
    with pytest.raises(TooLarge):
        entries(folder)
    monkeypatch.setattr(limits, "LIST", (folder / LIST).stat().st_size - 1)
    with pytest.raises(TooLarge):
        entries(folder)


def test_a_list_of_nobody(tmp_path: Path) -> None:
    with pytest.raises(EmptyWatchlist):
        entries(write_rows(tmp_path))


TEXT = st.text(max_size=40)
ROWS = st.lists(
    st.lists(TEXT | st.sampled_from(["1.png", "yes", "no", "red", "2020-01-01"]), max_size=20), max_size=6
)


@given(
    st.binary(max_size=300)
    | ROWS.map(lambda lines: "\n".join(",".join(line) for line in lines).encode("utf-8", "replace"))
)
def test_whatever_a_file_holds_it_is_refused_as_a_list(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.mktemp("list")
    for start in (b"", ",".join(COLUMNS).encode() + b"\n"):
        (folder / LIST).write_bytes(start + data)
        with pytest.raises((InvalidList, EmptyWatchlist)):
            read_list(folder, rules())


# Plain folders


def test_a_plain_folder_is_for_demonstrations_alone(tmp_path: Path) -> None:
    write(tmp_path / "Anna" / "1.png", small(0))
    for name in profiles():
        if name == "demo":
            (entry,) = read_folder(tmp_path, rules(name))
            assert (entry.name, entry.nominal_ref, entry.quality_override) == ("Anna", "Anna", FROM_FOLDER)
            assert {"category", "priority", "nominal_ref", "quality_override"} <= set(entry.filled_in)
        else:
            with pytest.raises(PolicyViolation):
                read_folder(tmp_path, rules(name))


def test_a_folder_whose_name_would_write_on_the_terminal(tmp_path: Path) -> None:
    write(tmp_path / "\x1b[31mred" / "1.png", small(0))
    with pytest.raises(InvalidList) as refused:
        read_folder(tmp_path, rules("demo"))
    assert {each.row for each in refused.value.faults} == {"?[31mred"}
    assert ("?[31mred", "name") in [(each.row, each.field) for each in refused.value.faults]


def test_rows_without_a_reference_are_not_taken_for_one_person(tmp_path: Path) -> None:
    folder = write_list(tmp_path, row(1, nominal_ref=""), row(2, nominal_ref=""))
    assert faults(folder) == [("2", "nominal_ref"), ("3", "nominal_ref")]
