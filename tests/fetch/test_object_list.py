"""The lists of buckets, as any server may send them."""

import pytest

from worker.fetch.object_list import UNREADABLE, parse_list


@pytest.mark.parametrize("size", ["-1", str(2**63), "9" * 5000, "", "a lot"])
def test_a_size_that_is_none(size: str) -> None:
    """The list is unreadable: what is stored of it would not be."""
    item = f"<Contents><Key>a</Key><ETag>e</ETag><Size>{size}</Size></Contents>"
    with pytest.raises(UNREADABLE):
        parse_list(f"<ListBucketResult>{item}</ListBucketResult>".encode(), is_encoded=False)
