"""`docs/replies.md` says what the tables say."""

from docs.write_replies import MARK, PAGE, tables


def test_the_tables_of_the_page_are_fresh() -> None:
    _, mark, written = PAGE.read_text("utf-8").partition(MARK)
    assert mark
    assert written == tables(), "stale: python -m docs.write_replies"


def test_every_page_that_a_table_links_to_is_there() -> None:
    linked = [part.partition(")")[0] for part in tables().split("](")[1:]]
    assert len(linked) > 80
    assert [name for name in linked if not (PAGE.parent / name).is_file()] == []
