"""Every row of the catalogue has a test, or a reason why it has none."""

from tests.chaos import catalogue
from tests.chaos.catalogue import Results


def test_every_row_is_tested_or_listed() -> None:
    tested, listed = catalogue.tested(), set(catalogue.NOT_BUILT)
    assert tested | listed == set(catalogue.ROWS)
    assert not tested & listed, "a row that has a test now is not listed any more"


def test_a_limit_belongs_to_a_row_that_is_tested() -> None:
    assert catalogue.LIMITS.keys() <= catalogue.tested()


def test_the_rows_of_a_name() -> None:
    assert catalogue.rows_of("tests/chaos/test_x.py::test_f01_killed") == {1}
    assert catalogue.rows_of("test_f34_f35_throttled[f35-seconds]") == {35}
    assert catalogue.rows_of("test_f13_f14_killed[f13-short]") == {13}
    assert catalogue.rows_of("test_f13_f14_killed[short]") == {13, 14}
    assert catalogue.rows_of("test_damage_is_found") == set()


def test_the_report_has_a_line_for_each_row_and_a_total() -> None:
    results = Results()
    results.note("x.py::test_f01_a", "passed", 1.0)
    results.note("x.py::test_f01_b", "failed", 2.0)
    results.note("x.py::test_f14_c[long]", "passed", 4.0)
    *lines, total = results.lines()
    assert len(lines) == 64
    assert lines[0] == "F01      3.0 s    2 tests  failed"
    assert "passed (limit: " in lines[13]
    assert "not run" in lines[1]
    assert total.startswith("64 rows: 1 failed,")
    assert total.endswith("1 passed; 7 s")
