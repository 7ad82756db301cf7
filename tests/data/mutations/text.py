"""What happens to tables of text: rows, columns, values, stamps and encodings."""

import re
from collections.abc import Callable
from pathlib import Path

STAMP = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d|\d+/\d+/\d{4} \d+:\d\d")
NUMBER = re.compile(r"-?\d+(\.\d+)?")


class Table:
    """Lines of fields; `first` is the index of the first row of values."""

    def __init__(self, text: str, name: str):
        self.mark = "\ufeff" if text.startswith("\ufeff") else ""
        self.separator = {".txt": " ", ".tsv": "\t"}.get(name[-4:], ",")
        lines = text.removeprefix("\ufeff").splitlines()
        self.rows = [line.split(self.separator) for line in lines]
        self.first = 0 if name in ("los_adj.csv",) or name.endswith(".txt") else 1

    def __str__(self):
        lines = (self.separator.join(row) for row in self.rows)
        return self.mark + "\n".join(lines) + "\n"

    @property
    def middle(self) -> int:
        """A row of values that is neither the first nor the last."""
        return (self.first + len(self.rows)) // 2

    def column(self, matches: re.Pattern) -> int:
        """The last column whose first value matches; LookupError when there is none."""
        row = self.rows[self.first]
        return max(at for at, field in enumerate(row) if matches.fullmatch(field))


def delete_row(t: Table) -> None:
    del t.rows[t.middle]


def delete_last_row(t: Table) -> None:
    del t.rows[-1]


def delete_first_row(t: Table) -> None:
    del t.rows[t.first]


def duplicate_row(t: Table) -> None:
    t.rows.insert(t.middle, list(t.rows[t.middle]))


def swap_rows(t: Table) -> None:
    a, b = t.middle, t.middle - 1
    t.rows[a], t.rows[b] = t.rows[b], t.rows[a]


def header_again(t: Table) -> None:
    t.rows.insert(t.middle, list(t.rows[0 if t.first else -1]))


def no_header(t: Table) -> None:
    del t.rows[0]


def only_header(t: Table) -> None:
    del t.rows[max(t.first, 1) :]


def blank_line(t: Table) -> None:
    t.rows.insert(t.middle, [""])


def short_row(t: Table) -> None:
    t.rows[t.middle].pop()


def longer_row(t: Table) -> None:
    t.rows[t.middle].append("7")


def longer_rows(t: Table) -> None:
    for row in t.rows[t.first :]:
        row.append("7")


def trailing_commas(t: Table) -> None:
    for row in t.rows[t.first :]:
        row.append("")


def leading_index(t: Table) -> None:
    for at, row in enumerate(t.rows[t.first :]):
        row.insert(0, str(at))


def drop_first_column(t: Table) -> None:
    for row in t.rows:
        del row[0]


def drop_last_column(t: Table) -> None:
    for row in t.rows:
        row.pop()


def duplicate_column(t: Table) -> None:
    for row in t.rows:
        row.append(row[-1])


def reorder_columns(t: Table) -> None:
    for row in t.rows:
        row.reverse()


def swap_two_names(t: Table) -> None:
    row = t.rows[0]
    row[-1], row[-2] = row[-2], row[-1]


def same_name_twice(t: Table) -> None:
    t.rows[0][-2] = t.rows[0][-1]


def upper_case_names(t: Table) -> None:
    t.rows[0] = [name.swapcase() for name in t.rows[0]]


def spaced_names(t: Table) -> None:
    t.rows[0] = [f" {name} " for name in t.rows[0]]


def semicolons(t: Table) -> None:
    t.separator = ";"


def decimal_commas(t: Table) -> None:
    for row in t.rows[t.first :]:
        row[:] = [re.sub(r"(\d)\.(\d)", r"\1,\2", field) for field in row]


def quoted_decimal_commas(t: Table) -> None:
    for row in t.rows[t.first :]:
        row[:] = [re.sub(r"^(-?\d+)\.(\d+)$", r'"\1,\2"', field) for field in row]


def thousands(t: Table) -> None:
    at = t.column(NUMBER)
    t.rows[t.middle][at] = '"1,000"'


def open_quote(t: Table) -> None:
    t.rows[t.middle][-1] = '"' + t.rows[t.middle][-1]


def merge_conflict(t: Table) -> None:
    t.rows.insert(t.middle, ["<<<<<<< HEAD"])


def first_id_twice(t: Table) -> None:
    t.rows[t.first + 1][0] = t.rows[t.first][0]


def float_ids(t: Table) -> None:
    for row in t.rows[t.first :]:
        row[0] += ".0"


def huge_id(t: Table) -> None:
    t.rows[t.middle][0] = str(2**64 + 5)


