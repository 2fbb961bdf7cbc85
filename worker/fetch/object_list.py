"""Reads the lists of a bucket: the XML of ListObjectsV2 (Amazon S3 API reference)."""

from urllib.parse import unquote_plus

from lxml import etree

from worker.model.source import StoredObject

_MAX_SIZE = 2**63  # JSON and Redis hold no larger number
UNREADABLE = (etree.XMLSyntaxError, ValueError, KeyError)
"""The errors of :func:`parse_list`."""


def parse_list(body: bytes, *, is_encoded: bool) -> tuple[list[StoredObject], bool]:
    """The objects of a ListBucketResult, and whether there are more. Bytes of a key that are not
    UTF-8 become surrogates."""
    root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    if _local(root) != "ListBucketResult":
        raise ValueError("this is not a list")
    objects = []
    is_truncated = False
    for child in root:
        if _local(child) == "IsTruncated":
            is_truncated = child.text == "true"
        elif _local(child) == "Contents":
            values = {_local(element): element.text or "" for element in child}
            key = values["Key"]
            if is_encoded:
                key = unquote_plus(key, errors="surrogateescape")
            objects.append(StoredObject(key, opaque(values["ETag"]), int(values["Size"])))
            if not key or not 0 <= objects[-1].size < _MAX_SIZE:
                raise ValueError("this is not an object")
    return objects, is_truncated and bool(objects)


def opaque(etag: str) -> str:
    """An ETag without its quotes. A proxy makes it weak, and the object is the same."""
    return etag.removeprefix("W/").strip('"')


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]
