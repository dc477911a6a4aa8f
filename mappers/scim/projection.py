"""What of a resource an answer shows (RFC 7644 3.9), and its location and version. No I/O here.

Names are read leniently: in any case, bare names of an extension's attributes, a filter in
brackets passed over. A name that nothing matches has no effect, so no odd shape fails a read.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mappers.scim.expressions import find_key
from mappers.scim.schemas import RESOURCE_TYPES
from mappers.tolerance import tolerance

Doc = dict[str, Any]

Names = str | Sequence[str] | None
"""Attribute names: comma-separated text as in a query, or a list as in a search request."""

Tree = dict[str, "Tree | None"]
"""Names by level, in the document's spelling where it has them; None stands for all below."""

_ALWAYS = ("schemas", "id")
_BRACKET = re.compile(r"\[[^\]]*\]?")


def render(doc: Mapping[str, Any], *, version: int, base_url: str) -> Doc:
    """The resource as a client sees it: with `meta.location` and `meta.version` (its ETag).

    `base_url` is the tenant's SCIM base without a slash at the end.
    """
    meta = doc["meta"]
    endpoint = RESOURCE_TYPES[meta["resourceType"]].endpoint
    location = f"{base_url}{endpoint}/{doc['id']}"
    return {**doc, "meta": {**meta, "location": location, "version": f'W/"{version}"'}}


def project(doc: Doc, *, attributes: Names = None, excluded: Names = None) -> Doc:
    """The rendered document with only `attributes`, without `excluded`; never without `id`."""
    if attributes:
        wanted = _tree(doc, (*_ALWAYS, *_listed(attributes)))
        doc = _kept(doc, wanted)
    if excluded:
        unwanted = _tree(doc, _listed(excluded))
        doc = _dropped(doc, {name: sub for name, sub in unwanted.items() if name not in _ALWAYS})
    return doc


@tolerance(
    seen="Microsoft's Postman collection",
    test="unit/mappers/scim/test_projection.py::test_only_the_wanted_attributes_are_shown",
)
def _listed(names: str | Sequence[str]) -> list[str]:
    """Names of what to show may hold a filter (`emails[type eq "work"]`), which is passed over."""
    texts = [names] if isinstance(names, str) else [str(name) for name in names]
    return [name for text in texts for name in _BRACKET.sub("", text).replace(" ", "").split(",")]


def _tree(doc: Doc, names: Iterable[str]) -> Tree:
    tree: Tree = {}
    for name in names:
        *above, last = _keys(doc, name) or ("",)
        node: Tree | None = tree
        for key in above:
            node = None if node is None else node.setdefault(key, {})
        if node is not None:
            node[last] = None
    return tree


def _keys(doc: Doc, name: str) -> tuple[str, ...]:
    """The way down the document that a name means; empty when it means nothing here."""
    if name.casefold().startswith("urn:"):
        return _urn_keys(doc, name)
    attribute, *below = name.split(".")
    key = find_key(doc, attribute)
    if key in doc:
        return (key, *below)
    for urn, extension in doc.items():
        if ":" in urn and isinstance(extension, dict):
            key = find_key(extension, attribute)
            if key in extension:
                return (urn, key, *below)
    return ()


def _urn_keys(doc: Doc, name: str) -> tuple[str, ...]:
    folded = name.casefold()
    for urn in (*doc["schemas"], *(key for key in doc if ":" in key)):
        if folded == urn.casefold() and urn in doc:
            return (urn,)
        if folded.startswith(f"{urn.casefold()}:"):
            below = tuple(name[len(urn) + 1 :].split("."))
            return (urn, *below) if urn in doc else below
    return ()


def _kept(value: Any, tree: Tree) -> Any:
    if isinstance(value, list):
        return [part for part in (_kept(element, tree) for element in value) if part != {}]
    if not isinstance(value, dict):
        return value
    kept = {}
    for name, inner in value.items():
        wanted = find_key(tree, name)
        if wanted in tree:
            below = tree[wanted]
            kept[name] = inner if below is None else _kept(inner, below)
    return kept


def _dropped(value: Any, tree: Tree) -> Any:
    if isinstance(value, list):
        return [_dropped(element, tree) for element in value]
    if not isinstance(value, dict):
        return value
    left = {}
    for name, inner in value.items():
        unwanted = find_key(tree, name)
        if unwanted not in tree:
            left[name] = inner
        elif (below := tree[unwanted]) is not None:
            left[name] = _dropped(inner, below)
    return left