CHANGES = [
    delete_row, delete_last_row, delete_first_row, duplicate_row, swap_rows,
    header_again, no_header, only_header, blank_line, short_row, longer_row, longer_rows,
    trailing_commas, leading_index, drop_first_column, drop_last_column, duplicate_column,
    reorder_columns, swap_two_names, same_name_twice, upper_case_names, spaced_names, semicolons,
    decimal_commas, quoted_decimal_commas, thousands, open_quote, merge_conflict,
    first_id_twice, float_ids, huge_id,
]  # fmt: skip


LINES = [  # those that suit a table of any kind
    delete_row, duplicate_row, header_again, no_header, only_header, blank_line, short_row,
    longer_row, drop_first_column, same_name_twice, upper_case_names, semicolons, open_quote,
    merge_conflict,
]  # fmt: skip
VALUES = {"nan": "nan", "minus": "-7.5", "huge": "1e39", "word": "abc"}


def in_column(kind: str, at: int) -> Callable[[Table], None]:
    """Puts one of VALUES into column `at` of the middle row."""

    def change(t: Table) -> None:
        t.rows[t.middle][at] = VALUES[kind]

    change.__name__ = f"{kind}_in_column_{at}"
    return change


def stamps(name: str, replace: Callable[[str], str], every: bool = True):
    """Rewrites the time stamps of every row, or of the middle one."""

    def change(t: Table) -> None:
        if not any(STAMP.match(field) for field in t.rows[t.first]):
            raise LookupError(name)
        for row in t.rows[t.first :] if every else [t.rows[t.middle]]:
            row[:] = [replace(field) if STAMP.match(field) else field for field in row]

    change.__name__ = f"stamps_{name}"
    return change


def day_first(stamp: str) -> str:
    """Day before month, as in Europe."""
    return re.sub(r"^(\d{4})-(\d\d)-(\d\d)", r"\3/\2/\1", stamp)


STAMPS = [
    stamps("with_offset", lambda stamp: stamp + "+02:00"),
    stamps("one_with_offset", lambda stamp: stamp + "-06:00", every=False),
    stamps("with_z", lambda stamp: stamp + "Z"),
    stamps("one_of_1999", lambda stamp: re.sub(r"\b20\d\d\b", "1999", stamp), every=False),
    stamps("one_of_2099", lambda stamp: re.sub(r"\b20\d\d\b", "2099", stamp), every=False),
    stamps("one_of_0001", lambda stamp: re.sub(r"\b20\d\d\b", "0001", stamp), every=False),
    stamps("day_first", day_first),
    stamps("one_day_first", day_first, every=False),
    stamps("one_zero", lambda stamp: "0", every=False),
    stamps("one_blank", lambda stamp: "", every=False),
    stamps("one_of_month_13", lambda stamp: re.sub("-0[12]-", "-13-", stamp), every=False),
    stamps("unix", lambda stamp: "1612137600"),
    stamps("only_dates", lambda stamp: re.split("[ T]", stamp)[0]),
]


def changes_of(path: Path) -> list[Callable[[Table], None]]:
    """All changes of a table, those of each of its columns included."""
    columns = len(Table(path.read_text(encoding="utf-8"), path.name).rows[1])
    values = [in_column(kind, at) for at in range(columns) for kind in VALUES]
    return [*CHANGES, *STAMPS, *values]


def applied(change: Callable[[Table], None]) -> Callable:
    """The change as one of a file."""

    def on_file(path: Path, rng) -> None:
        table = Table(path.read_text(encoding="utf-8"), path.name)
        before = str(table)
        change(table)
        if str(table) == before:
            raise LookupError(f"{change.__name__} changes nothing")
        path.write_text(str(table), encoding="utf-8")

    on_file.__name__ = change.__name__
    return on_file


def bom(path: Path, rng) -> None:
    text = path.read_text(encoding="utf-8")
    path.write_text(text.removeprefix("\ufeff") if text[0] == "\ufeff" else "\ufeff" + text)


def utf_16(path: Path, rng) -> None:
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-16")


def latin_1(path: Path, rng) -> None:
    lines = path.read_bytes().splitlines()
    path.write_bytes(
        b"\n".join([lines[0] + b",\xe6\xf8\xe5", *(x + b",\xe6" for x in lines[1:])])
    )


def lines_of_windows(path: Path, rng) -> None:
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


def lines_of_old_macs(path: Path, rng) -> None:
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r"))


def null_byte(path: Path, rng) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-20] + b"\0" + data[-20:])


def no_last_newline(path: Path, rng) -> None:
    path.write_bytes(path.read_bytes().rstrip(b"\n"))


ENCODINGS = [
    bom, utf_16, latin_1, lines_of_windows, lines_of_old_macs, null_byte, no_last_newline,
]  # fmt: skip
